/** What the formats of `torch.save` have in common: a pickled value, and the storages of its tensors. */

import { DataError, formatShape, type Shape, showText } from "../core/mod.ts";
import { isDictionary, isList, isOpaque } from "../data/mod.ts";
import { ELEMENT_TYPES, readElements } from "./_element_types.ts";
import { isTensor, type TensorReference, type TorchDictionary, type TorchValue } from "./_torch_pickle.ts";
import { type Fail, isBatchCount } from "./_reading.ts";
import type { TensorGroup } from "./_choose_tensors.ts";
import type { NamedTensor } from "./safetensors.ts";

/** A file of `torch.save`, taken apart. */
export interface TorchContent {
  readonly value: TorchValue;
  /** The bytes of a storage and what they are called in messages; no bytes if the file lacks it. */
  readonly storage: (key: string) => { readonly name: string; readonly bytes?: Uint8Array };
}

/** PyTorch's storage classes under safetensors' names of their elements. */
export const STORAGE_TYPES: ReadonlyMap<string, string> = new Map([
  ["torch.DoubleStorage", "F64"],
  ["torch.FloatStorage", "F32"],
  ["torch.HalfStorage", "F16"],
  ["torch.BFloat16Storage", "BF16"],
  ["torch.LongStorage", "I64"],
  ["torch.IntStorage", "I32"],
  ["torch.ShortStorage", "I16"],
  ["torch.CharStorage", "I8"],
  ["torch.ByteStorage", "U8"],
  ["torch.BoolStorage", "BOOL"],
]);

/** What to do about a file that PyTorch can read and this reader cannot. */
export const SAVE_AGAIN =
  "load it in a current PyTorch and save its weights alone: torch.save(model.state_dict(), FILE)";

/** The dictionaries of a value that hold tensors, each with the keys that lead to it. */
export function findGroups(
  value: TorchValue,
  fail: Fail,
): (TensorGroup<TensorReference> & { all: TorchDictionary })[] {
  if (!isDictionary(value)) fail(`it holds ${kindOf(value)}, expected a state_dict; ${SAVE_AGAIN}`);
  const groups: (TensorGroup<TensorReference> & { all: TorchDictionary })[] = [], seen = new Set<TorchValue>();
  const waiting: { readonly path: string; readonly value: TorchValue }[] = [{ path: "", value }];
  // A dictionary may hold itself, or another many times.
  for (let k = 0; k < waiting.length; k++) {
    const { path, value } = waiting[k];
    if (seen.has(value)) continue;
    seen.add(value);
    const entries = isDictionary(value) ? [...value.entries] : isList(value) ? [...value.entries()] : [];
    const tensors = new Map<string, TensorReference>();
    for (const [key, entry] of entries) {
      // An optimiser numbers the parameters: what lies below is of one parameter each.
      if (isDictionary(value) && typeof key !== "string") continue;
      if (isTensor(entry) && typeof key === "string") tensors.set(key, entry);
      else if (isDictionary(entry) || isList(entry)) {
        waiting.push({ path: `${path}${path === "" ? "" : "."}${key}`.slice(0, LONGEST_PATH), value: entry });
      }
    }
    if (isDictionary(value) && [...tensors.keys()].some((name) => !isBatchCount(name))) {
      groups.push({ path, tensors, all: value });
    }
  }
  if (groups.length === 0) {
    const [name, entry] = [...value.entries].find(([, entry]) => isOpaque(entry)) ?? [...value.entries][0] ?? [];
    const what = name === undefined ? "it is empty" : `its entry ${showText(String(name))} is ${kindOf(entry!)}`;
    fail(`it holds no tensors: ${what}; ${SAVE_AGAIN}`);
  }
  return groups;
}

const LONGEST_PATH = 200;

/** Expects a dictionary to hold tensors alone, beside dictionaries that are looked into on their own. */
export function expectTensorsAlone({ entries }: TorchDictionary, fail: Fail): void {
  for (const [name, entry] of entries) {
    if (isTensor(entry) && typeof name === "string") continue;
    fail(`the entry ${showText(String(name))} is ${kindOf(entry)}, where a state_dict has tensors; ${SAVE_AGAIN}`);
  }
}

function kindOf(value: TorchValue): string {
  if (value === null) return "None";
  if (isOpaque(value)) return `an object that ${showText(value.name)} would make, which was not called`;
  if (typeof value === "object") return "kind" in value ? `a ${value.kind}` : "a list";
  return typeof value === "string" ? "text" : typeof value === "boolean" ? "a truth value" : "a number";
}

/** Copies tensors out of their storages, without the counts of batches. */
export function readTensors(
  tensors: ReadonlyMap<string, TensorReference>,
  { storage }: TorchContent,
  size: number,
  source: string,
): Map<string, NamedTensor> {
  // Views may share a storage, even one element, so the file's size alone bounds nothing: at most an element a byte.
  let room = size;
  const read = new Map<string, NamedTensor>();
  for (const [name, tensor] of tensors) {
    if (isBatchCount(name)) continue;
    const what = `${source}: the tensor ${showText(name)}`, count = countElements(tensor.shape, room);
    if (count > room) {
      const shape = showText(formatShape(tensor.shape));
      throw new DataError(`${what} of shape ${shape} is too large for a file of ${size} bytes`);
    }
    room -= count;
    read.set(name, { shape: tensor.shape, data: readTensor(storage, tensor, count, what) });
  }
  return read;
}

/** The number of elements, or a number above the limit if there are more. */
function countElements(shape: Shape, limit: number): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((count, extent) => count > limit ? count : count * extent, 1);
}

/** Copies a view out of its storage. */
function readTensor(
  find: TorchContent["storage"],
  { storage, offset, shape, strides }: TensorReference,
  count: number,
  what: string,
): Float32Array {
  const { name, bytes } = find(storage.key), type = ELEMENT_TYPES.get(STORAGE_TYPES.get(storage.type)!)!;
  if (bytes === undefined) {
    throw new DataError(`${what} lies in ${showText(name)}, which the archive lacks; the file is damaged`);
  }
  if (bytes.length !== storage.elements * type.bytes) {
    throw new DataError(
      `${what} lies in ${
        showText(name)
      } of ${bytes.length} bytes, expected ${storage.elements} elements of ${type.bytes}; the file is damaged`,
    );
  }
  const last = shape.reduce((sum, extent, axis) => sum + (extent - 1) * strides[axis], offset);
  if (count > 0 && last >= storage.elements) {
    throw new DataError(
      `${what} of shape ${
        showText(formatShape(shape))
      } reaches element ${last} of a storage of ${storage.elements}; the file is damaged`,
    );
  }
  return readElements(bytes, type, { shape, strides, offset }, count, what);
}
