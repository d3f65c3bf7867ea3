/** Fine-tuning from published weights: what holds where the user does not say it. */

import { UsageError } from "../../core/mod.ts";
import type { ImageSet } from "../../data/mod.ts";
import { FINE_TUNING } from "../../train/mod.ts";
import { type Checkpoint, type ModelDescription, publishedWeights } from "../../weights/mod.ts";
import type { ChosenValues } from "./chosen_values.ts";
import type { GivenOptions } from "./option.ts";
import type { TrainValues } from "./train_options.ts";

/** What suits published weights. */
export const FINE_TUNED = { lr: FINE_TUNING.rate, epochs: FINE_TUNING.epochs } as const;

/**
 * The values with the network that the name of published weights says, where no other was asked for.
 *
 * @throws {UsageError} If there are no such weights, they are of another network than was asked for, or another normalisation
 * than theirs is.
 */
export function withPublishedModel(values: TrainValues, given: GivenOptions): TrainValues {
  const { init, model } = values;
  if (init === undefined) return values;
  const isAsked = "model" in given || values.recipe !== undefined || values.resume !== undefined;
  // A name that begins with that of a network says it; one that begins with those of weights does not.
  const namesNetwork = /^torchvision:[a-z]/.test(init), namesWeights = /^(imagenet$|torchvision:)/.test(init);
  const suited = namesNetwork ? publishedWeights(init)!.model : namesWeights ? SMALLEST : model,
    named = isAsked ? model : suited;
  if (publishedWeights(init, named) !== undefined && "normalise" in given) {
    throw new UsageError(`--normalise: ${init} brings ImageNet's normalisation, so that no other has an effect`);
  }
  return { ...values, model: named };
}

/** The epochs in which the head is trained alone: those that were asked for, or one where published weights get a new head. */
export function chooseHeadEpochs(values: ChosenValues, isNew: boolean): number {
  const suited = isPublished(values) && isNew && values.epochs > 1 ? FINE_TUNING.headEpochs : 0;
  return values["head-epochs"] ?? suited;
}

/**
 * The network that is trained, with what no option says of it: as the weights say that it starts from, such as the padding
 * of TensorFlow's networks.
 *
 * @param description What the options say.
 * @param initial The weights, which may be of another network.
 */
export function startedDescription(description: ModelDescription, initial?: Checkpoint): ModelDescription {
  const own = initial?.info?.model;
  return own?.name === description.name ? { ...own, ...description } : description;
}

/** The network of published weights that are asked for without one. */
const SMALLEST = "resnet18";

/** Whether a run starts from published weights. */
export function isPublished({ init, model }: TrainValues): boolean {
  return init !== undefined && publishedWeights(init, model) !== undefined;
}

/**
 * Checks that weights are for images of as many channels as a set has.
 *
 * @throws {UsageError} If they are for another number.
 */
export function expectChannels({ info, source }: Checkpoint & { readonly source: string }, set: ImageSet): void {
  const channels = info?.normalisation.std.length ?? set.shape[0];
  if (channels === set.shape[0]) return;
  throw new UsageError(
    `--init: ${source} is for images of ${channels} channels, but ${set.name} has images of ${set.shape[0]}`,
  );
}
