/** What is trained, and on what: the images, the network, and the values of a run of which none is left open. */

import type { ImageSet } from "../../data/mod.ts";
import { ImageCaches } from "../../images/mod.ts";
import type { SequentialModel } from "../../models/mod.ts";
import { frozenNames, parameterNames } from "../../train/mod.ts";
import { describedModel, type ModelDescription } from "../../weights/mod.ts";
import { isFirst, type Ranks } from "../mpi/ranks.ts";
import { chooseValues, type ChosenValues } from "../options/chosen_values.ts";
import { readClassWeights } from "../options/class_weights.ts";
import { expectEnough } from "../options/distributed_options.ts";
import { openData } from "../options/image_options.ts";
import { modelOptions } from "../options/network_options.ts";
import type { TrainValues } from "../options/train_options.ts";
import type { AskedRun } from "./resolve_run.ts";

/** What is trained, and on what. */
export interface Work {
  readonly set: ImageSet;
  readonly values: ChosenValues;
  /** What to say of values that were chosen. */
  readonly chosen: string;
  /** The network that the options say. */
  readonly model: SequentialModel;
  readonly description: ModelDescription;
  /** The processes that train together. */
  readonly ranks: Ranks;
  /** Images of a step, of all of them. */
  readonly batch: number;
  readonly stepsPerEpoch: number;
  /** The weights of classes. */
  readonly classWeights?: "balanced" | readonly number[];
  /** The patterns of frozen parameters. */
  readonly freeze: readonly string[];
  /** How many parameters there are, how many are frozen, and whether running statistics are with them. */
  readonly parameters: { readonly all: number; readonly frozen: number; readonly statistics: boolean };
}

/** Opens the images, chooses what is left open, and makes the model. */
export async function openWork(
  { values: asked, decided }: Pick<AskedRun, "values" | "decided">,
  ranks?: Ranks,
): Promise<Work> {
  const data = { ...asked, isQuiet: !isFirst(ranks) }, caches = new ImageCaches(asked["cache-images"]);
  const found = await openData(data, { name: asked.model }, undefined, caches);
  const { set, values, text } = await chooseValues(asked, decided, found, ranks?.size);
  expectEnough(set.train.count, values.batch, ranks);
  const description = descriptionOf(values, set), model = describedModel(description), names = parameterNames(model);
  const batch = values.batch * (ranks?.size ?? 1), freeze = values.freeze?.split(",") ?? [];
  const given = values["class-weights"];
  return {
    set,
    values,
    chosen: text,
    model,
    description,
    ranks,
    batch,
    stepsPerEpoch: Math.max(1, Math.floor(set.train.count / batch)),
    classWeights: given === undefined ? undefined : await readClassWeights(given, set.classes),
    freeze,
    parameters: {
      all: names.length,
      frozen: frozenNames(freeze, names).length,
      statistics: values["freeze-stats"],
    },
  };
}

function descriptionOf(values: TrainValues, { classes, shape }: ImageSet): ModelDescription {
  return { name: values.model, classes: classes.length, inputShape: shape, ...modelOptions(values) };
}
