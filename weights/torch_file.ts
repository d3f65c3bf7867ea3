/**
 * PyTorch's weight files: a zip archive of a pickle, which names the tensors, and of the storages that they are views of; or
 * one of the formats before 1.6. They are read without Python, and the pickle is not executed.
 */

import { DataError, showText } from "../core/mod.ts";
import { chooseTensors, type ChosenTensors, type WantedShapes } from "./_choose_tensors.ts";
import { LEGACY_MAGIC, openLegacy } from "./_legacy_torch.ts";
import { asBytes, type Fail } from "./_reading.ts";
import { expectTensorsAlone, findGroups, readTensors, SAVE_AGAIN, type TorchContent } from "./_torch_content.ts";
import { isTar } from "./_tar.ts";
import { openTar } from "./_tar_torch.ts";
import { readTorchPickle } from "./_torch_pickle.ts";
import { readZip, type ZipArchive } from "./_zip.ts";
import type { NamedTensor } from "./safetensors.ts";

/**
 * Reads what `torch.save` writes of a `state_dict`, alone or anywhere in a checkpoint, in its format of today and in those
 * before PyTorch 1.6. Of several dictionaries of tensors, the one with the most is taken. Views of storages become tensors of
 * their own. All elements become float32: float64 is rounded to the nearest, float16, bfloat16, whole numbers and truth
 * values are exact. The counts of batches of batch norms (`num_batches_tracked`) are left out. What wrappers such as
 * `DataParallel` put before every name (`module.`) is taken away, and the names of Hugging Face and timm become torchvision's.
 *
 * @param bytes The whole file: an `ArrayBuffer` or any view of one.
 * @param source Its name, for messages.
 * @returns The tensors by name, in the order of the file.
 * @throws {DataError} If it is damaged, holds no `state_dict` or several, or something else where a tensor must be. Objects
 * beside the tensors, such as arguments of a script, are passed over; nothing of the pickle is executed.
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
export function decodeTorchFile(bytes: ArrayBuffer | ArrayBufferView, source: string): Map<string, NamedTensor> {
  return readTorchFile(asBytes(bytes), source).tensors;
}

/** Reads the tensors that fit a network best, and says where in the file they were. */
export function readTorchFile(
  bytes: Uint8Array,
  source: string,
  wanted?: WantedShapes,
  chosen?: string,
): Omit<ChosenTensors<NamedTensor>, "group"> {
  const fail: Fail = (what) => {
    throw new DataError(`${source}: ${what}`);
  };
  const legacy = LEGACY_MAGIC.every((byte, k) => bytes[k] === byte);
  const open = legacy ? openLegacy : isTar(bytes) ? openTar : openArchive, content = open(bytes, fail);
  const groups = findGroups(content.value, fail),
    { tensors, entry, naming, group } = chooseTensors(groups, wanted, chosen, fail);
  expectTensorsAlone(group.all, fail);
  return { tensors: readTensors(tensors, content, bytes.length, source), entry, naming };
}

/** Takes an archive apart. */
function openArchive(bytes: Uint8Array, fail: Fail): TorchContent {
  const zip = readZip(bytes, (what) => fail(`${what}; get the file again, or save it again from PyTorch`));
  const folder = findFolder(zip, fail);
  const order = new TextDecoder().decode(zip.read(`${folder}byteorder`)?.subarray(0, 10));
  if (order !== "" && order !== "little") {
    fail(`its numbers are in the byte order "${showText(order)}", expected "little"; ${SAVE_AGAIN} on another machine`);
  }
  const refuse: Fail = (what) => fail(`its pickle ${what}; refused. If you trust the file, ${SAVE_AGAIN}`);
  const value = readTorchPickle(zip.read(`${folder}data.pkl`)!, refuse);
  return {
    value,
    storage: (key) => ({ name: `${folder}data/${key}`, bytes: zip.read(`${folder}data/${key}`) }),
  };
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
