/** A folder of images on the disk. */

import fs from "node:fs/promises";
import { basename, dirname, resolve, sep } from "node:path";
import { type FileSource, type FileStat, isImageFile } from "../data/mod.ts";
import { explain } from "./disk_error.ts";
import { withoutSeparators } from "./paths.ts";
import { MOST_BYTES, readFile } from "./read_file.ts";

/** Whether a link leads to a folder. */
async function leadsToFolder(link: string): Promise<boolean> {
  return (await fs.stat(link).catch(() => undefined))?.isDirectory() === true;
}

/** Whether a link leads to a folder that it is itself in, so that following it would never end. */
async function leadsBack(folder: string, link: string): Promise<boolean> {
  const [inside, target] = await Promise.all([fs.realpath(folder), fs.realpath(link)]);
  return inside === target || inside.startsWith(target.endsWith(sep) ? target : target + sep);
}

/**
 * A folder on the disk, as the functions that open sets take it.
 *
 * @example
 * ```ts
 * import { openImageSet } from "@residua/residua";
 * import { DiskFolder } from "@residua/residua/disk";
 * const { train, shape } = await openImageSet(new DiskFolder("cifar-10-batches-bin"));
 * console.log(train.count, shape);
 * ```
 */
export class DiskFolder implements FileSource {
  /** The folder's path. */
  readonly location: string;

  /**
   * Names a folder.
   *
   * @param path Its path.
   */
  constructor(path: string) {
    this.location = withoutSeparators(path);
  }

  /** The folder that it is in, if it is not the disk's root. */
  get parent(): DiskFolder | undefined {
    const path = /^\.{0,2}$/.test(basename(this.location)) ? resolve(this.location) : this.location;
    return dirname(path) === path ? undefined : new DiskFolder(dirname(path));
  }

  /**
   * The names of the files and folders in it, or in a folder in it. A folder's name ends in a slash. Links are followed but
   * for those to a folder that they are in.
   */
  async list(folder = ""): Promise<string[]> {
    const path = folder === "" ? this.location : `${this.location}/${folder.slice(0, -1)}`;
    try {
      const names: string[] = [];
      for (const entry of await fs.readdir(path, { withFileTypes: true })) {
        const link = `${path}/${entry.name}`, isLinked = entry.isSymbolicLink() && await leadsToFolder(link);
        if (isLinked && await leadsBack(path, link)) continue;
        names.push(entry.isDirectory() || isLinked ? `${entry.name}/` : entry.name);
      }
      return names.sort();
    } catch (error) {
      throw explain("the data folder", path, error);
    }
  }

  /** The size of a file, and when it was written. */
  async stat(name: string): Promise<FileStat> {
    const { size, mtimeMs } = await fs.stat(`${this.location}/${name}`);
    return { bytes: size, modified: Math.floor(mtimeMs) };
  }

  /** The device and the number of a folder on it, or where the system has no such numbers, its path without links. */
  async identify(folder: string): Promise<string | undefined> {
    const path = `${this.location}/${folder}`;
    try {
      const { dev, ino } = await fs.stat(path);
      return ino ? `${dev} ${ino}` : await fs.realpath(path);
    } catch {
      // Listing it says why.
      return undefined;
    }
  }

  /**
   * The bytes of a file.
   *
   * @param limit The most that it may have. Defaults to what suits its kind.
   */
  async read(name: string, limit: number = Infinity): Promise<Uint8Array> {
    const [what, most] = isImageFile(name) ? ["the image", MOST_BYTES.image] : ["the file", MOST_BYTES.data];
    return await readFile(`${this.location}/${name}`, { what, most: Math.min(most, limit) });
  }
}
