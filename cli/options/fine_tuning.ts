/** Fine-tuning from published weights: what holds where the user does not say it. */

import { UsageError } from "../../core/mod.ts";
import type { ImageSet } from "../../data/mod.ts";
import { type Checkpoint, type MismatchedHead, publishedWeights } from "../../weights/mod.ts";
import type { GivenOptions } from "./option.ts";
import type { TrainValues } from "./train_options.ts";

/** The rate from published weights: a tenth of that from random ones. */
const FINE_TUNING_RATE = 0.01, RATE = 0.1;

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
  const named = !isAsked && /^torchvision:[a-z]/.test(init) ? publishedWeights(init)!.model : model;
  if (publishedWeights(init, named) !== undefined && "normalise" in given) {
    throw new UsageError(`--normalise: ${init} brings ImageNet's normalisation, so that no other has an effect`);
  }
  return { ...values, model: named };
}

/** What fine-tuning begins with. */
export interface FineTuning {
  /** The first learning rate. */
  readonly rate: number;
  /** The epochs in which the head is trained alone. */
  readonly headEpochs: number;
}

/**
 * The rate and the head's epochs that hold: those that were asked for, or what suits the weights to start from.
 *
 * @param epochs The epochs of the run.
 * @param foreign The head of the weights, where it is for other classes.
 */
export function fineTuning(values: TrainValues, epochs: number, foreign: MismatchedHead | undefined): FineTuning {
  const published = isPublished(values);
  const headEpochs = values["head-epochs"] ?? (published && foreign !== undefined && epochs > 1 ? 1 : 0);
  return { rate: values.lr ?? (published ? FINE_TUNING_RATE : RATE), headEpochs };
}

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
