/** The classifier that `predict` and `serve` ask: which weights, how images are made ready, where it computes. */

import { type Precision, UsageError } from "../../core/mod.ts";
import { type LoadedModel, loadModel } from "../../inference/mod.ts";
import type { NamedTensor } from "../../weights/mod.ts";
import { checkTune, TUNE_OPTION, tuneOptions } from "../tuning/tune_option.ts";
import { MEGAPIXELS_OPTION } from "./image_options.ts";
import { inGroup, MOST, type Values } from "./option.ts";
import {
  chosenModel,
  chosenNormalisation,
  chosenPreprocessing,
  PREPARATION_OPTIONS,
  preparationText,
} from "./preparation_options.ts";
import {
  BACKEND_OPTIONS,
  CHECKPOINT_OPTIONS,
  openChosenBackend,
  PRECISION_OPTION,
  readChosenCheckpoint,
} from "./shared_options.ts";

/** The options of a classifier. */
export const CLASSIFIER_OPTIONS = {
  ...CHECKPOINT_OPTIONS,
  ...inGroup("Data", { ...PREPARATION_OPTIONS, "max-megapixels": MEGAPIXELS_OPTION }),
  top: {
    kind: "integer",
    group: "Output",
    about: "how many classes are named; 5, or all where there are fewer",
    minimum: 1,
  },
  batch: {
    kind: "integer",
    group: "Device",
    about: "the most images that are computed together",
    default: 16,
    minimum: 1,
    maximum: MOST.batch,
  },
  ...BACKEND_OPTIONS,
  precision: PRECISION_OPTION,
  tune: TUNE_OPTION,
} as const;

/** A classifier, until it is disposed of. */
export interface Classifier extends Disposable {
  readonly model: LoadedModel;
  /** How many classes are named. */
  readonly top: number;
  /** The weights, for messages. */
  readonly source: string;
  /** The weights by name, where they were asked for: else their memory is given back. */
  readonly tensors?: ReadonlyMap<string, NamedTensor>;
  /** A line on how images are made ready. */
  readonly preparation: string;
}

/**
 * Opens the classifier that was asked for.
 *
 * @param values The options; `progress` says whether that of timing kernels is shown, `keepTensors` whether weights are kept.
 * @throws {UsageError} If an option does not fit the network.
 */
export async function openClassifier(
  values: Values<typeof CLASSIFIER_OPTIONS> & { readonly progress: boolean; readonly keepTensors?: boolean },
): Promise<Classifier> {
  checkTune(values.tune);
  const checkpoint = await readChosenCheckpoint(values), network = chosenModel(checkpoint, values);
  const preprocessing = chosenPreprocessing(checkpoint, network, values);
  const chosen = await chosenNormalisation(checkpoint, network, values);
  const backend = await openChosenBackend(values);
  try {
    const model = await loadModel(checkpoint, {
      backend,
      batch: values.batch,
      model: network,
      normalisation: chosen.normalisation,
      preprocessing,
      precision: values.precision as Precision,
      source: checkpoint.source,
      tune: tuneOptions(values.tune, backend, values),
    });
    const top = values.top ?? Math.min(5, model.classes.length);
    if (top > model.classes.length) {
      throw new UsageError(`--top: expected at most ${model.classes.length}, the number of classes, but "${top}" came`);
    }
    return {
      model,
      top,
      source: checkpoint.source,
      tensors: values.keepTensors ? checkpoint.tensors : undefined,
      preparation: preparationText(preprocessing, chosen),
      [Symbol.dispose]() {
        model.destroy();
        backend.destroy();
      },
    };
  } catch (error) {
    backend.destroy();
    throw error;
  }
}
