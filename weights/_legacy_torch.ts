/**
 * The files of `torch.save` before PyTorch 1.6, and of `_use_new_zipfile_serialization=False` since: a pickle each of a magic
 * number, a version, what the machine was, the value, and the keys of its storages; then the storages in that order, each
 * its number of elements in eight bytes and the elements, in the byte order of the machine.
 */

import { showText } from "../core/mod.ts";
import { isDictionary, isList } from "../data/mod.ts";
import { ELEMENT_TYPES } from "./_element_types.ts";
import { isStorage, isTensor, readFirstTorchPickle, type TorchValue } from "./_torch_pickle.ts";
import type { Fail } from "./_reading.ts";
import { SAVE_AGAIN, STORAGE_TYPES, type TorchContent } from "./_torch_content.ts";

/** The pickle of the number 0x1950a86a20f9469cfc6c, with which such a file begins. */
export const LEGACY_MAGIC: readonly number[] = [
  0x80,
  2,
  0x8a,
  10,
  0x6c,
  0xfc,
  0x9c,
  0x46,
  0xf9,
  0x20,
  0x6a,
  0xa8,
  0x50,
  0x19,
  0x2e,
];

const VERSION = 1001;

/** Takes such a file apart. */
export function openLegacy(bytes: Uint8Array, fail: Fail): TorchContent {
  let at = LEGACY_MAGIC.length;
  const next = (): TorchValue => {
    const { value, end } = readFirstTorchPickle(
      bytes.subarray(at),
      (what) => fail(`its pickle ${what}; the file is damaged, or no state_dict`),
    );
    at += end;
    return value;
  };
  const version = next(), machine = next();
  if (version !== VERSION) fail(`its version is ${showText(String(version))}, expected ${VERSION}; ${SAVE_AGAIN}`);
  if (isDictionary(machine) && machine.entries.get("little_endian") !== true) {
    fail(
      `its numbers are in the byte order of a big-endian machine, expected little-endian; ${SAVE_AGAIN} on another machine`,
    );
  }
  const value = next(), keys = next(), sizes = elementSizes(value), storages = new Map<string, Uint8Array>();
  if (!isList(keys)) return fail("it does not list its storages; the file is damaged");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const key of keys) {
    if (typeof key !== "string" || storages.has(key)) {
      return fail("its list of storages has a key that is no text, or comes twice");
    }
    const size = sizes.get(key);
    // Without its type, nothing tells where it ends.
    if (size === undefined) return fail(`its storage ${showText(key)} is of no tensor; ${SAVE_AGAIN}`);
    if (bytes.length - at < 8) fail(`it was cut short before its storage ${showText(key)}`);
    const length = Number(view.getBigInt64(at, true)) * size;
    at += 8;
    if (length < 0 || length > bytes.length - at) {
      fail(`it was cut short in its storage ${showText(key)} of ${length} bytes`);
    }
    storages.set(key, bytes.subarray(at, at + length));
    at += length;
  }
  if (at !== bytes.length) fail(`it has ${bytes.length - at} bytes after its last storage, so it was added to`);
  return { value, storage: (key) => ({ name: `storage ${key}`, bytes: storages.get(key) }) };
}

/** The bytes of an element of each storage that a value refers to. */
function elementSizes(value: TorchValue): Map<string, number> {
  const sizes = new Map<string, number>(), seen = new Set<TorchValue>(), waiting = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const storage = isTensor(next) ? next.storage : isStorage(next) ? next : undefined;
    if (storage !== undefined) sizes.set(storage.key, ELEMENT_TYPES.get(STORAGE_TYPES.get(storage.type)!)!.bytes);
    else if (isDictionary(next)) next.entries.forEach((value) => waiting.push(value));
    else if (isList(next)) next.forEach((value) => waiting.push(value));
  }
  return sizes;
}
