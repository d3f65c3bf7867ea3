/** How long a run is, and how its batches are divided. */

import type { FitOptions } from "./fit_options.ts";

/** How long a run is, and how its batches are divided. */
export interface RunLength {
  /** Images in a batch, of all ranks. */
  readonly batch: number;
  /** Those of one rank. */
  readonly rankBatch: number;
  readonly rank: number;
  /** The number of ranks. */
  readonly ranks: number;
  readonly epochs: number;
  /** The first epochs, in which the head alone is trained. */
  readonly headEpochs: number;
  readonly stepsPerEpoch: number;
  /** The steps of the whole run. */
  readonly totalSteps: number;
}

/** Finds how long a run is. */
export function runLength(
  { set, batch = 128, epochs, steps = Infinity, headEpochs = 0, collective }: FitOptions,
): RunLength {
  const { rank = 0, size = 1 } = collective ?? {}, stepsPerEpoch = Math.floor(set.train.count / batch);
  return {
    batch,
    rankBatch: batch / size,
    rank,
    ranks: size,
    epochs,
    headEpochs: Math.min(headEpochs, epochs),
    stepsPerEpoch,
    totalSteps: Math.min(steps, epochs * stepsPerEpoch),
  };
}
