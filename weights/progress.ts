/** Where a run stands, as its checkpoints say it. */

import { countField, flagField, listField, numberField, objectField, optionalField, textField } from "../core/mod.ts";
import type { DataIdentity } from "../data/mod.ts";

/** The progress of a run, at the end of an epoch or within one. */
export interface Progress {
  /** The epochs that are done, validation included. */
  readonly epochs: number;
  /** The steps that are done, those of the epoch that has begun included. */
  readonly steps: number;
  /** The sum of the losses of the steps of the epoch that has begun. */
  readonly lossSum: number;
  /** The number of right answers in them. */
  readonly correct: number;
  /** The highest validation accuracy so far; -1 before the first. */
  readonly bestTop1: number;
  /** The lowest validation loss beside it; absent in older checkpoints. */
  readonly bestLoss?: number;
  /** The epochs since that accuracy, or that loss beside it; absent in older checkpoints. */
  readonly staleEpochs?: number;
  /** The validation of these very weights; absent within an epoch, and in older checkpoints. */
  readonly validated?: {
    /** The epoch that it ended, from 1. */
    readonly epoch: number;
    /** Whether it was as good as the best so far. */
    readonly isBest: boolean;
  };
  /** The state of the schedule. */
  readonly schedule: readonly number[];
  /** Images in a batch. */
  readonly batch: number;
  /** The data that is trained on. */
  readonly data: DataIdentity;
}

const checkFields = objectField({
  epochs: countField(),
  steps: countField(),
  lossSum: numberField,
  correct: countField(),
  bestTop1: numberField,
  bestLoss: optionalField(numberField),
  staleEpochs: optionalField(countField()),
  validated: optionalField(objectField({ epoch: countField(1), isBest: flagField })),
  schedule: listField(numberField),
  batch: countField(1),
  data: objectField({
    train: countField(1),
    validation: countField(),
    shape: listField(countField(1), 3),
    classes: listField(textField),
    hash: textField,
  }),
});

/**
 * Looks at a file's record of a run's progress.
 *
 * @returns What of it makes no sense, and what was expected; nothing where the run can be resumed.
 */
export function findProgressFault(value: unknown): string | undefined {
  const fault = checkFields(value, "progress");
  if (fault !== undefined) return fault;
  const { epochs, steps, batch, data } = value as Progress, perEpoch = Math.floor(data.train / batch);
  // A run ends within its last epoch, or stands after the last step of an epoch that is not validated yet.
  if (steps >= epochs * perEpoch && steps <= (epochs + 1) * perEpoch) return undefined;
  return `progress.steps is ${steps}, expected ${epochs * perEpoch} to ${(epochs + 1) * perEpoch}, since ` +
    `progress.epochs is ${epochs} and an epoch has ${perEpoch} steps`;
}

/** Whether a file's record of a run's progress is complete and makes sense, so that the run can be resumed. */
export function isProgress(value: unknown): value is Progress {
  return findProgressFault(value) === undefined;
}
