/** The events of a run, and the listeners that hear them and may stop it. */

import type { Evaluation } from "../inference/mod.ts";
import type { NamedTensor } from "../weights/mod.ts";

/** The event of a step. */
export interface StepEvent {
  /** The step, from 1. */
  readonly step: number;
  /** The epoch, from 0. */
  readonly epoch: number;
  /** The steps of the whole run. */
  readonly totalSteps: number;
  /** Images in a step. */
  readonly batch: number;
  /** The batch's mean loss before the update. */
  readonly loss: number;
  /** The share of the batch whose class had the largest logit. */
  readonly top1: number;
  /** The learning rate. */
  readonly rate: number;
  /** Images a second, over the steps read together. */
  readonly imagesPerSecond: number;
}

/** The event of an epoch. */
export interface EpochEvent {
  /** The epoch, from 0. */
  readonly epoch: number;
  /** The mean of the batches' losses. */
  readonly trainLoss: number;
  /** The share of the training images whose class had the largest logit in their step. */
  readonly trainTop1: number;
  /** The metrics of the validation set, by running statistics, and by averaged weights where there are any. */
  readonly validation: Evaluation;
  /** Whether its weights are kept as the best: no validation before was better by more than chance. */
  readonly isBest: boolean;
  /** The learning rate of the last step. */
  readonly rate: number;
  /** Seconds of training and validation, since the run was last started. */
  readonly seconds: number;
}

/** The event of a checkpoint. */
export interface CheckpointEvent {
  /** The epoch that it ends, from 0; nothing within an epoch. */
  readonly epoch?: number;
  /** The steps that are done, of the whole run. */
  readonly steps: number;
  /** All variables, the optimiser's included. */
  readonly tensors: ReadonlyMap<string, NamedTensor>;
}

/** The event of images that are gone through beside training. */
export interface ProgressEvent {
  /** What goes on: `statistics` are measured of training images that are read, `validation` ends an epoch. */
  readonly activity: "statistics" | "validation";
  /** The images that are done. */
  readonly done: number;
  /** All of them. */
  readonly total: number;
}

/** The bytes that a run takes of its backend. */
export interface RunMemory {
  /** All bytes. */
  readonly total: number;
  /** Those of the program of a training step: activations, gradients, scratch memory, images on the device. */
  readonly step: number;
  /** Those of parameters, running statistics and what the optimiser keeps. */
  readonly variables: number;
  /** Those of the program that validates. */
  readonly validation: number;
}

/** The event of a run's start. */
export interface StartEvent {
  /** The steps that are done. */
  readonly steps: number;
  /** The steps of the whole run. */
  readonly totalSteps: number;
  /** The parts of a batch that go through the network one after the other. */
  readonly parts: number;
  /** What the run takes of its backend: nothing more is allocated. */
  readonly memory: RunMemory;
}

/**
 * Hears of a run as it goes on. A listener that gives back `"stop"` ends the run, which saves a checkpoint to go on from;
 * whatever else it gives back means nothing.
 *
 * @example
 * ```ts
 * import type { Callback } from "@residua/residua";
 * const goodEnough: Callback = { onEpoch: ({ validation }) => validation.top1 > 0.98 ? "stop" : undefined };
 * console.log(Object.keys(goodEnough)); // [ "onEpoch" ]
 * ```
 */
export interface Callback {
  /** Called before the first step, once everything is checked and allocated. A promise is waited for. */
  onStart?(event: StartEvent): unknown;
  /** Called after each step. On WebGPU the device is up to sixteen steps ahead, so a stop takes effect later. */
  onStep?(event: StepEvent): unknown;
  /** Called after each batch of images that are measured or validated, so that one knows how long it will take. */
  onProgress?(event: ProgressEvent): unknown;
  /**
   * Called after each epoch, before its checkpoint is saved. A run that is killed in between repeats the epoch, so that what is
   * kept here of epochs is never behind the checkpoint. A promise is waited for.
   */
  onValidation?(event: EpochEvent): unknown;
  /**
   * Called before a checkpoint is saved, of a run that is kept in a folder; what was said of {@link Callback.onValidation} holds.
   * A promise is waited for.
   */
  onCheckpoint?(event: CheckpointEvent): unknown;
  /** Called after each epoch, once its checkpoint is saved. A promise is waited for. */
  onEpoch?(event: EpochEvent): unknown;
}
