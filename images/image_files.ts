/** Which images a user means: files as they are named, and the image files of folders. */

import fs from "node:fs/promises";
import { DataError } from "../core/mod.ts";
import { findImageFiles, IMAGE_FORMATS, LeftOut } from "../data/mod.ts";
import { DiskFolder, explain } from "../files/mod.ts";

/**
 * Finds the images of a file or a folder. A file that is named is taken whatever it is called. Of a folder, its images and
 * those of its subfolders are taken, by their endings, in the order of their names; links are followed, and what begins with
 * a dot is passed over.
 *
 * @param path The file or folder.
 * @param onNote Hears of the files of a folder that are left out. Defaults to nobody.
 * @throws {DataError} If it does not exist or may not be read, or a folder holds no images.
 */
export async function findImages(
  path: string,
  onNote: (message: string) => void = () => {},
): Promise<string[]> {
  try {
    if (!(await fs.stat(path)).isDirectory()) return [path];
  } catch (error) {
    throw explain("the image or folder", path, error);
  }
  const folder = new DiskFolder(path), leftOut = new LeftOut(), found = await findImageFiles(folder, "", leftOut);
  if (found.length === 0) {
    throw new DataError(
      `${path}: expected a folder with ${IMAGE_FORMATS} images but there are ${
        leftOut.count === 0 ? "none in it" : `only other files in it (${leftOut})`
      }`,
    );
  }
  if (leftOut.count > 0) onNote(`${path}: ${leftOut.describe()}`);
  if (leftOut.folders > 0) onNote(`${path}: ${leftOut.describeFolders()}`);
  return found.map((image) => `${folder.location.replace(/\/$/, "")}/${image}`);
}
