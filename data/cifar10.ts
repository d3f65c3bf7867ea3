/** CIFAR-10's binary layout: a record is a label byte, then 1,024 red, 1,024 green and 1,024 blue bytes, row by row. */

import { DataError } from "../core/mod.ts";
import type { ImageSet, ImageSplit } from "./dataset.ts";
import type { FileSource } from "./file_source.ts";

const PIXELS = 3 * 32 * 32;
const RECORD = 1 + PIXELS;
const TRAIN_FILE = /^data_batch_(\d+)\.bin$/;
const TEST_FILE = "test_batch.bin";
const CLASSES_FILE = "batches.meta.txt";

/** CIFAR-10's own classes; their mirror images are of the same class. */
const CIFAR10_CLASSES = "airplane automobile bird cat deer dog frog horse ship truck";

/** Whether these files are CIFAR-10's binary layout, or part of it. */
export function isCifar10(names: readonly string[]): boolean {
  return names.some((name) => TRAIN_FILE.test(name) || name === TEST_FILE);
}

/**
 * Reads a folder in CIFAR-10's binary layout: `data_batch_1.bin` and so on, `test_batch.bin`, and `batches.meta.txt` with
 * a class name a line (without it there are ten classes, named by number).
 *
 * @param files The folder.
 * @returns The training images in the order of the batches' numbers, and the test images as validation. They count as
 * mirrorable only under CIFAR-10's own class names: the mirror image of a letter may be no letter.
 * @throws {DataError} If a file is missing, empty or truncated, or a label is out of range.
 *
 * @example
 * ```ts
 * import { readCifar10 } from "./mod.ts";
 * const record = new Uint8Array(3073).fill(7, 0, 1);
 * const set = await readCifar10({
 *   location: "memory",
 *   list: () => Promise.resolve(["data_batch_1.bin", "test_batch.bin"]),
 *   read: () => Promise.resolve(record),
 * });
 * console.log(set.train.labels[0]); // 7
 * ```
 */
export async function readCifar10(files: FileSource): Promise<ImageSet> {
  const names = await files.list();
  const batches = names.filter((name) => TRAIN_FILE.test(name)).sort((a, b) => batchNumber(a) - batchNumber(b));
  if (batches.length === 0) throw missing(files, "data_batch_1.bin (and any further data_batch_N.bin)");
  if (!names.includes(TEST_FILE)) throw missing(files, TEST_FILE);
  const classes = names.includes(CLASSES_FILE)
    ? parseClasses(`${files.location}/${CLASSES_FILE}`, await files.read(CLASSES_FILE))
    : Array.from({ length: 10 }, (_, label) => `${label}`);
  return {
    name: files.location,
    classes,
    shape: [3, 32, 32],
    train: await readSplit(files, batches, classes.length),
    validation: await readSplit(files, [TEST_FILE], classes.length),
    mirrorable: classes.join(" ") === CIFAR10_CLASSES,
  };
}

function parseClasses(file: string, bytes: Uint8Array): string[] {
  const text = new TextDecoder().decode(bytes).trimEnd();
  if (text === "") {
    throw new DataError(`${file}: expected a class name a line but the file is empty; copy it again, or remove it`);
  }
  return text.split("\n").map((line) => line.trim());
}

function batchNumber(name: string): number {
  return Number(TRAIN_FILE.exec(name)![1]);
}

function missing(files: FileSource, name: string): DataError {
  return new DataError(
    `${files.location}: ${name} is missing; a folder in CIFAR-10's binary layout holds it, so download or unpack the set again`,
  );
}

async function readSplit(files: FileSource, names: readonly string[], classes: number): Promise<ImageSplit> {
  const parts: Uint8Array[] = [];
  for (const name of names) {
    const bytes = await files.read(name);
    checkRecords(`${files.location}/${name}`, bytes, classes);
    parts.push(bytes);
  }
  const count = parts.reduce((sum, bytes) => sum + bytes.length / RECORD, 0);
  const pixels = new Uint8Array(count * PIXELS), labels = new Uint8Array(count);
  let image = 0;
  for (const bytes of parts) {
    for (let at = 0; at < bytes.length; at += RECORD, image++) {
      labels[image] = bytes[at];
      pixels.set(bytes.subarray(at + 1, at + RECORD), image * PIXELS);
    }
  }
  return { count, pixels, labels };
}

function checkRecords(file: string, bytes: Uint8Array, classes: number): void {
  if (bytes.length === 0) {
    throw new DataError(
      `${file}: expected records of ${RECORD} bytes (a label and ${PIXELS} pixels) but the file is empty; copy it again`,
    );
  }
  if (bytes.length % RECORD !== 0) {
    throw new DataError(
      `${file}: expected records of ${RECORD} bytes (a label and ${PIXELS} pixels) but the file has ${bytes.length} bytes, ` +
        `which is ${(bytes.length / RECORD).toFixed(2)} records; it is truncated or of another kind, so copy it again`,
    );
  }
  for (let at = 0; at < bytes.length; at += RECORD) {
    if (bytes[at] < classes) continue;
    throw new DataError(
      `${file}: record ${at / RECORD} has the label ${bytes[at]}, expected 0 to ${
        classes - 1
      } for ${classes} classes; ` +
        `the file is damaged or ${CLASSES_FILE} does not belong to it`,
    );
  }
}
