/** Folders of image files, a folder a class. Only paths and labels are held; an image is read when it is wanted. */

import { argument, DataError, Random, sentence, UsageError } from "../../core/mod.ts";
import type { BatchFiller, PreparationOptions } from "../batch_filler.ts";
import { createLabels, type Dataset, type ImageSet, type Labels } from "../dataset.ts";
import type { LeastSize, ReadOptions } from "../read_options.ts";
import { type DecodedImage, isImageFile } from "./decoded_image.ts";
import type { FileSource } from "./file_source.ts";
import type { ImageCache } from "./image_cache.ts";
import { PathList } from "./path_list.ts";

/** The names of folders of each split, in capitals or not. */
const SPLIT_FOLDERS = {
  train: /^(?:seg_)?train(?:ing)?\/$/i,
  validation: /^(?:seg_)?val(?:id|idation)?\/$/i,
  test: /^(?:seg_)?test(?:ing)?\/$/i,
};
/** Names of classes that are letters or numbers, whose mirror images are not. */
const GLYPH = /^(?:.|\d+)$/u;

/** The options of {@link readImageFolder}. */
export interface ImageFolderOptions {
  /**
   * Decodes a file, whose name is for messages. It throws a {@link DataError} where it cannot. It may give the image at a
   * smaller size, down to the least one, where there is one.
   */
  readonly decode: (bytes: Uint8Array, source: string, least?: LeastSize) => Promise<DecodedImage>;
  /** The height and width that a model sees. Defaults to 224. */
  readonly size?: number;
  /** The share of each class that is validated on, where the folder does not say. Defaults to 0.1. */
  readonly validationFraction?: number;
  /** The seed by which those are chosen. Defaults to 0. */
  readonly splitSeed?: number;
  /** How many images may be damaged before reading stops. Defaults to 10. */
  readonly maxBad?: number;
  /** Called with a message for each damaged image, once. */
  readonly onBad?: (message: string) => void;
  /**
   * What keeps the decoded images of a set that are read down to a size. Defaults to nothing.
   *
   * @internal
   */
  readonly cacheOf?: (dataset: FolderDataset, least: LeastSize) => ImageCache | undefined;
  /**
   * Makes what fills batches, such as workers. Defaults to this thread.
   *
   * @internal
   */
  readonly createFiller?: (dataset: FolderDataset, options: PreparationOptions) => BatchFiller;
}

/** Counts the images that cannot be read, and stops where they are too many. */
export class BadImages {
  readonly #limit: number;
  readonly #heard: ((message: string) => void) | undefined;
  readonly #paths = new Set<string>();

  /**
   * Starts with none.
   *
   * @param limit The number of images that may be damaged.
   * @param heard Called with a message for each, once.
   */
  constructor(limit: number, heard?: (message: string) => void) {
    this.#limit = limit;
    this.#heard = heard;
  }

