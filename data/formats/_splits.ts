/** Which folders of a set of image files hold the training, validation and test images. */

import { DataError } from "../../core/mod.ts";
import type { FileSource } from "./file_source.ts";
import { className, findImageFiles, isVisibleFolder, isVisibleImage, LeftOut } from "./image_tree.ts";

/** A part of a set. */
export type Split = "train" | "validation" | "test";

/** `train`, `Training`, `seg_train`, `training_set`, `test1`: [1] to [3] the split. */
const SPLIT_NAME =
  /^(?:seg[_-])?(?:(train|training)|(val|valid|validation)|(test|testing))(?:[_-]?(?:set|data|images|\d))?$/i;

/** The split that a folder's name says, with a slash at the end or not. */
export function splitOf(name: string): Split | undefined {
  const match = SPLIT_NAME.exec(name.replace(/\/$/, ""));
  return match === null ? undefined : match[1] ? "train" : match[2] ? "validation" : "test";
}

/** The folder of each split, with a slash at the end; of `train`, it is the set's own where it has no splits. */
export interface SplitFolders {
  /** What holds the folders of classes to train on; nothing for the set itself. */
  readonly train: string;
  /** What holds those to validate on. */
  readonly validation?: string;
  /** What holds those to test on, with labels or without. */
  readonly test?: string;
  /** Folders beside them. */
  readonly others: readonly string[];
}

/**
 * Finds the folders of the splits by their usual names.
 *
 * @param files The set.
 * @throws {DataError} If two folders are of the same split, if there are splits but none to train on, or if training images
 * lie in no folders of classes.
 */
export async function findSplits(files: FileSource): Promise<SplitFolders> {
  const folders = (await files.list()).filter(isVisibleFolder), found: Partial<Record<Split, string>> = {};
  for (const folder of folders) {
    const split = splitOf(folder);
    if (split === undefined) continue;
    const other = found[split];
    if (other !== undefined) {
      throw new DataError(
        `${files.location}: expected one folder of the ${split} split but there are ${listNames([other, folder])}; ` +
          "move one of them elsewhere, or put their images together",
      );
    }
    found[split] = folder;
  }
  const others = folders.filter((folder) => splitOf(folder) === undefined);
  const train = found.train && await withoutNesting(files, found.train);
  if (train === undefined || !(await files.list(train)).some(isVisibleFolder)) {
    // A class may be called train, or test.
    await refuseSplitsWithoutTrain(files, found, others);
    return { train: "", others: [] };
  }
  const { validation, test } = found;
  return {
    train,
    ...(validation === undefined ? {} : { validation: await withoutNesting(files, validation) }),
    ...(test === undefined ? {} : { test: await withoutNesting(files, test) }),
    others,
  };
}

/** The folder of the same split in a split's folder, where there is nothing else: archives unpack to `seg_train/seg_train`. */
async function withoutNesting(files: FileSource, folder: string): Promise<string> {
  const names = await files.list(folder), folders = names.filter(isVisibleFolder);
  const isNested = folders.length === 1 && splitOf(folders[0]) === splitOf(folder.split("/").at(-2)!) &&
    !names.some(isVisibleImage);
  return isNested ? await withoutNesting(files, folder + folders[0]) : folder;
}

/** Refuses folders that are splits by their names where there is no training split with folders of classes. */
async function refuseSplitsWithoutTrain(
  files: FileSource,
  found: Partial<Record<Split, string>>,
  others: readonly string[],
): Promise<void> {
  const splits = Object.values(found);
  if (splits.length === 0) return;
  if (others.length === 0) {
    if (found.train !== undefined) {
      const { length } = await findImageFiles(files, found.train, new LeftOut());
      throw new DataError(
        `${files.location}/${
          found.train.slice(0, -1)
        }: expected a folder of images for each class (${found.train}CLASS/…) ` +
          `but ${length === 0 ? "it has no images" : `its ${length} images are in no folders`}; ` +
          "put the images of each class in a folder of its name",
      );
    }
    throw new DataError(
      `${files.location}: expected a folder train beside ${
        listNames(splits)
      } but there is none; add it, or give one of them ` +
        "as the data set, to train on a part of it",
    );
  }
  for (const split of splits) {
    const inside = (await files.list(split)).filter(isVisibleFolder);
    const shared = others.filter((folder) => inside.some((name) => className(name) === className(folder)));
    if (shared.length === 0) continue;
    throw new DataError(
      `${files.location}: ${listNames([split])} holds folders of the same names (${
        listNames(shared)
      }) as those beside it, so that ` +
        "it is no class; put the folders beside it into a folder train",
    );
  }
}

/** Names of folders for a message: the first few, without slashes. */
export function listNames(folders: readonly string[]): string {
  const names = folders.slice(0, 4).map((folder) => folder.replace(/\/$/, ""));
  if (folders.length > names.length) return `${names.join(", ")}, …`;
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
