/** What is wrong with what a run is to be made of, before anything is made. */

import { argument, sentence, UsageError } from "../core/mod.ts";
import { type DataIdentity, expectSameData, type ImageSet } from "../data/mod.ts";
import type { Model } from "../models/mod.ts";
import type { Progress } from "../weights/mod.ts";
import { expectEarlyStop } from "./_best.ts";
import type { RunLength } from "./_run_length.ts";
import type { FitOptions } from "./fit_options.ts";

/**
 * Checks what a run is to be made of.
 *
 * @throws {UsageError} If a number makes no sense, the images are too few for a batch or not what the model takes, or ranks
 * cannot divide a batch.
 */
export function checkFit({ model, set, headEpochs = 0, earlyStop }: FitOptions, { batch, ranks }: RunLength): void {
  checkHeadEpochs(headEpochs);
  checkImages(model, set, batch);
  if (batch % ranks !== 0) {
    throw new UsageError(
      sentence`Expected a batch that ${ranks} ranks can divide but ${
        argument("batch")
      } is ${batch}; take a multiple of ${ranks}`,
    );
  }
  expectEarlyStop(earlyStop, set);
}

function checkHeadEpochs(headEpochs: number): void {
  if (Number.isInteger(headEpochs) && headEpochs >= 0) return;
  throw new UsageError(
    sentence`Expected the epochs of the head to be a whole number of at least 0 but ${
      argument("headEpochs")
    } is ${headEpochs}`,
  );
}

function checkImages(model: Model, set: ImageSet, batch: number): void {
  if (set.train.count < batch) {
    throw new UsageError(
      sentence`${set.name} has ${set.train.count} training images, fewer than a batch of ${batch}; use ${
        argument("batch", set.train.count)
      } or less`,
    );
  }
  if (model.inputShape.join() !== set.shape.join() || model.classes !== set.classes.length) {
    throw new UsageError(
      `${model.name} takes images of ${model.inputShape.join("x")} in ${model.classes} classes, ` +
        `but ${set.name} has images of ${set.shape.join("x")} in ${set.classes.length}`,
    );
  }
}

/**
 * Checks that a run that goes on is of the same images, in as large batches.
 *
 * @throws {DataError} If it is of others.
 * @throws {UsageError} If its batches are.
 */
export function checkProgress(progress: Progress, batch: number, data: DataIdentity, name: string): void {
  expectSameData(progress.data, data, name);
  if (progress.batch === batch) return;
  throw new UsageError(
    `The run was trained with a batch of ${progress.batch}, so it cannot go on with one of ${batch}`,
  );
}
