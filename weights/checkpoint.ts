/** Checkpoints: the variables, and what else is needed to use them or to train on. */

import { DataError, elementCount, parseJson } from "../core/mod.ts";
import type { Normalisation, Preprocessing } from "../data/mod.ts";
import { type Model, modelByName, type ModelOptions, type SequentialModel } from "../models/mod.ts";
import { bareContent, chooseTensors, wantedShapes } from "./_choose_tensors.ts";
import { asBytes } from "./_reading.ts";
import { fileKind } from "./_file_kind.ts";
import type { Progress } from "./progress.ts";
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from "./safetensors.ts";
import { readTorchFile } from "./torch_file.ts";

/** How a model was made, so that a checkpoint can make it again. */
export interface ModelDescription extends ModelOptions {
  /** The name by which it is found. */
  readonly name: string;
}

/** The metadata of a checkpoint. */
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
  /** The checkpoint's metadata. */
  readonly info?: CheckpointInfo;
  /** Where in a bare file the tensors were, such as `model_ema.module.`; nothing if they are the whole file. */
  readonly entry?: string;
  /**
   * Whose names the tensors of a bare file had, where those were not torchvision's: `transformers ResNet`,
   * `transformers MobileNet-V2` or `timm MobileNet-V2`.
   */
  readonly naming?: string;
}

/** The options of {@link decodeCheckpoint}. */
export interface DecodeOptions {
  /** The network of a bare file: the tensors that fit it best are taken, whatever was put before their names. */
  readonly model?: Model;
  /** Which of several sets of weights is taken, such as `model_ema.module.`. Defaults to the one that fits best. */
  readonly entry?: string;
}

const KEY = "residua";

/**
 * Writes a checkpoint.
 *
 * @param tensors The variables.
 * @param info What else is needed to use them, or to train on.
 * @returns The bytes of a safetensors file.
 *
 * @example
 * ```ts
 * import { type CheckpointInfo, encodeCheckpoint } from "@residua/residua";
 * import { writeFile } from "@residua/residua/disk";
 * const tensors = new Map([["fc.bias", { shape: [2], data: Float32Array.of(0, 1) }]]);
 * const info: CheckpointInfo = {
 *   model: { name: "resnet8", classes: 2 },
 *   classes: ["cat", "dog"],
 *   normalisation: { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] },
 * };
 * await writeFile("cats.safetensors", encodeCheckpoint(tensors, info));
 * ```
 */
export function encodeCheckpoint(
  tensors: ReadonlyMap<string, NamedTensor>,
  info: CheckpointInfo,
): Uint8Array<ArrayBuffer> {
  return encodeSafetensors(tensors, { [KEY]: JSON.stringify(info) });
}

/**
 * Reads a checkpoint or a bare weight file: safetensors, or what `torch.save` wrote of a `state_dict`, alone or anywhere in a
 * checkpoint. With the network, the tensors that fit it best are taken, under any prefix; without it, the most that stand
 * together, and `module.` and `_orig_mod.` are taken away from names that all have them. The names of Hugging Face's ResNet
 * and MobileNet-V2 and of timm's MobileNet-V2 become torchvision's.
 *
 * @param bytes The whole file: an `ArrayBuffer` or any view of one.
 * @param source The file's name, for messages.
 * @param options The network, where it is known, and which of several sets of weights is taken.
 * @throws {DataError} If it is damaged, or something else, of which the error says what it is; or if several sets of weights
 * in it fit equally well, or it has none of that name.
 *
 * @example
 * ```ts
 * import { decodeCheckpoint, encodeCheckpoint } from "@residua/residua";
 * const tensors = new Map([["fc.bias", { shape: [2], data: Float32Array.of(0, 1) }]]);
 * const normalisation = { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] };
 * const bytes = encodeCheckpoint(tensors, { model: { name: "resnet8" }, classes: ["cat", "dog"], normalisation });
 * const checkpoint = decodeCheckpoint(bytes, "last.safetensors");
 * console.log(checkpoint.info?.classes, checkpoint.tensors.get("fc.bias")?.data[1]); // [ "cat", "dog" ] 1
 * ```
 */
export function decodeCheckpoint(
  bytes: ArrayBuffer | ArrayBufferView,
  source: string,
  { model, entry }: DecodeOptions = {},
): Checkpoint {
  bytes = asBytes(bytes);
  const file = fileKind(bytes as Uint8Array), wanted = model && wantedShapes(model);
  if (file.kind === "other") throw new DataError(`${source} ${file.what}`);
  if (file.kind === "torch") return bareContent(readTorchFile(bytes as Uint8Array, source, wanted, entry));
  const { tensors, metadata } = decodeSafetensors(bytes, source);
  if (!Object.hasOwn(metadata, KEY)) {
    return bareContent(chooseTensors([{ path: "", tensors }], wanted, entry, (what) => {
      throw new DataError(`${source}: ${what}`);
    }));
  }
  const info = readInfo(metadata[KEY]);
  if (info === undefined) {
    throw new DataError(`${source}: what the file says of its model makes no sense; the file is damaged`);
  }
  return { tensors, info };
}

/** The most classes, and the most values of an image, of a network that is made as a file says. */
const MOST_CLASSES = 1_000_000, MOST_VALUES = 2 ** 28;

/** The metadata of a checkpoint; nothing if malformed. Its users check that it fits. */
function readInfo(text: string): CheckpointInfo | undefined {
  try {
    const info = parseJson(text, "the metadata") as CheckpointInfo,
      { model, classes, normalisation, preprocessing, progress } = info;
    const isList = (list: unknown, type: string): list is unknown[] =>
      Array.isArray(list) && list.every((part) => typeof part === type);
    const isPositive = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;
    const { name, classes: outputs = classes.length, inputShape = [3, 1, 1] } = model, { mean, std } = normalisation;
    const right = typeof name === "string" && isList(classes, "string") && isPositive(outputs) &&
      isList(inputShape, "number") && inputShape.length === 3 && inputShape.every(isPositive) &&
      outputs <= MOST_CLASSES && elementCount(inputShape as number[]) <= MOST_VALUES &&
      isList(mean, "number") && isList(std, "number") && std.length === inputShape[0] &&
      [inputShape[0], elementCount(inputShape as number[])].includes(mean.length) &&
      (preprocessing === undefined || (isPositive(preprocessing.resize) && isList(preprocessing.crop, "number"))) &&
      (progress === undefined || (typeof progress === "object" && progress !== null));
    return right ? info : undefined;
  } catch {
    return undefined;
  }
}

/** Makes the model that a description names. */
export function describedModel({ name, ...options }: ModelDescription): SequentialModel {
  return modelByName(name, options);
}
