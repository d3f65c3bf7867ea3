/** The binary layouts of the CIFAR sets: a record is some label bytes, then 1,024 red, 1,024 green and 1,024 blue bytes. */

import { DataError } from "../../core/mod.ts";
import { type ImageSet, MemoryDataset } from "../dataset.ts";
import { cifarClasses } from "./_class_names.ts";
import type { FileSource } from "./file_source.ts";

const PIXELS = 3 * 32 * 32;

/** The most bytes of the names of 256 classes at most. */
const MOST_NAMES = 2 ** 16;

/** How one of the layouts is made. */
export interface CifarLayout {
  /** What it is called. */
  readonly title: string;
  /** Bytes before the pixels; the last one is the label. */
  readonly labelBytes: number;
  /** The file of class names. */
  readonly classesFile: string;
  /** The set's own class names in order, whose mirror images are of the same class. */
  readonly classes: readonly string[];
  /** The training files in order, or the name of one that is missing. */
  readonly trainFiles: (names: readonly string[]) => readonly string[] | string;
  /** The file of the test images. */
  readonly testFile: string;
}

/** Reads a folder that has one of the layouts. */
export async function readCifar(files: FileSource, layout: CifarLayout): Promise<ImageSet<MemoryDataset>> {
  const names = await files.list(), { classesFile, testFile } = layout, batches = layout.trainFiles(names);
  if (typeof batches === "string") throw missing(files, layout, batches);
  if (!names.includes(testFile)) throw missing(files, layout, testFile);
  const classes = names.includes(classesFile)
    ? parseClasses(`${files.location}/${classesFile}`, await files.read(classesFile, MOST_NAMES))
    : cifarClasses(files, layout.classes);
  return await cifarSet(files, layout, classes, batches, (paths) => readSplit(files, layout, paths, classes.length));
}

/** The set of a folder, in whichever layout: its test images are validated on. */
export async function cifarSet(
  { location }: FileSource,
  layout: Pick<CifarLayout, "classes" | "testFile">,
  classes: readonly string[],
  batches: readonly string[],
  read: (paths: readonly string[]) => Promise<MemoryDataset>,
): Promise<ImageSet<MemoryDataset>> {
  return {
    name: location,
    classes,
    shape: [3, 32, 32],
    train: await read(batches),
    validation: await read([layout.testFile]),
    mirrorable: classes.join() === layout.classes.join(),
  };
}

function parseClasses(file: string, bytes: Uint8Array): string[] {
  const text = new TextDecoder().decode(bytes).trimEnd();
  if (text === "") {
    throw new DataError(`${file}: expected a class name a line but the file is empty; copy it again, or remove it`);
  }
  return text.split("\n").map((line) => line.trim());
}

function missing(files: FileSource, { title }: CifarLayout, name: string): DataError {
  return new DataError(
    `${files.location}: ${name} is missing; a folder in ${title} holds it, so download or unpack the set again`,
  );
}

async function readSplit(
  files: FileSource,
  layout: CifarLayout,
  names: readonly string[],
  classes: number,
): Promise<MemoryDataset> {
  const parts: Uint8Array[] = [], { labelBytes } = layout, record = labelBytes + PIXELS;
  for (const name of names) {
    const bytes = await files.read(name);
    checkRecords(`${files.location}/${name}`, bytes, layout, classes);
    parts.push(bytes);
  }
  const count = parts.reduce((sum, bytes) => sum + bytes.length / record, 0);
  const pixels = new Uint8Array(count * PIXELS), labels = new Uint8Array(count);
  let image = 0;
  for (const bytes of parts) {
    for (let at = 0; at < bytes.length; at += record, image++) {
      labels[image] = bytes[at + labelBytes - 1];
      pixels.set(bytes.subarray(at + labelBytes, at + record), image * PIXELS);
    }
  }
  return new MemoryDataset([3, 32, 32], pixels, labels);
}

function checkRecords(file: string, bytes: Uint8Array, layout: CifarLayout, classes: number): void {
  const { labelBytes, classesFile } = layout, record = labelBytes + PIXELS;
  const expected = `expected records of ${record} bytes (${
    labelBytes === 1 ? "a label" : `${labelBytes} labels`
  } and ${PIXELS} pixels)`;
  if (bytes.length === 0) throw new DataError(`${file}: ${expected} but the file is empty; copy it again`);
  if (bytes.length % record !== 0) {
    throw new DataError(
      `${file}: ${expected} but the file has ${bytes.length} bytes, ` +
        `which is ${(bytes.length / record).toFixed(2)} records; it is truncated or of another kind, so copy it again`,
    );
  }
  for (let at = 0; at < bytes.length; at += record) {
    const label = bytes[at + labelBytes - 1];
    if (label < classes) continue;
    throw new DataError(
      `${file}: record ${at / record} has the label ${label}, expected 0 to ${classes - 1} for ${classes} classes; ` +
        `the file is damaged or ${classesFile} does not belong to it`,
    );
  }
}
