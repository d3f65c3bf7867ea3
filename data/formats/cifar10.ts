/** CIFAR-10's binary layout: a record is a label byte, then 1,024 red, 1,024 green and 1,024 blue bytes, row by row. */

import { type CifarLayout, readCifar } from "./_cifar.ts";
import { CIFAR10_CLASSES } from "./_class_names.ts";
import type { ImageSet, MemoryDataset } from "../dataset.ts";
import type { FileSource } from "./file_source.ts";

const TRAIN_FILE = /^data_batch_(\d+)\.bin$/;

const LAYOUT: CifarLayout = {
  title: "CIFAR-10's binary layout",
  labelBytes: 1,
  classesFile: "batches.meta.txt",
  classes: CIFAR10_CLASSES,
  trainFiles(names) {
    const batches = names.filter((name) => TRAIN_FILE.test(name)).sort((a, b) => batchNumber(a) - batchNumber(b));
    return batches.length === 0 ? "data_batch_1.bin (and any further data_batch_N.bin)" : batches;
  },
  testFile: "test_batch.bin",
};

function batchNumber(name: string): number {
  return Number(TRAIN_FILE.exec(name)![1]);
}

/** Whether these files are CIFAR-10's binary layout, or part of it. */
export function isCifar10(names: readonly string[]): boolean {
  return names.some((name) => TRAIN_FILE.test(name) || name === LAYOUT.testFile);
}

/**
 * Reads a folder in CIFAR-10's binary layout: `data_batch_1.bin` and so on, `test_batch.bin`, and `batches.meta.txt` with
 * a class name a line (without it, CIFAR-10's own where the folder's name has `cifar-10` or `cifar10` in it, else ten numbers).
 *
 * @param files The folder.
 * @returns The training images in the order of the batches' numbers, and the test images as validation. They count as
 * mirrorable only under CIFAR-10's own class names: the mirror image of a letter may be no letter.
 * @throws {DataError} If a file is missing, empty or truncated, or a label is out of range.
 *
 * @example
 * ```ts
 * import { readCifar10 } from "@residua/residua/data";
 * const record = new Uint8Array(3073).fill(7, 0, 1);
 * const set = await readCifar10({
 *   location: "memory",
 *   list: () => Promise.resolve(["data_batch_1.bin", "test_batch.bin"]),
 *   read: () => Promise.resolve(record),
 * });
 * console.log(set.train.labels[0]); // 7
 * ```
 */
export function readCifar10(files: FileSource): Promise<ImageSet<MemoryDataset>> {
  return readCifar(files, LAYOUT);
}
