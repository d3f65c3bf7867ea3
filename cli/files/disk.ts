/** What touches the disk: data folders, run folders, weight files. */

import { DataError, ResiduaError } from "../../core/mod.ts";
import type { FileSource } from "../../data/mod.ts";
import { type Checkpoint, decodeCheckpoint } from "../../weights/mod.ts";
import { type RunStore } from "../../train/mod.ts";

/** Says in a sentence why something on the disk could not be used. */
export function explain(what: string, path: string, error: unknown): ResiduaError {
  if (error instanceof ResiduaError) return error;
  if (error instanceof Deno.errors.NotFound) return new DataError(`${path}: ${what} does not exist; check the path`);
  if (error instanceof Deno.errors.PermissionDenied) return new DataError(`${path}: no permission to use ${what}`);
  if (error instanceof Deno.errors.NotADirectory) {
    return new DataError(`${path}: expected ${what} there, but the path leads through a file that is no folder`);
  }
  if (error instanceof Deno.errors.IsADirectory) {
    return new DataError(`${path}: expected ${what} there, but this is a folder`);
  }
  if (error instanceof Deno.errors.AlreadyExists) {
    return new DataError(`${path}: expected a folder there, or nothing, but it is a file; choose another path`);
  }
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new DataError(`${path}: the disk is full, so ${what} was not written; what was there before is whole`);
  }
  if (code === "EROFS") return new DataError(`${path}: ${what} lies on a read-only file system; choose another folder`);
  return new DataError(`${path}: ${what} cannot be used: ${(error as Error).message}`);
}

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

  /** The names of what is in it, or in a folder in it; those of folders end in a slash. */
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

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Opens and locks a file, and writes this process's number to it. */
async function lockFile(path: string): Promise<Deno.FsFile> {
  for (;;) {
    const file = await Deno.open(path, { read: true, write: true, create: true });
    if (!await file.tryLock(true)) {
      file.close();
      const holder = (await Deno.readTextFile(path)).trim() || "that has only just begun";
      throw new DataError(
        `${path}: the run is in use by process ${holder}; wait until it has ended, or choose another folder with --out`,
      );
    }
    // The process that had it before may have taken the file away in between.
    const [opened, found] = [await file.stat(), await Deno.stat(path).catch(() => undefined)];
    if (found?.ino === opened.ino) {
      await file.truncate();
      await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
      return file;
    }
    file.close();
  }
}

/** A run folder. Files are written under another name, synced and renamed. */
export class DiskStore implements RunStore {
  readonly location: string;

  private constructor(location: string) {
    this.location = location;
  }

  /**
   * Opens a folder, and makes it where it is missing.
   *
   * @param what What it is, for messages.
   */
  static async open(location: string, what = "the run folder"): Promise<DiskStore> {
    try {
      await Deno.mkdir(location, { recursive: true });
    } catch (error) {
      throw explain(what, location, error);
    }
    return new DiskStore(location);
  }

  /**
   * Opens a folder for this process alone, until what is returned is disposed of. Its `run.lock` holds the process's number;
   * the system takes the lock from a process that ends, however it ends.
   *
   * @throws {DataError} If another process has it, or nothing can be written there.
   */
  static async lock(location: string): Promise<DiskStore & AsyncDisposable> {
    const found = await Deno.stat(location).catch(() => undefined);
    const store = await DiskStore.open(location), path = `${location}/run.lock`;
    const file = await lockFile(path).catch((error) => {
      throw explain("the run folder", location, error);
    });
    return Object.assign(store, {
      async [Symbol.asyncDispose]() {
        // While it is still locked, so that nobody's file but this process's own is taken away.
        await removeIfThere(path).catch(() => {});
        file.close();
        // A folder made for a run that wrote nothing; one that holds anything stays.
        if (found === undefined) await Deno.remove(location).catch(() => {});
      },
    });
  }

  /** Replaces a file as a whole. */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    const path = `${this.location}/${name}`, temporary = `${path}.new`;
    try {
      using file = await Deno.open(temporary, { write: true, create: true, truncate: true });
      for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
      await file.sync();
      await Deno.rename(temporary, path);
      await this.#syncFolder();
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw explain("the file", path, error);
    }
  }

  /** Adds to the end of a file; all of it, or none of it. */
  async append(name: string, content: string | Uint8Array): Promise<void> {
    const path = `${this.location}/${name}`;
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    try {
      using file = await Deno.open(path, { append: true, create: true });
      const { size } = await file.stat();
      try {
        for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
        await file.sync();
      } catch (error) {
        await file.truncate(size);
        throw error;
      }
    } catch (error) {
      throw explain("the file", path, error);
    }
  }

  /** Makes `to` hold what `from` holds: the same file under another name, or a copy where a disk has no such links. */
  async copy(from: string, to: string): Promise<void> {
    const source = `${this.location}/${from}`, path = `${this.location}/${to}`, temporary = `${path}.new`;
    try {
      await removeIfThere(temporary);
      await Deno.link(source, temporary).catch((error) => {
        if (error instanceof Deno.errors.NotFound) throw error;
        return Deno.copyFile(source, temporary);
      });
      await Deno.rename(temporary, path);
      await this.#syncFolder();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw explain("the file", path, error);
    } finally {
      // A rename to another name of the same file does nothing.
      await removeIfThere(temporary);
    }
  }

  /** Takes a file away, if there is one. */
  async remove(name: string): Promise<void> {
    const path = `${this.location}/${name}`;
    try {
      await removeIfThere(path);
    } catch (error) {
      throw explain("the file", path, error);
    }
  }

  /** Makes renames last through a loss of power, where folders can be synced. */
  async #syncFolder(): Promise<void> {
    try {
      using folder = await Deno.open(this.location);
      await folder.sync();
    } catch {
      // Not every system can.
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

/** Writes a file as a whole or not at all, and makes its folder where it is missing. */
export async function writeFile(path: string, bytes: Uint8Array): Promise<void> {
  const folder = await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => path.endsWith("/"));
  if (folder) throw new DataError(`${path}: expected the name of a file to write, but this is a folder`);
  const cut = path.lastIndexOf("/");
  const store = await DiskStore.open(cut < 0 ? "." : path.slice(0, cut) || "/", "the folder");
  await store.write(path.slice(cut + 1), bytes);
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
