/** What touches the disk: data folders, run folders, weight files. */

import { DataError, ResiduaError } from "../core/mod.ts";
import type { FileSource } from "../data/mod.ts";
import { type Checkpoint, decodeCheckpoint, type RunStore } from "../train/mod.ts";

export function explain(what: string, path: string, error: unknown): ResiduaError {
  if (error instanceof ResiduaError) return error;
  if (error instanceof Deno.errors.NotFound) return new DataError(`${path}: ${what} does not exist; check the path`);
  if (error instanceof Deno.errors.PermissionDenied) return new DataError(`${path}: no permission to use ${what}`);
  const full = error instanceof Error && "code" in error && error.code === "ENOSPC";
  if (full) {
    return new DataError(`${path}: the disk is full, so ${what} was not written; what was there before is whole`);
  }
  return new DataError(`${path}: ${what} cannot be used: ${(error as Error).message}`);
}

/** The name of an entry, with a slash after it if it is a folder or a link to one. */
async function withSlash(folder: string, { name, isDirectory, isSymlink }: Deno.DirEntry): Promise<string> {
  const directory = isDirectory ||
    (isSymlink && (await Deno.stat(`${folder}/${name}`).catch(() => undefined))?.isDirectory === true);
  return directory ? `${name}/` : name;
}

/** A folder of a data set. */
export class DiskFolder implements FileSource {
  readonly location: string;

  /** @param path The folder. */
  constructor(path: string) {
    this.location = path.replace(/(.)\/+$/, "$1");
  }

  /** The names of what is in it, or in a folder in it; those of folders end in a slash. */
  async list(folder = ""): Promise<string[]> {
    const path = folder === "" ? this.location : `${this.location}/${folder.slice(0, -1)}`;
    try {
      const entries = await Array.fromAsync(Deno.readDir(path));
      return (await Promise.all(entries.map((entry) => withSlash(path, entry)))).sort();
    } catch (error) {
      throw explain("the data folder", path, error);
    }
  }

  /** The bytes of one. */
  async read(name: string): Promise<Uint8Array> {
    const path = `${this.location}/${name}`;
    try {
      return await Deno.readFile(path);
    } catch (error) {
      throw explain("the file", path, error);
    }
  }
}

/** A run folder. Files are written under another name, synced and renamed. */
export class DiskStore implements RunStore {
  readonly location: string;

  private constructor(location: string) {
    this.location = location;
  }

  /** Opens a folder, and makes it where it is missing. */
  static async open(location: string): Promise<DiskStore> {
    try {
      await Deno.mkdir(location, { recursive: true });
    } catch (error) {
      throw explain("the run folder", location, error);
    }
    return new DiskStore(location);
  }

  /** Replaces a file as a whole. */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    const path = `${this.location}/${name}`, temporary = `${path}.new`;
    try {
      using file = await Deno.open(temporary, { write: true, create: true, truncate: true });
      for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
      await file.sync();
      await Deno.rename(temporary, path);
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw explain("the file", path, error);
    }
  }

  /** Adds to the end of a file. */
  async append(name: string, text: string): Promise<void> {
    const path = `${this.location}/${name}`;
    try {
      await Deno.writeTextFile(path, text, { append: true });
    } catch (error) {
      throw explain("the file", path, error);
    }
  }

  /** The content of a file, or nothing if there is none. */
  async read(name: string): Promise<Uint8Array | undefined> {
    const path = `${this.location}/${name}`;
    try {
      return await Deno.readFile(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw explain("the file", path, error);
    }
  }
}

/**
 * Reads a weight file, or the best checkpoint of a run folder.
 *
 * @throws {DataError} If there is none, or it is damaged.
 */
export async function readCheckpoint(path: string): Promise<Checkpoint & { readonly source: string }> {
  let source = path;
  try {
    if ((await Deno.stat(path)).isDirectory) source = `${path.replace(/\/+$/, "")}/best.safetensors`;
    return { ...decodeCheckpoint(await Deno.readFile(source), source), source };
  } catch (error) {
    throw explain("the checkpoint", source, error);
  }
}
