/** Checkpoints: the variables, and what else is needed to use them or to train on. */

import { DataError } from "../core/mod.ts";
import type { Normalisation, Preprocessing } from "../data/mod.ts";
import { modelByName, type ModelOptions, type SequentialModel } from "../models/mod.ts";
import type { DataIdentity } from "./data_identity.ts";
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from "./safetensors.ts";

/** How a model was made, so that a checkpoint can make it again. */
export interface ModelDescription extends ModelOptions {
  /** The name by which it is found. */
  readonly name: string;
}

/** Where a run stands, at the end of an epoch or within one. */
export interface Progress {
  /** The epochs that are done, validation included. */
  readonly epochs: number;
  /** The steps that are done, those of the epoch that has begun included. */
  readonly steps: number;
  /** The sum of the losses of the steps of the epoch that has begun. */
  readonly lossSum: number;
  /** The number of right answers in them. */
  readonly correct: number;
  /** The best validation accuracy so far; -1 before the first. */
  readonly bestTop1: number;
  /** The state of the schedule. */
  readonly schedule: readonly number[];
  /** Images in a batch. */
  readonly batch: number;
  /** What is trained on. */
  readonly data: DataIdentity;
}

/** What a checkpoint holds beside its tensors. */
export interface CheckpointInfo {
  /** How the model was made. */
  readonly model: ModelDescription;
  /** The names of the classes. */
  readonly classes: readonly string[];
  /** The normalisation of the images. */
  readonly normalisation: Normalisation;
  /** How images of any size are brought to the model's; the usual way for its size where a file does not say. */
  readonly preprocessing?: Preprocessing;
  /** Where the run stands; only in a checkpoint from which training can go on. */
  readonly progress?: Progress;
}

/** A checkpoint, or a bare weight file, which has no `info`. */
export interface Checkpoint {
  /** The tensors by name. */
  readonly tensors: Map<string, NamedTensor>;
  /** What it says of itself. */
  readonly info?: CheckpointInfo;
}

const KEY = "residua";

/** Writes a checkpoint. */
export function encodeCheckpoint(
  tensors: ReadonlyMap<string, NamedTensor>,
  info: CheckpointInfo,
): Uint8Array<ArrayBuffer> {
  return encodeSafetensors(tensors, { [KEY]: JSON.stringify(info) });
}

/**
 * Reads a checkpoint or a bare weight file.
 *
 * @param source The file's name, for messages.
 * @throws {DataError} If it is damaged.
 */
export function decodeCheckpoint(bytes: Uint8Array, source: string): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(bytes, source);
  if (!Object.hasOwn(metadata, KEY)) return { tensors };
  try {
    return { tensors, info: JSON.parse(metadata[KEY]) as CheckpointInfo };
  } catch {
    throw new DataError(`${source}: what the file says of its model is not JSON; the file is damaged`);
  }
}

/** Makes the model that a description names. */
export function describedModel({ name, ...options }: ModelDescription): SequentialModel {
  return modelByName(name, options);
}
