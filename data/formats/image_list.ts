/** Lists of image files and their classes, as tables have them: a path and a label a line. */

import { argument, DataError, type Sentence, sentence } from "../../core/mod.ts";
import { createLabels, type ImageSet } from "../dataset.ts";
import { areMirrorable } from "./_class_names.ts";
import { expectFraction, holdOut } from "./_held_out.ts";
import { ListedFiles } from "./_listed_files.ts";
import type { FileSource } from "./file_source.ts";
import { BadImages, FolderDataset, type ImageFolderOptions } from "./folder.ts";
import { PathList } from "./path_list.ts";

/** An image of a list. */
export interface ListedImage {
  /** Its path in the folder of the images; the ending may be left out. */
  readonly path: string;
  /** Its class: a name, or a whole number as text. */
  readonly label: string;
  /** The line of the list, from 1, for messages. */
  readonly line?: number;
}

/** A list of images. */
export interface ImageList {
  /** What it is called, for messages. */
  readonly name: string;
  /** The images, in their order. */
  readonly images: readonly ListedImage[];
}

/** The images of one list. */
export interface OpenedList {
  /** The names of the classes: numbers in their order, or names in theirs. */
  readonly classes: readonly string[];
  /** The images, in the order of the list. */
  readonly images: FolderDataset;
}

/** How many images a message names. */
const MOST_NAMED = 3;

/**
 * Finds the images of a list. No image is read.
 *
 * @param folder Where the images are.
 * @param list Their paths and labels.
 * @param options How images are decoded.
 * @returns The classes that the list names, and the images in its order.
 * @throws {DataError} If the list is empty, an entry has no path or no label, or its image is not in the folder, or is not
 * clear without its ending: how many there are, and the first of them.
 *
 * @example
 * ```ts
 * import { openImageList } from "@residua/residua/data";
 * const folder = {
 *   location: "photos",
 *   list: () => Promise.resolve(["1.jpg", "2.png"]),
 *   read: () => Promise.resolve(new Uint8Array()),
 * };
 * const images = [{ path: "2", label: "dog" }, { path: "1.jpg", label: "cat" }];
 * const decode = () => Promise.resolve({ width: 1, height: 1, pixels: Uint8Array.of(1, 2, 3) });
 * const list = await openImageList(folder, { name: "test.csv", images }, { decode });
 * console.log(list.classes, [...list.images.files]); // [ "cat", "dog" ] [ "2.png", "1.jpg" ]
 * ```
 */
export async function openImageList(
  folder: FileSource,
  list: ImageList,
  options: ImageFolderOptions,
): Promise<OpenedList> {
  const found = await findListed(folder, list, new ListedFiles(folder)), classes = orderClasses(found);
  return {
    classes,
    images: createDataset(folder, found, classes, options, new BadImages(options.maxBad, options.onBad)),
  };
}

/**
 * Makes a set of the images of lists, in their order. No image is read.
 *
 * @param folder Where the images are.
 * @param lists `train`: what is trained on; `validation`: what is validated on. Without it, a share of each class is drawn
 * for that by a seed, as of folders ({@link readImageFolder}); an image that is listed several times is then on one side.
 * @param options How images are decoded and split.
 * @returns The set, with the classes that the training images have. They count as mirrorable unless the classes are single
 * letters or numbers.
 * @throws {DataError} If a list is empty, an entry has no path or no label, its image is not in the folder, there are fewer
 * than two classes, or if images to validate on have a class that is not trained on.
 *
 * @example
 * ```ts
 * import { readImageLists } from "@residua/residua/data";
 * const names = ["1.jpg", "2.jpg", "3.jpg", "4.jpg"];
 * const folder = {
 *   location: "photos",
 *   list: () => Promise.resolve(names),
 *   read: () => Promise.resolve(new Uint8Array()),
 * };
 * const images = names.map((path, k) => ({ path, label: k < 2 ? "cat" : "dog" }));
 * const decode = () => Promise.resolve({ width: 1, height: 1, pixels: Uint8Array.of(1, 2, 3) });
 * const set = await readImageLists(folder, { train: { name: "train.csv", images } }, { decode });
 * console.log(set.classes, set.train.count, set.validation.count); // [ "cat", "dog" ] 2 2
 * ```
 */
export async function readImageLists(
  folder: FileSource,
  lists: { readonly train: ImageList; readonly validation?: ImageList },
  options: ImageFolderOptions,
): Promise<ImageSet<FolderDataset>> {
  const { size = 224, validationFraction, splitSeed = 0 } = options, { name } = lists.train;
  const files = new ListedFiles(folder), listed = await findListed(folder, lists.train, files);
  const classes = orderClasses(listed), notes: string[] = [];
  if (classes.length < 2) {
    throw new DataError(`${name}: expected images of at least two classes but all are of the class ${classes[0]}`);
  }
  if (classes.length === listed.length) {
    throw new DataError(
      `${name}: expected several images of a class but each of ${countOf(listed)} has a label of its own (${
        classes.slice(0, MOST_NAMED).join(", ")
      }, …); check which column holds the labels`,
    );
  }
  let train = listed, validation: readonly ListedImage[];
  if (lists.validation === undefined) {
    expectFraction(validationFraction, name);
    [train, validation] = drawShare(listed, classes, validationFraction, splitSeed);
  } else {
    validation = await findListed(folder, lists.validation, files);
    expectKnown(validation, lists.validation.name, classes, name);
    const trained = new Set(train.map(({ path }) => path)), both = validation.filter(({ path }) => trained.has(path));
    if (both.length > 0) {
      notes.push(
        `${lists.validation.name}: ${countOf(both)} of ${validation.length} ${
          both.length === 1 ? "is" : "are"
        } trained on too: ${namesOf(both)}`,
      );
    }
  }
  const again = contradictions(listed);
  if (again.length > 0) notes.push(`${name}: ${countOf(again)} came before with another label: ${namesOf(again)}`);
  const bad = new BadImages(options.maxBad, options.onBad);
  return {
    name,
    classes,
    shape: [3, size, size],
    train: createDataset(folder, train, classes, options, bad),
    validation: createDataset(folder, validation, classes, options, bad),
    mirrorable: areMirrorable(classes),
    ...(notes.length === 0 ? {} : { notes }),
  };
}