  /** The paths of the damaged images. */
  get paths(): readonly string[] {
    return [...this.#paths];
  }

  /**
   * Counts an image that cannot be read.
   *
   * @throws {DataError} If there are more than the limit.
   */
  add(path: string, error: Error): void {
    if (this.#paths.has(path)) return;
    this.#paths.add(path);
    if (this.#paths.size > this.#limit) {
      throw new DataError(
        sentence`More than ${this.#limit} images cannot be read (${argument("maxBad")}): ${
          this.paths.slice(0, 3).join(", ")
        }${this.#paths.size > 3 ? ", …" : ""}; the last: ${error.message}`,
      );
    }
    this.#heard?.(`${error.message}; the next image of the set takes its place`);
  }
}

/** Image files of a folder. */
export class FolderDataset implements Dataset {
  /** The number of images. */
  readonly count: number;
  /** The class of each image, [count]. */
  readonly labels: Labels;
  /** The folder. */
  readonly source: FileSource;
  /** The paths of the images in it. */
  readonly files: PathList;
  readonly #options: ImageFolderOptions;
  readonly #bad: BadImages;

  /**
   * Keeps the paths and reads no image.
   *
   * @param source The folder.
   * @param files The paths of the images in it.
   * @param labels The class of each.
   * @param options How they are decoded.
   * @param bad Counts the images that cannot be read.
   */
  constructor(
    source: FileSource,
    files: PathList,
    labels: Labels,
    options: ImageFolderOptions,
    bad: BadImages = new BadImages(options.maxBad ?? DEFAULT_MAX_BAD, options.onBad),
  ) {
    this.count = files.length;
    this.labels = labels;
    this.source = source;
    this.files = files;
    this.#options = options;
    this.#bad = bad;
  }

  /** The paths of the images. */
  get identity(): Uint8Array {
    return this.files.bytes;
  }

  /** Reads and decodes an image, or takes it from what is kept. */
  async read(index: number, { least, once = false }: ReadOptions = {}): Promise<DecodedImage> {
    const cache = least === undefined || once ? undefined : this.cacheOf(least), kept = cache?.get(index);
    if (kept !== undefined) return kept;
    const path = this.files.at(index);
    const image = await this.#options.decode(await this.source.read(path), `${this.source.location}/${path}`, least);
    cache?.put(index, image);
    return image;
  }

  /**
   * What keeps the images that are read down to a size, if anything does.
   *
   * @internal
   */
  cacheOf(least: LeastSize): ImageCache | undefined {
    return this.#options.cacheOf?.(this, least);
  }

  /** Counts an image that cannot be read. */
  failed(index: number, error: Error): void {
    this.#bad.add(`${this.source.location}/${this.files.at(index)}`, error);
  }

  /** What fills batches, by the options or else on this thread. */
  get createFiller(): ((options: PreparationOptions) => BatchFiller) | undefined {
    const { createFiller } = this.#options;
    return createFiller === undefined ? undefined : (options) => createFiller(this, options);
  }
}

const DEFAULT_MAX_BAD = 10;

/** Whether a folder with these entries may be one of image files. */
export function isImageFolder(names: readonly string[]): boolean {
  return names.some(isVisibleFolder);
}

function isVisibleFolder(name: string): boolean {
  return name.endsWith("/") && !name.startsWith(".");
}

/**
 * Finds the PNG and JPEG files of a folder: `train/CLASS/…` and `val/CLASS/…` (or `training`, `valid`, `validation`,
 * `seg_train` …, in capitals or not), and `test/CLASS/…`, which is validated on where there is no `val`; or only
 * `train/CLASS/…`, perhaps beside a `test/` without classes, or only `CLASS/…`: then a share of each class, drawn by a seed,
 * is validated on. Classes are in the order of their names, images in that of their paths.
 *
 * @param files The folder.
 * @param options How images are decoded and split.
 * @returns The set. Its images count as mirrorable unless the classes are named by single letters or by numbers.
 * @throws {DataError} If there are fewer than two classes, a class without images, a class of validation or test that is not
 * trained on, several folders of one split, or folders that all hold the same folders, which may be splits or classes.
 */
export async function readImageFolder(
  files: FileSource,
  options: ImageFolderOptions,
): Promise<ImageSet<FolderDataset>> {
  const { size = 224, validationFraction = 0.1, splitSeed = 0 } = options;
  if (!(validationFraction > 0 && validationFraction < 1)) {
    throw new UsageError(
      `${files.location}: expected a validation fraction between 0 and 1 but it is ${validationFraction}`,
    );
  }
  const trainFolder = await findSplit(files, "train"), hasTrain = trainFolder !== undefined;
  if (!hasTrain) await expectNoSplits(files);
  const found = await listClasses(files, trainFolder ?? ""), classes = [...found.keys()];
  let validationFolder = hasTrain ? await findSplit(files, "validation") : undefined;
  let testFolder = hasTrain ? await findSplit(files, "test") : undefined;
  // Images to be submitted, as in Kaggle's competitions, lie in no folders of classes.
  const isLabelled = testFolder !== undefined && isImageFolder(await files.list(testFolder));
  if (validationFolder === undefined && isLabelled) [validationFolder, testFolder] = [testFolder, undefined];
  if (classes.length < 2) {
    throw new DataError(
      `${files.location}: expected a folder for each of at least two classes${hasTrain ? " in train" : ""} but there ${
        classes.length === 1 ? `is only ${classes[0]}` : "are none"
      }`,
    );
  }
  let train = found, validation: Map<string, string[]>;
  if (validationFolder === undefined) [train, validation] = split(found, validationFraction, splitSeed);
  else {
    validation = await listClasses(files, validationFolder);
    expectKnown(`${files.location}/${validationFolder}`, validation, classes);
  }
  let test: Map<string, string[]> | undefined;
  if (testFolder !== undefined && isLabelled) {
    test = await listClasses(files, testFolder);
    expectKnown(`${files.location}/${testFolder}`, test, classes);
  }
  const bad = new BadImages(options.maxBad ?? DEFAULT_MAX_BAD, options.onBad);
  const dataset = (images: Map<string, string[]>) => {
    const paths = classes.flatMap((name) => images.get(name) ?? []),
      labels = createLabels(paths.length, classes.length);
    let at = 0;
    for (const [label, name] of classes.entries()) {
      const { length } = images.get(name) ?? [];
      labels.fill(label, at, at += length);
    }
    return new FolderDataset(files, PathList.from(paths), labels, options, bad);
  };
  return {
    name: files.location,
    classes,
    shape: [3, size, size],
    train: dataset(train),
    validation: dataset(validation),
    ...(test === undefined ? {} : { test: dataset(test) }),
    mirrorable: !classes.every((name) => GLYPH.test(name)),
  };
}

function expectKnown(folder: string, found: Map<string, string[]>, classes: readonly string[]): void {
  const unknown = [...found.keys()].find((name) => !classes.includes(name));
  if (unknown === undefined) return;
  throw new DataError(
    `${folder}${unknown}: expected the classes of train (${classes.slice(0, 5).join(", ")}${
      classes.length > 5 ? ", …" : ""
    }) but ${unknown} is not among them`,
  );
}

/** The folder of a split; where that holds only a folder of its own name, as some archives do, the inner one. */
async function findSplit(files: FileSource, split: keyof typeof SPLIT_FOLDERS): Promise<string | undefined> {
  const found = (await files.list()).filter((name) => SPLIT_FOLDERS[split].test(name));
  if (found.length > 1) {
    throw new DataError(
      `${files.location}: expected one folder of ${split} images but there are ${
        found.join(", ")
      }; rename or move all but one`,
    );
  }
  if (found.length === 0) return undefined;
  const inside = (await files.list(found[0])).filter(isVisibleFolder);
  return inside.length === 1 && inside[0] === found[0] ? found[0] + inside[0] : found[0];
}

/** Refuses folders that all hold the same folders: they may be splits under names that are not known. */
async function expectNoSplits(files: FileSource): Promise<void> {
  const folders = (await files.list()).filter(isVisibleFolder);
  const inside = await Promise.all(folders.map(async (name) => (await files.list(name)).filter(isVisibleFolder)));
  if (folders.length < 2 || inside[0].length < 2 || inside.some((names) => names.join() !== inside[0].join())) return;
  throw new DataError(
    `${files.location}: ${folders.join(", ")} all hold ${inside[0].slice(0, 3).join(", ")}${
      inside[0].length > 3 ? ", …" : ""
    }; if they are splits, name them train, val and test; if they are classes, put their images into them without those folders`,
  );
}

/** The paths of the images of each class. */
async function listClasses(files: FileSource, folder: string): Promise<Map<string, string[]>> {
  const classes = new Map<string, string[]>();
  for (const name of (await files.list(folder)).filter(isVisibleFolder)) {
    const images = await listImages(files, folder + name);
    if (images.length === 0) {
      throw new DataError(
        `${files.location}/${folder}${name.slice(0, -1)}: expected PNG or JPEG files (.png, .jpg, .jpeg) of a class ` +
          "but there are none; add some, or remove the folder",
      );
    }
    // Some systems write accents apart from their letters; either way it is the same class.
    const key = name.slice(0, -1).normalize("NFC");
    classes.set(key, [...classes.get(key) ?? [], ...images]);
  }
  // The slash of a listed folder sorts "a-b/" before "a/", which the names alone do not.
  return new Map([...classes].sort(([a], [b]) => a < b ? -1 : 1));
}

async function listImages(files: FileSource, folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const name of await files.list(folder)) {
    if (isVisibleFolder(name)) paths.push(...await listImages(files, folder + name));
    else if (isImageFile(name) && !name.startsWith(".")) paths.push(folder + name);
  }
  return paths;
}

/** Takes a share of each class, rounded, but at least one image and not all; a class of one image keeps it. */
function split(
  classes: Map<string, string[]>,
  fraction: number,
  seed: number,
): [train: Map<string, string[]>, validation: Map<string, string[]>] {
  const train = new Map<string, string[]>(), validation = new Map<string, string[]>();
  for (const [name, paths] of classes) {
    const wanted = Math.min(paths.length - 1, Math.max(1, Math.round(fraction * paths.length)));
    const chosen = new Set(new Random(seed, `split ${name}`).permutation(paths.length).subarray(0, wanted));
    train.set(name, paths.filter((_, i) => !chosen.has(i)));
    validation.set(name, paths.filter((_, i) => chosen.has(i)));
  }
  return [train, validation];
}
