/** Folders of image files, a folder a class. Only paths and labels are held; an image is read when it is wanted. */

import { argument, DataError, ResiduaError, sentence } from "../../core/mod.ts";
import type { BatchFiller, PreparationOptions } from "../batch_filler.ts";
import { createLabels, type Dataset, type ImageSet, type Labels } from "../dataset.ts";
import type { FilesIdentity } from "../identity.ts";
import type { LeastSize, ReadOptions } from "../read_options.ts";
import { areMirrorable } from "./_class_names.ts";
import { expectFraction, holdOut } from "./_held_out.ts";
import { identifyPaths } from "./_identify_paths.ts";
import { noteSplitsBeside, refuseUnclearClasses } from "./_nearby.ts";
import { findSplits, listNames, type SplitFolders } from "./_splits.ts";
import type { DecodedImage } from "./decoded_image.ts";
import type { FileSource } from "./file_source.ts";
import type { ImageCache } from "./image_cache.ts";
import { className, findImageFiles, isVisibleFolder, LeftOut, listClasses } from "./image_tree.ts";
import { PathList } from "./path_list.ts";

/** The options of {@link readImageFolder}. */
export interface ImageFolderOptions {
  /**
   * Decodes a file, whose name is for messages. It throws a {@link DataError} where it cannot. It may give the image at a
   * smaller size, down to the least one, where there is one.
   */
  readonly decode: (bytes: Uint8Array, source: string, least?: LeastSize) => Promise<DecodedImage>;
  /** Whether images are measured and not trained on, so that one class will do and classes may be empty. Defaults to no. */
  readonly toMeasure?: boolean;
  /** The height and width that a model sees. Defaults to 224. */
  readonly size?: number;
  /**
   * The share of each class that is validated on, where the folder does not say. Defaults to as much as gives a hundred
   * images, from 0.1 to 0.2.
   */
  readonly validationFraction?: number;
  /** The seed by which those are chosen. Defaults to 0. */
  readonly splitSeed?: number;
  /** How many images may be damaged before reading stops. Defaults to 10. */
  readonly maxBad?: number;
  /** Called with a message for each damaged image, once. */
  readonly onBad?: (message: string, error: DataError) => void;
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

const DEFAULT_MAX_BAD = 10;

/** Counts the images that cannot be read, and stops where they are too many. */
export class BadImages {
  readonly #limit: number;
  readonly #heard: ImageFolderOptions["onBad"];
  readonly #paths = new Set<string>();