/** The images with the paths of their files. */
async function findListed(folder: FileSource, list: ImageList, files: ListedFiles): Promise<ListedImage[]> {
  const { name, images } = list;
  if (images.length === 0) {
    throw new DataError(`${name}: expected paths of images and their labels but the list is empty`);
  }
  for (const [what, key] of [["path", "path"], ["label", "label"]] as const) {
    const without = images.filter((image) => image[key] === "");
    if (without.length > 0) {
      throw new DataError(
        `${name}: ${countOf(without)} of ${images.length} ${without.length === 1 ? "has" : "have"} no ${what}: ` +
          `${namesOf(without)}; add it, or take ${without.length === 1 ? "it" : "them"} out of the list`,
      );
    }
  }
  await files.list(images.map(({ path }) => path));
  const missing: ListedImage[] = [], unclear: ListedImage[] = [], found: ListedImage[] = [];
  for (const image of images) {
    const [path, ...others] = files.find(image.path);
    if (path === undefined) missing.push(image);
    else if (others.length > 0) unclear.push(image);
    else found.push({ ...image, path, label: image.label.normalize("NFC") });
  }
  if (missing.length > 0) throw await missingError(folder, list, missing, files);
  if (unclear.length > 0) {
    const names = files.find(unclear[0].path).join(" and ");
    throw new DataError(
      `${name}: ${countOf(unclear)} of ${images.length} may be several files: ${
        namesOf(unclear)
      }; for the first there are ` +
        `${names} in ${folder.location}; write the endings too`,
    );
  }
  return found;
}

async function missingError(
  folder: FileSource,
  { name, images }: ImageList,
  missing: readonly ListedImage[],
  files: ListedFiles,
): Promise<DataError> {
  const below = await files.findBelow(missing[0].path);
  const advice: Sentence = below === undefined
    ? sentence`check ${argument("folder")} and the list`
    : sentence`give ${argument("folder", `${folder.location}/${below}`)}, where the first one is`;
  const are = missing.length === 1 ? "is" : "are";
  return new DataError(
    sentence`${name}: ${countOf(missing)} of ${images.length} ${are} not in ${folder.location}: ${
      namesOf(missing)
    }; ${advice}`,
  );
}

/** Numbers by their values, names by their letters. */
function orderClasses(images: readonly ListedImage[]): string[] {
  const names = [...new Set(images.map(({ label }) => label))];
  const numbers = names.every((name) => /^-?\d+$/.test(name));
  return numbers ? names.sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1)) : names.sort();
}

function createDataset(
  folder: FileSource,
  images: readonly ListedImage[],
  classes: readonly string[],
  options: ImageFolderOptions,
  bad: BadImages,
): FolderDataset {
  const indices = new Map(classes.map((name, index) => [name, index])),
    labels = createLabels(images.length, classes.length);
  images.forEach(({ label }, k) => labels[k] = indices.get(label)!);
  return new FolderDataset(folder, PathList.from(images.map(({ path }) => path)), labels, options, bad);
}

/** Draws what is validated on; an image that is listed several times is on one side only. */
function drawShare(
  images: readonly ListedImage[],
  classes: readonly string[],
  fraction: number | undefined,
  seed: number,
): [train: ListedImage[], validation: ListedImage[]] {
  const labels = new Map<string, string>(), paths = new Map(classes.map((name) => [name, [] as string[]]));
  for (const { path, label } of images) {
    if (labels.has(path)) continue;
    labels.set(path, label);
    paths.get(label)!.push(path);
  }
  const [, drawn] = holdOut(paths, fraction, seed), held = new Set([...drawn.values()].flat());
  return [images.filter(({ path }) => !held.has(path)), images.filter(({ path }) => held.has(path))];
}

function expectKnown(
  images: readonly ListedImage[],
  name: string,
  classes: readonly string[],
  trainName: string,
): void {
  const known = new Set(classes), unknown = images.filter(({ label }) => !known.has(label));
  if (unknown.length === 0) return;
  const labels = [...new Set(unknown.map(({ label }) => label))];
  const some = labels.slice(0, MOST_NAMED).join(", ") + (labels.length > MOST_NAMED ? ", …" : "");
  throw new DataError(
    `${name}: expected the classes of ${trainName} but ${countOf(unknown)} of ${images.length} ` +
      `${unknown.length === 1 ? "has" : "have"} others (${some}): ${
        namesOf(unknown)
      }; correct the labels, or list images of ` +
      `these classes in ${trainName} too`,
  );
}

/** The entries whose image came before with another label. */
function contradictions(images: readonly ListedImage[]): ListedImage[] {
  const labels = new Map<string, string>();
  return images.filter(({ path, label }) => {
    const first = labels.get(path) ?? label;
    labels.set(path, first);
    return first !== label;
  });
}

function countOf({ length }: readonly ListedImage[]): string {
  return length === 1 ? "1 image" : `${length} images`;
}

/** The first few, each with its line. */
function namesOf(images: readonly ListedImage[]): string {
  const names = images.slice(0, MOST_NAMED).map(({ path, line }) =>
    line === undefined ? path : `${path === "" ? "" : `${path} in `}line ${line}`
  );
  return names.join(", ") + (images.length > MOST_NAMED ? ", …" : "");
}
