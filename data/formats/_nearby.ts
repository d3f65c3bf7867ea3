/** A folder too high or too low: which one may have been meant. */

import { DataError } from "../../core/mod.ts";
import { listNames, splitOf } from "./_splits.ts";
import type { FileSource } from "./file_source.ts";
import { isVisibleFolder, isVisibleImage } from "./image_tree.ts";

/** The last part of a folder's name. */
function baseName({ location }: FileSource): string {
  return location.split(/[\\/]/).at(-1)!;
}

/** The folders beside a source, and itself; none where that is not known, since they only make a message better. */
async function foldersBeside({ parent }: FileSource): Promise<string[]> {
  return (await parent?.list().catch(() => []) ?? []).filter(isVisibleFolder);
}

/** A folder in another, as a source of its own. */
export function folderIn(files: FileSource, folder: string): FileSource {
  return {
    location: `${files.location}/${folder.slice(0, -1)}`,
    parent: files,
    list: (inner = "") => files.list(folder + inner),
    ...(files.stat === undefined ? {} : { stat: (path: string) => files.stat!(folder + path) }),
    ...(files.identify === undefined ? {} : { identify: (inner: string) => files.identify!(folder + inner) }),
    read: (path, most) => files.read(folder + path, most),
  };
}

/** The folders of a set that has no splits, if each holds folders only: with what is in them. */
async function listFoldersOfFolders(files: FileSource): Promise<Map<string, string[]>> {
  const listings = new Map<string, string[]>();
  for (const folder of (await files.list()).filter(isVisibleFolder)) {
    const names = await files.list(folder);
    // A folder with images is a class, and the folders beside it are others.
    if (names.some(isVisibleImage)) return new Map();
    listings.set(folder, names);
  }
  return listings;
}

/**
 * Refuses a folder whose folders hold whole data sets.
 *
 * @param files The folder.
 * @param isSet Whether a folder with these entries is a data set in files of its own.
 * @throws {DataError} If there are such folders: which.
 */
export async function refuseFolderAboveSets(
  files: FileSource,
  isSet: (names: readonly string[]) => boolean,
): Promise<void> {
  const listings = await listFoldersOfFolders(files), sets: string[] = [];
  if ([...listings.keys()].some((folder) => splitOf(folder) === "train")) return;
  for (const [folder, names] of listings) {
    const isRaw = names.includes("raw/") && isSet(await files.list(`${folder}raw/`));
    const train = names.find((name) => isVisibleFolder(name) && splitOf(name) === "train");
    const hasClasses = train !== undefined && (await files.list(folder + train)).some(isVisibleFolder);
    const isOnlyOne = listings.size === 1 && names.filter(isVisibleFolder).length > 1;
    if (isRaw || hasClasses || isOnlyOne || isSet(names)) sets.push(folder);
  }
  if (sets.length === 0) return;
  const paths = sets.slice(0, 4).map((folder) => `${files.location}/${folder.slice(0, -1)}`);
  throw new DataError(
    `${files.location}: expected a data set but there ${
      sets.length === 1 ? "is one" : `are ${sets.length}`
    } in a folder below; give ${paths.join(" or ")}`,
  );
}

/**
 * Refuses folders that all hold the same folders: either they are splits under names of their own, or they are classes, and
 * what is in them is something else.
 *
 * @throws {DataError} If so: both readings, and what to do for each.
 */
export async function refuseUnclearClasses(files: FileSource): Promise<void> {
  const listings = await listFoldersOfFolders(files), folders = [...listings.keys()];
  const inner = [...listings.values()].map((names) => names.filter(isVisibleFolder));
  if (folders.length < 2 || inner[0].length < 2 || new Set(inner.map((names) => names.join("/"))).size > 1) return;
  throw new DataError(
    `${files.location}: ${listNames(folders)} all hold the folders ${listNames(inner[0])}, so that either may be the ` +
      `classes; if ${listNames(inner[0])} are, name the folders above them train and val, ` +
      `else put ${listNames(folders)} into a folder train`,
  );
}

/**
 * Says that a folder holds images without folders of classes, and which folder may have been meant.
 *
 * @param files The folder, which has none that are visible.
 */
export async function explainLooseImages(files: FileSource): Promise<DataError> {
  const { length } = (await files.list()).filter(isVisibleImage);
  const came = `${files.location}: expected folders of classes but there are ${length} images and no folders`;
  const { parent } = files;
  const beside = await foldersBeside(files);
  if (parent === undefined || beside.length < 2 || !beside.includes(`${baseName(files)}/`)) {
    return new DataError(`${came}; put the images of each class in a folder of its name`);
  }
  const set = splitOf(baseName(parent)) === undefined ? parent : parent.parent ?? parent;
  return new DataError(`${came}; if ${listNames(beside)} are the classes, give ${set.location}`);
}

/** Notes that a folder is one split by its name, where there are others beside it. */
export async function noteSplitsBeside(files: FileSource): Promise<string[]> {
  const { parent } = files, split = splitOf(baseName(files));
  if (parent === undefined || split === undefined) return [];
  const others = (await foldersBeside(files)).filter((name) => ![undefined, split].includes(splitOf(name)));
  if (others.length === 0) return [];
  return [
    `${listNames(others)} beside it ${others.length === 1 ? "is" : "are"} not read; give ${parent.location} for all`,
  ];
}
