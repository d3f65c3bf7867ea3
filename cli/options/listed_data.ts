/** Images that tables name: which folder their paths are in. */

import { dirname } from "node:path";
import {
  type FolderDataset,
  type ImageFolderOptions,
  type ImageList,
  type ImageSet,
  type OpenedList,
  openImageList,
  readImageLists,
} from "../../data/mod.ts";
import { DiskFolder } from "../../files/mod.ts";
import { pathsIn, readListFile } from "../../disk/mod.ts";

/** The options of tables of images. */
export interface ListValues {
  /** The folder of the images; with `shapes`, the default, each table's own. */
  readonly data?: string;
  readonly "val-list"?: string;
  readonly "list-columns"?: string;
}

/** Opens the set that tables describe. */
export async function openListedData(
  train: string,
  values: ListValues,
  options: ImageFolderOptions,
): Promise<ImageSet<FolderDataset>> {
  const folder = folderOf(train, values), validation = values["val-list"];
  return await readImageLists(new DiskFolder(folder), {
    train: await read(train, folder, values),
    ...(validation === undefined ? {} : { validation: await read(validation, folder, values) }),
  }, options);
}

/** Opens the images of one table. */
export async function openOneList(path: string, values: ListValues, options: ImageFolderOptions): Promise<OpenedList> {
  const folder = folderOf(path, values);
  return await openImageList(new DiskFolder(folder), await read(path, folder, values), options);
}

function isGiven({ data }: ListValues): boolean {
  return data !== undefined && data !== "shapes";
}

function folderOf(list: string, values: ListValues): string {
  return isGiven(values) ? values.data! : dirname(list);
}

function read(list: string, folder: string, values: ListValues): Promise<ImageList> {
  return readListFile(list, values["list-columns"], pathsIn(folder, isGiven(values) ? folder : dirname(list)));
}