  /**
   * Starts with none.
   *
   * @param limit The number of images that may be damaged. Defaults to 10.
   * @param heard Called with a message for each, once, and with an error of the same message.
   */
  constructor(limit: number = DEFAULT_MAX_BAD, heard?: ImageFolderOptions["onBad"]) {
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
    const why = error instanceof ResiduaError ? error.sentence : error.message;
    if (this.#paths.size > this.#limit) {
      throw new DataError(
        sentence`More than ${this.#limit} images cannot be read (${argument("maxBad")}): ${
          this.paths.slice(0, 3).join(", ")
        }${this.#paths.size > 3 ? ", …" : ""}; the last: ${why}`,
      );
    }
    const told = new DataError(sentence`${why}; the next image of the set takes its place`);
    this.#heard?.(told.message, told);
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
    bad: BadImages = new BadImages(options.maxBad, options.onBad),
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

  /**
   * Identifies the files by their sizes, times and content, where the folder knows them.
   *
   * @internal
   */
  identifyFiles(known?: FilesIdentity): Promise<FilesIdentity | undefined> {
    return identifyPaths(this.source, this.files, known);
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

/** Whether a folder with these entries may be one of image files. */
export function isImageFolder(names: readonly string[]): boolean {
  return names.some(isVisibleFolder);
}

/**
 * Finds the image files of a folder ({@link isImageFile}): `train/CLASS/…` and `val/CLASS/…`, or `test/CLASS/…`, by their usual names
 * (`Training`, `valid`, `validation`, `testing`, `seg_train`, …), upper case or not; or only `train/CLASS/…`, or only
 * `CLASS/…`. Without folders to validate on, the test images are validated on; without labelled ones of either, a share of
 * each class, drawn by a seed. Classes are in the order of their names, images in that of their paths.
 *
 * @param files The folder.
 * @param options How images are decoded and split.
 * @returns The set. Its images count as mirrorable unless the classes are named by single letters or by numbers. Its notes
 * say what was left out, and what was chosen where the folder does not say.
 * @throws {DataError} If there are fewer than two classes or a class without images, which may be where images are only
 * measured; if there is a class of another split that is not trained on, or if it is not clear which folders are the classes.
 */
export async function readImageFolder(
  files: FileSource,
  options: ImageFolderOptions,
): Promise<ImageSet<FolderDataset>> {
  const { size = 224, validationFraction, splitSeed = 0 } = options;
  expectFraction(validationFraction, files.location);
  const folders = await findSplits(files), leftOut = new LeftOut(), notes: string[] = [];
  if (folders.train === "") {
    await refuseUnclearClasses(files);
    notes.push(...await noteSplitsBeside(files));
  }
  const seen = new Map<string, string>();
  const list: ListClasses = (folder) => listClasses(files, folder, leftOut, { seen, mayBeEmpty: options.toMeasure });
  const found = await list(folders.train), classes = [...found.keys()];
  if (classes.length < 2 && !(options.toMeasure && classes.length === 1)) {
    throw new DataError(
      `${files.location}: expected a folder for each of at least two classes${
        folders.train === "" ? "" : ` in ${folders.train.slice(0, -1)}`
      } but there ${classes.length === 1 ? `is only ${classes[0]}` : "are none"}`,
    );
  }
  const labelled = await labelledFolders(files, folders, classes, notes);
  const read = async (folder: string | undefined) =>
    folder === undefined ? undefined : await listLabelled(files, folder, folders.train, classes, list);
  let train = found, validation = await read(labelled.validation), test = await read(labelled.test);
  if (validation === undefined && test !== undefined) {
    notes.push(`there is no folder val, so that the images of ${labelled.test!.slice(0, -1)} are validated on`);
    [validation, test] = [test, undefined];
  }
  if (validation === undefined) [train, validation] = holdOut(found, validationFraction, splitSeed);
  const empty = classes.filter((name) => [train, validation, test].every((images) => !images?.get(name)?.length));
  if (empty.length > 0) notes.push(`${listNames(empty)}: no images`);
  if (folders.others.length > 0) notes.push(`${listNames(folders.others)}: not read, being no split by name`);
  if (leftOut.count > 0) notes.push(leftOut.describe());
  if (leftOut.folders > 0) notes.push(leftOut.describeFolders());
  const bad = new BadImages(options.maxBad, options.onBad);
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
    mirrorable: areMirrorable(classes),
    ...(notes.length === 0 ? {} : { notes: notes.map((note) => `${files.location}: ${note}`) }),
  };
}

/** The folders to validate and to test on, without a test whose images have no labels, which a note then names. */
async function labelledFolders(
  files: FileSource,
  { validation, test }: SplitFolders,
  classes: readonly string[],
  notes: string[],
): Promise<Pick<SplitFolders, "validation" | "test">> {
  if (test === undefined) return { validation };
  const inside = (await files.list(test)).filter(isVisibleFolder);
  const isLabelled = inside.length > 1 || (inside.length === 1 && classes.includes(className(inside[0])));
  if (isLabelled) return { validation, test };
  const { length } = await findImageFiles(files, test, new LeftOut());
  notes.push(
    `the ${length} images of ${test.slice(0, -1)} are left out, being in no folders of the classes` +
      (validation === undefined ? ", and a share of the training images is validated on" : ""),
  );
  return { validation };
}

/** Lists the images of a folder's classes. */
type ListClasses = (folder: string) => Promise<Map<string, string[]>>;

/** The images of a split beside the training images, by class. */
async function listLabelled(
  files: FileSource,
  folder: string,
  trainFolder: string,
  classes: readonly string[],
  list: ListClasses,
): Promise<Map<string, string[]>> {
  const known = `the classes of ${trainFolder.slice(0, -1)} (${listNames(classes)})`;
  const folders = (await files.list(folder)).filter(isVisibleFolder);
  if (folders.length === 0) {
    throw new DataError(
      `${files.location}/${folder.slice(0, -1)}: expected folders of ${known} but there are none; put its images in ` +
        "folders of their classes, or move it elsewhere, to validate on a share of the training images",
    );
  }
  const unknown = folders.find((name) => !classes.includes(className(name)));
  if (unknown !== undefined) {
    const name = className(unknown);
    throw new DataError(
      `${files.location}/${folder}${name}: expected ${known} but ${name} is not among them; ` +
        "rename it, or move it elsewhere",
    );
  }
  return await list(folder);
}
