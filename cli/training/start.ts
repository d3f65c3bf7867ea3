/** From where training starts: the network as its first weights want it, and how it sees the images. */

import type { Backend } from "../../core/mod.ts";
import type { Augmentation, Normalisation } from "../../data/mod.ts";
import type { SequentialModel } from "../../models/mod.ts";
import type { FitOptions } from "../../train/mod.ts";
import {
  type AlignedHead,
  alignHead,
  type Checkpoint,
  describedModel,
  type ModelDescription,
} from "../../weights/mod.ts";
import { expectChannels, startedDescription } from "../options/fine_tuning.ts";
import { chooseAugmentation } from "../options/image_options.ts";
import { trainingOptions } from "../options/train_options.ts";
import { readCheckpoint } from "../weights/read_checkpoint.ts";
import type { Work } from "./work.ts";

/** Weights to start from, and which they are, for messages. */
export type InitialWeights = Checkpoint & { readonly source: string };

/** From where training starts. */
export interface Start {
  /** The network, with what the weights say of it. */
  readonly model: SequentialModel;
  readonly description: ModelDescription;
  /** The weights; at random where there are none. */
  readonly initial?: InitialWeights;
  /** What becomes of their head, where it may be of other classes. */
  readonly head?: AlignedHead;
  readonly augmentation: Augmentation;
  /** Nothing where `fit` is to measure it. */
  readonly normalisation?: Normalisation;
}

/**
 * Reads the weights of `--init`, if it is given.
 *
 * @param shows Whether the progress of a download is shown.
 * @throws {UsageError} If they are for images of other channels.
 */
export async function readInit({ model, set, values }: Work, shows: boolean): Promise<InitialWeights | undefined> {
  if (values.init === undefined) return undefined;
  const initial = await readCheckpoint(values.init, { model, progress: shows });
  expectChannels(initial, set);
  return initial;
}

/**
 * Finds from where training starts.
 *
 * @param initial The weights: those of `--init`, or of the run that goes on.
 * @param goesOn Whether they are of the same run, so that their head is its own.
 * @param onProgress Hears how many images are measured, of how many.
 */
export async function openStart(
  { set, values, ...work }: Work,
  initial: InitialWeights | undefined,
  goesOn: boolean,
  onProgress: (done: number, total: number) => void,
): Promise<Start> {
  const description = startedDescription(work.description, initial), model = describedModel(description);
  const known = initial?.info?.normalisation, preparation = await chooseAugmentation(values, set, known, onProgress);
  const head = initial === undefined || goesOn ? undefined : alignHead(model, initial, set.classes);
  return { model, description, initial, head, ...preparation };
}

/** What training is told of all this. */
export function startedOptions(
  { set, values, classWeights, batch, stepsPerEpoch }: Work,
  start: Start,
  backend: Backend,
) {
  const { model, description, initial, head, augmentation, normalisation } = start;
  return {
    model,
    description,
    backend,
    set,
    epochs: values.epochs,
    batch,
    classWeights,
    augmentation,
    normalisation,
    ...trainingOptions(values, stepsPerEpoch),
    initial: initial && { ...initial, ...head },
  } satisfies FitOptions;
}
