/** The Python versions of CIFAR-10 and CIFAR-100: pickles of dictionaries, whose `data` are the rows of the binary version. */

import { DataError } from "../../core/mod.ts";
import { type ImageSet, MemoryDataset } from "../dataset.ts";
import { NUMPY, type NumpyObject, type NumpyValue, type PickledArray } from "../pickle/numpy.ts";
import { readPickle } from "../pickle/read_pickle.ts";
import { isCount, isDictionary, isKind, isList, type PickleDictionary } from "../pickle/values.ts";
import { cifarSet } from "./_cifar.ts";
import { CIFAR100_CLASSES, CIFAR10_CLASSES, cifarClasses } from "./_class_names.ts";
import type { FileSource } from "./file_source.ts";

const PIXELS = 3 * 32 * 32;

/** How one of the sets is made. */
interface PythonLayout {
  readonly title: string;
  readonly testFile: string;
  /** The training files in order. */
  readonly trainFiles: (names: readonly string[]) => readonly string[];
  readonly labelsKey: string;
  readonly classesFile: string;
  readonly classesKey: string;
  /** The set's own class names. */
  readonly classes: readonly string[];
}

const TEN: PythonLayout = {
  title: "CIFAR-10's Python version",
  testFile: "test_batch",
  trainFiles: (names) => names.filter((name) => BATCH.test(name)).sort((a, b) => batchNumber(a) - batchNumber(b)),
  labelsKey: "labels",
  classesFile: "batches.meta",
  classesKey: "label_names",
  classes: CIFAR10_CLASSES,
};

const HUNDRED: PythonLayout = {
  title: "CIFAR-100's Python version",
  testFile: "test",
  trainFiles: (names) => names.filter((name) => name === "train"),
  labelsKey: "fine_labels",
  classesFile: "meta",
  classesKey: "fine_label_names",
  classes: CIFAR100_CLASSES,
};

const BATCH = /^data_batch_(\d+)$/;

function batchNumber(name: string): number {
  return Number(BATCH.exec(name)![1]);
}

function layoutOf(names: readonly string[]): PythonLayout | undefined {
  if (names.includes(TEN.testFile) || TEN.trainFiles(names).length > 0) return TEN;
  // Files of the names of splits are many a thing; with the file of class names they are this.
  return ["train", "test", "meta"].every((name) => names.includes(name)) ? HUNDRED : undefined;
}

/** Whether these files are the Python version of CIFAR-10 or CIFAR-100, or part of it. */
export function isCifarPython(names: readonly string[]): boolean {
  return layoutOf(names) !== undefined;
}

/**
 * Reads a folder of CIFAR-10's or CIFAR-100's Python version: `data_batch_1` and so on, `test_batch` and `batches.meta`, or
 * `train`, `test` and `meta`. The pickles are not executed.
 *
 * @param files The folder.
 * @returns The images of the binary version, in the same order, with CIFAR-100's fine labels; those of the test as
 * validation. They count as mirrorable only under the sets' own class names.
 * @throws {DataError} If a file is missing or damaged, or holds something else.
 *
 * @example
 * ```ts
 * import { readCifarPython } from "@residua/residua/data";
 * const files = { location: "memory", list: () => Promise.resolve(["data_batch_1"]), read: () => Promise.reject() };
 * try {
 *   await readCifarPython(files);
 * } catch (error) {
 *   console.log((error as Error).message); // memory: test_batch is missing; a folder in CIFAR-10's Python version holds …
 * }
 * ```
 */
export async function readCifarPython(files: FileSource): Promise<ImageSet<MemoryDataset>> {
  const names = await files.list(), layout = layoutOf(names) ?? TEN, batches = layout.trainFiles(names);
  const missing = batches.length === 0 ? "data_batch_1" : names.includes(layout.testFile) ? undefined : layout.testFile;
  if (missing !== undefined) {
    throw new DataError(
      `${files.location}: ${missing} is missing; a folder in ${layout.title} holds it, so download or unpack the set again`,
    );
  }
  const classes = names.includes(layout.classesFile)
    ? await readClasses(files, layout)
    : cifarClasses(files, layout.classes);
  return await cifarSet(files, layout, classes, batches, (paths) => readSplit(files, layout, paths, classes.length));
}

type Fail = (what: string) => never;

/** The dictionary that a file is. */
async function readDictionary(
  files: FileSource,
  name: string,
): Promise<{ readonly entries: PickleDictionary<NumpyObject>["entries"]; readonly fail: Fail }> {
  const fail: Fail = (what) => {
    throw new DataError(
      `${files.location}/${name}: ${what}; the file is damaged or of another kind, so get the set again`,
    );
  };
  const bytes = await files.read(name);
  if (bytes.length === 0) fail("expected a pickle but the file is empty");
  const { value } = readPickle(bytes, NUMPY, (what) => fail(`its pickle ${what}`));
  return isDictionary(value) ? { entries: value.entries, fail } : fail("expected a dictionary");
}

async function readClasses(files: FileSource, { classesFile, classesKey }: PythonLayout): Promise<string[]> {
  const { entries, fail } = await readDictionary(files, classesFile), names = entries.get(classesKey);
  if (isList(names) && names.length > 0 && names.every((name) => typeof name === "string")) return [...names];
  return fail(`expected a list of names under ${classesKey}`);
}

async function readSplit(
  files: FileSource,
  { labelsKey }: PythonLayout,
  names: readonly string[],
  classes: number,
): Promise<MemoryDataset> {
  const parts: { readonly pixels: Uint8Array; readonly labels: readonly number[] }[] = [];
  for (const name of names) {
    const { entries, fail } = await readDictionary(files, name), data: NumpyValue | undefined = entries.get("data");
    const pixels = expectPixels(data, fail), labels = expectLabels(entries.get(labelsKey), labelsKey, classes, fail);
    if (labels.length !== pixels.length / PIXELS) {
      fail(`expected as many labels as images but there are ${labels.length} of ${pixels.length / PIXELS}`);
    }
    parts.push({ pixels, labels });
  }
  const labels = Uint8Array.from(parts.flatMap(({ labels }) => labels)),
    pixels = new Uint8Array(labels.length * PIXELS);
  let at = 0;
  for (const part of parts) {
    pixels.set(part.pixels, at);
    at += part.pixels.length;
  }
  return new MemoryDataset([3, 32, 32], pixels, labels);
}

function expectPixels(data: NumpyValue | undefined, fail: Fail): Uint8Array {
  const array = isKind(data, "array") ? data as PickledArray : undefined, [count, pixels] = array?.shape ?? [];
  if (array?.bytes !== undefined && array.shape.length === 2 && count > 0 && pixels === PIXELS) return array.bytes;
  return fail(
    `expected an array of bytes, N x ${PIXELS}, under data but there is ${
      array === undefined
        ? "none"
        : `one of ${array.shape.join(" x ")}${array.bytes === undefined ? " other elements" : ""}`
    }`,
  );
}

function expectLabels(labels: NumpyValue | undefined, key: string, classes: number, fail: Fail): readonly number[] {
  if (!isList(labels) || !labels.every(isCount)) return fail(`expected a list of labels under ${key}`);
  const wrong = labels.findIndex((label) => label >= classes);
  if (wrong < 0) return labels;
  return fail(`image ${wrong} has the label ${labels[wrong]}, expected 0 to ${classes - 1} for ${classes} classes`);
}
