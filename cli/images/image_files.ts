/** Which images a user means: files as they are named, and the PNG and JPEG files of folders. */

import { DataError } from "../../core/mod.ts";
import { isImageFile } from "../../data/mod.ts";
import { explain } from "../files/disk_error.ts";

/**
 * The images in a folder and its subfolders, by their endings, in the order of their names. What begins with a dot is left
 * out, and links to folders are not followed.
 */
async function imagesIn(folder: string): Promise<string[]> {
  const entries = (await Array.fromAsync(Deno.readDir(folder))).filter(({ name }) => !name.startsWith("."));
  entries.sort((a, b) => a.name < b.name ? -1 : 1);
  const found: string[] = [];
  for (const { name, isDirectory } of entries) {
    const path = `${folder.replace(/\/+$/, "")}/${name}`;
    if (isDirectory) found.push(...await imagesIn(path));
    else if (isImageFile(name)) found.push(path);
  }
  return found;
}

/**
 * Finds the images of a file or a folder. A file that is named is taken whatever it is called.
 *
 * @throws {DataError} If it does not exist or may not be read, or a folder holds no images.
 */
export async function findImages(path: string): Promise<string[]> {
  try {
    if (!(await Deno.stat(path)).isDirectory) return [path];
    const found = await imagesIn(path);
    if (found.length > 0) return found;
  } catch (error) {
    throw explain("the image or folder", path, error);
  }
  throw new DataError(
    `${path}: expected a folder with PNG or JPEG images (.png, .jpg, .jpeg) but there are none in it`,
  );
}
