/** What ranks must have alike to train together, which they tell each other before the first step. */

import type { DataIdentity, Normalisation } from "../data/mod.ts";
import { expectSameRanks } from "./_ranks.ts";
import type { FitOptions } from "./fit_options.ts";

/** What a rank is about to train with, beside what it was given. */
export interface AgreedRun {
  readonly data: DataIdentity;
  readonly batch: number;
  readonly headEpochs: number;
  readonly rate: number;
  readonly seed: number;
  readonly classWeights?: readonly number[];
  /** The parts of its batch. */
  readonly accumulate: number;
  readonly normalisation: Normalisation;
}

/**
 * Expects all ranks to train with the same.
 *
 * @throws {DataError} If a rank has other images, options or hardware than the first one; on all ranks.
 */
export async function expectAgreement(options: FitOptions, run: AgreedRun): Promise<void> {
  const { collective, backend, model, progress, shuffle = true } = options;
  await expectSameRanks(collective, {
    data: dataText(run.data),
    options: JSON.stringify([
      ...[
        model.name,
        run.batch,
        options.epochs,
        options.steps,
        run.seed,
        shuffle,
        options.sample,
        options.augmentation,
      ],
      ...[run.classWeights, run.rate, run.headEpochs, run.accumulate, options.precision, options.checkpoints?.steps],
      ...[options.schedule, run.normalisation, progress?.steps, options.earlyStop],
      ...[options.syncBatchNorm, options.bucketBytes, options.transport],
    ]),
    // Backends read results at other steps.
    hardware: backend.name,
  });
}

/** What tells the images of a rank from those of another: not when their files were written. */
function dataText({ files, ...named }: DataIdentity): string {
  return JSON.stringify([named, files?.map((file) => file && [file.sizes, file.content])]);
}
