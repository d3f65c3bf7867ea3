/** A folder of images on the disk. */

import { basename, dirname, resolve } from "node:path";
import type { FileSource } from "../../data/mod.ts";
import { explain } from "./disk_error.ts";
import { readFile } from "./read_file.ts";

/** Whether an entry of a folder is a folder or a link to one. */
async function leadsToFolder(folder: string, { name, isDirectory, isSymlink }: Deno.DirEntry): Promise<boolean> {
  return isDirectory ||
    (isSymlink && (await Deno.stat(`${folder}/${name}`).catch(() => undefined))?.isDirectory === true);
}

/** A folder of a data set. */
export class DiskFolder implements FileSource {
  readonly location: string;

  /** @param path The folder. */
  constructor(path: string) {
    this.location = path.replace(/(.)\/+$/, "$1");
  }

  /** The folder that it is in, if it is not the disk's root. */
  get parent(): DiskFolder | undefined {
    const path = /^\.{0,2}$/.test(basename(this.location)) ? resolve(this.location) : this.location;
    return dirname(path) === path ? undefined : new DiskFolder(dirname(path));
  }

  /** The names of the files and folders in it, or in a folder in it. A folder's name ends in a slash. */
  async list(folder = ""): Promise<string[]> {
    const path = folder === "" ? this.location : `${this.location}/${folder.slice(0, -1)}`;
    try {
      const names: string[] = [];
      for await (const entry of Deno.readDir(path)) {
        names.push(await leadsToFolder(path, entry) ? `${entry.name}/` : entry.name);
      }
      return names.sort();
    } catch (error) {
      throw explain("the data folder", path, error);
    }
  }

  /** The bytes of a file. */
  async read(name: string): Promise<Uint8Array> {
    return await readFile(`${this.location}/${name}`);
  }
}
