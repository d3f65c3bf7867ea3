/**
 * PyTorch's weight files: a zip archive of a pickle, which names the tensors, and of the storages that they are views of.
 * They are read without Python, and the pickle is not executed.
 */

import { DataError, formatShape, type Shape } from "../core/mod.ts";
import { ELEMENT_TYPES, readElements } from "./_element_types.ts";
import { isDictionary, isTensor, type PickleValue, readPickle, type TensorReference } from "./_pickle.ts";
import { type Fail, isBatchCount, showText } from "./_reading.ts";
import { readZip, type ZipArchive } from "./_zip.ts";
import type { NamedTensor } from "./safetensors.ts";

/** PyTorch's storage classes under safetensors' names of their elements. */
const TYPES: ReadonlyMap<string, string> = new Map([
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

/** The keys under which training scripts put a network's `state_dict`, the likeliest first. */
const WRAPPING_KEYS = ["state_dict", "model_state_dict", "model"];

/** What to do about a file that PyTorch can read and this reader cannot. */
const SAVE_AGAIN = "load it in a current PyTorch and save its weights alone: torch.save(model.state_dict(), FILE)";

/**
 * Reads what `torch.save` (PyTorch 1.6 or later) writes of a `state_dict`, alone or in a dictionary under `state_dict`,
 * `model_state_dict` or `model`. Views of storages become tensors of their own. All elements become float32: float64 is
 * rounded to the nearest, float16, bfloat16, whole numbers and truth values are exact. The counts of batches of batch norms
 * (`num_batches_tracked`) are left out.
 *
 * @param bytes The whole file.
 * @param source Its name, for messages.
 * @returns The tensors by name, in the order of the file.
 * @throws {DataError} If it is damaged, holds no `state_dict`, or its pickle would call anything but the few functions of
 * PyTorch that make up tensors; nothing of it is executed.
 *
 * @example
 * ```ts
 * import { decodeTorchFile } from "@residua/residua/weights";
 * try {
 *   decodeTorchFile(new Uint8Array(100), "weights.pth");
 * } catch (error) {
 *   console.log((error as Error).message); // weights.pth: it does not end with a zip directory, so it was cut short …
 * }
 * ```
 */
export function decodeTorchFile(bytes: Uint8Array, source: string): Map<string, NamedTensor> {
  const zip = readZip(bytes, (what) => {
    throw new DataError(`${source}: ${what}; get the file again, or save it again from PyTorch`);
  });
  const fail: Fail = (what) => {
    throw new DataError(`${source}: ${what}`);
  };
  const folder = findFolder(zip, fail);
  const order = new TextDecoder().decode(zip.read(`${folder}byteorder`)?.subarray(0, 10));
  if (order !== "" && order !== "little") {
    fail(`its numbers are in the byte order "${showText(order)}", expected "little"; ${SAVE_AGAIN} on another machine`);
  }
  const pickle = zip.read(`${folder}data.pkl`)!;
  const tensors = findTensors(
    readPickle(pickle, (what) => fail(`its pickle ${what}; refused. If you trust the file, ${SAVE_AGAIN}`)),
    fail,
  );
  // Views may share a storage, even one element, so the file's size alone bounds nothing: at most an element a byte.
  let room = bytes.length;
  const read = new Map<string, NamedTensor>();
  for (const [name, tensor] of tensors) {
    if (isBatchCount(name)) continue;
    const what = `the tensor ${showText(name)}`, count = countElements(tensor.shape, room);
    if (count > room) {
      fail(`${what} of shape ${showText(formatShape(tensor.shape))} is too large for a file of ${bytes.length} bytes`);
    }
    room -= count;
    read.set(name, { shape: tensor.shape, data: readTensor(zip, folder, tensor, count, `${source}: ${what}`) });
  }
  return read;
}

/** The folder of the archive that holds all entries, with a slash. */
function findFolder({ names }: ZipArchive, fail: Fail): string {
  const pickles = names.filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length !== 1) {
    fail(`it is a zip archive, but not one of PyTorch's: it has ${pickles.length} entries named data.pkl`);
  }
  const folder = pickles[0].slice(0, -"data.pkl".length);
  if (names.includes(`${folder}constants.pkl`) || names.some((name) => name.startsWith(`${folder}code/`))) {
    fail(`it is a TorchScript archive, which holds a program; ${SAVE_AGAIN}`);
  }
  return folder;
}

/** The `state_dict` in what a file holds. */
function findTensors(value: PickleValue, fail: Fail): Map<string, TensorReference> {
  if (!isDictionary(value)) fail(`it holds ${kindOf(value)}, expected a state_dict; ${SAVE_AGAIN}`);
  const inner = WRAPPING_KEYS.map((key) => value.entries.get(key)).find(isDictionary);
  const tensors = new Map<string, TensorReference>();
  for (const [name, entry] of (inner ?? value).entries) {
    if (typeof name !== "string" || !isTensor(entry)) {
      const what = `the entry ${showText(String(name))} is ${kindOf(entry)}`;
      fail(`${what}, where a state_dict has tensors; ${SAVE_AGAIN}`);
    }
    tensors.set(name, entry);
  }
  return tensors;
}

function kindOf(value: PickleValue): string {
  if (value === null) return "None";
  if (typeof value === "object") return "kind" in value ? `a ${value.kind}` : "a list";
  return typeof value === "string" ? "text" : typeof value === "boolean" ? "a truth value" : "a number";
}

/** The number of elements, or a number above the limit if there are more. */
function countElements(shape: Shape, limit: number): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((count, extent) => count > limit ? count : count * extent, 1);
}

/** Copies a view out of its storage. */
function readTensor(
  zip: ZipArchive,
  folder: string,
  { storage, offset, shape, strides }: TensorReference,
  count: number,
  what: string,
): Float32Array {
  const entry = `${folder}data/${storage.key}`, type = ELEMENT_TYPES.get(TYPES.get(storage.type)!)!;
  const bytes = zip.read(entry);
  if (bytes === undefined) {
    throw new DataError(`${what} lies in ${showText(entry)}, which the archive lacks; the file is damaged`);
  }
  if (bytes.length !== storage.elements * type.bytes) {
    throw new DataError(
      `${what} lies in ${
        showText(entry)
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
