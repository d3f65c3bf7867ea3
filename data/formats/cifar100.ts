/** CIFAR-100's binary layout: CIFAR-10's with two label bytes, the coarse and the fine one, of which the fine one counts. */

import { type CifarLayout, readCifar } from "./_cifar.ts";
import { CIFAR100_CLASSES } from "./_class_names.ts";
import type { ImageSet, MemoryDataset } from "../dataset.ts";
import type { FileSource } from "./file_source.ts";

const LAYOUT: CifarLayout = {
  title: "CIFAR-100's binary layout",
  labelBytes: 2,
  classesFile: "fine_label_names.txt",
  classes: CIFAR100_CLASSES,
  trainFiles: (names) => names.includes("train.bin") ? ["train.bin"] : "train.bin",
  testFile: "test.bin",
};

/** Whether these files are CIFAR-100's binary layout, or part of it. */
export function isCifar100(names: readonly string[]): boolean {
  return names.some((name) => ["train.bin", LAYOUT.testFile, LAYOUT.classesFile].includes(name));
}

/**
 * Reads a folder in CIFAR-100's binary layout: `train.bin`, `test.bin`, and `fine_label_names.txt` with a class name a line
 * (without it, CIFAR-100's own where the folder's name has `cifar-100` or `cifar100` in it, else a hundred numbers).
 *
 * @param files The folder.
 * @returns The images with their fine labels; those of the test as validation. They count as mirrorable only under
 * CIFAR-100's own class names.
 * @throws {DataError} If a file is missing, empty or truncated, or a label is out of range.
 *
 * @example
 * ```ts
 * import { readCifar100 } from "@residua/residua/data";
 * const record = new Uint8Array(3074).fill(7, 0, 1).fill(42, 1, 2);
 * const set = await readCifar100({
 *   location: "memory",
 *   list: () => Promise.resolve(["train.bin", "test.bin"]),
 *   read: () => Promise.resolve(record),
 * });
 * console.log(set.train.labels[0]); // 42
 * ```
 */
export function readCifar100(files: FileSource): Promise<ImageSet<MemoryDataset>> {
  return readCifar(files, LAYOUT);
}
