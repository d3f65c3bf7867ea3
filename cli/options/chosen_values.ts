/** What `train` chooses from the images where neither the user nor a recipe says. */

import { type ImageSet, MemoryDataset, typicalSide } from "../../data/mod.ts";
import { modelByName } from "../../models/mod.ts";
import { suggestNetwork, suggestSize, suggestTraining } from "../../train/mod.ts";
import { FINE_TUNED, isPublished } from "./fine_tuning.ts";
import { suitedRate } from "./optimizer_options.ts";
import { scaleRate } from "./distributed_options.ts";
import type { TrainValues } from "./train_options.ts";

/** The values of a run, of which none is left open. */
export type ChosenValues =
  & Omit<TrainValues, "lr">
  & Required<Pick<TrainValues, "batch" | "epochs" | "warmup">>
  & { readonly lr: number };

/** The images as the network sees them, the values of the run, and what to say of those that were chosen. */
export interface Choice {
  readonly set: ImageSet;
  readonly values: ChosenValues;
  /** Empty where nothing was left open. */
  readonly text: string;
}

/** What suits a run better than what the number of images suggests. */
type Usual = Partial<Pick<ChosenValues, "batch" | "epochs" | "lr">>;

/** The built-in set is an easy one, and a first run is to end soon. */
const SHAPES = { batch: 32, epochs: 6 } as const;

/**
 * Chooses what is left open.
 *
 * @param values What is given, and the defaults.
 * @param decided The options that are given, or set by a recipe or by the run that goes on.
 * @param set The images; those from files have any size yet.
 * @param ranks The processes that train together, each with a batch of its own. Defaults to 1.
 */
export async function chooseValues(
  values: TrainValues,
  decided: ReadonlySet<string>,
  set: ImageSet,
  ranks = 1,
): Promise<Choice> {
  const { count } = set.train, published = isPublished(values);
  const usual: Usual = published ? FINE_TUNED : isShapes(values) ? SHAPES : {};
  const network = await chooseNetwork(values, decided, set);
  const suits = usual.batch ?? suggestTraining(count).batch;
  const batch = values.batch ?? Math.max(1, Math.floor(suits / ranks)), all = batch * ranks;
  const epochs = epochsOfSteps(values.steps, count, all) ?? values.epochs ?? usual.epochs;
  // A rate that is scaled by the number of processes is that of one.
  const suggested = suggestTraining(count, { batch: values["scale-lr"] ? batch : all, epochs });
  // What a range test starts with, and leaves where it finds nothing.
  const rate = values.lr === "auto" ? suitedRate(values.optimizer) : values.lr;
  // A schedule that is asked for, alone or by a recipe, begins as it says.
  const warmup = decided.has("schedule") ? 0 : suggested.warmUp;
  const unscaled = {
    ...values,
    ...network,
    batch,
    epochs: suggested.epochs,
    lr: rate ?? usual.lr ?? suggested.rate,
    warmup: values.warmup ?? warmup,
  };
  const chosen = scaleRate(unscaled, values, ranks);
  const size = network?.size, [channels] = set.shape;
  return {
    set: size === undefined ? set : { ...set, shape: [channels, size, size] },
    values: chosen,
    text: choiceText(chosen, decided, count, size),
  };
}

/** Images, and how they change at random. */
type SeenImages = Pick<Choice, "set"> & Pick<TrainValues, "randaugment">;

/**
 * The images as `train` sees them where no network is named.
 *
 * @param values What is given of their size and augmentation.
 * @param decided The options that are given.
 * @param set The images; those from files have any size yet.
 */
export async function chooseImages(
  { size, randaugment }: Pick<TrainValues, "size" | "randaugment">,
  decided: ReadonlySet<string>,
  set: ImageSet,
): Promise<SeenImages> {
  const network = await chooseNetwork({ model: "", size, init: undefined }, decided, set), [channels] = set.shape;
  return network === undefined ? { set, randaugment } : {
    set: { ...set, shape: [channels, network.size, network.size] },
    randaugment: network.randaugment ?? randaugment,
  };
}

function isShapes({ data, ...values }: TrainValues): boolean {
  return data === "shapes" && values["train-list"] === undefined;
}

function epochsOfSteps(steps: number | undefined, count: number, batch: number): number | undefined {
  return steps === undefined ? undefined : Math.max(1, Math.ceil(steps / Math.max(1, Math.floor(count / batch))));
}

/** The network for image files, and what its images are like. */
type ChosenNetwork = Pick<ChosenValues, "model" | "randaugment"> & { readonly size: number };

/** The network and the size for image files; nothing where the images or the user decide both. */
async function chooseNetwork(
  { model, size, init }: Pick<TrainValues, "model" | "size" | "init">,
  decided: ReadonlySet<string>,
  { train }: ImageSet,
): Promise<ChosenNetwork | undefined> {
  const isDecided = decided.has("model") || init !== undefined;
  if (train instanceof MemoryDataset || (isDecided && size !== undefined)) return undefined;
  const side = await typicalSide(train);
  if (!isDecided) {
    const { randAugment, ...network } = suggestNetwork(train.count, side, size),
      isOpen = !["augment", "randaugment"].some((name) => decided.has(name));
    return randAugment === undefined || !isOpen
      ? network
      : { ...network, randaugment: [randAugment.operations, randAugment.magnitude] };
  }
  return { model, size: suggestSize(modelByName(model).inputShape[1], train.count, side) };
}

/** What was chosen, and the options that would change it, in lines of 80 columns. */
function choiceText(
  { model, batch, epochs, lr, schedule, steps, randaugment }: ChosenValues,
  decided: ReadonlySet<string>,
  count: number,
  size: number | undefined,
): string {
  const said: readonly (readonly [string, string | undefined])[] = [
    ["model", size === undefined ? undefined : model],
    ["size", size === undefined ? undefined : `${size}x${size} pixels`],
    ["batch", `batches of ${batch}`],
    ["epochs", steps === undefined ? `${epochs} epochs` : undefined],
    ["lr", `rate ${lr}, ${schedule}`],
    [
      "randaugment",
      size === undefined || decided.has("augment") ? undefined : randaugment && `RandAugment ${randaugment}`,
    ],
  ];
  const open = said.filter(([name, text]) => text !== undefined && !decided.has(name));
  if (open.length === 0) return "";
  return `chosen for ${count} images: ${open.map(([, text]) => text).join(", ")}\n` +
    `  to change it: ${open.map(([name]) => `--${name}`).join(" ")}`;
}
