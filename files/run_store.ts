/** A run folder on the disk: one process has it at a time, and its files are whole at any instant. */

import { DataError } from "../core/mod.ts";
import type { RunStore } from "../train/mod.ts";
import { explain } from "./disk_error.ts";
import { expectRegular, MOST_BYTES, readIfThere, readText } from "./read_file.ts";

/** The bytes of the number of a process. */
const LONGEST_NUMBER = 32;

/** The names under which the files of a run are written before they are renamed. */
const UNFINISHED =
  /^((last|best|previous|epoch-\d+)\.safetensors|(config|tuning|profile)\.json|metrics\.jsonl|(curves|confusion)\.svg|events\.out\.tfevents\..*)\.new$/;

/** Removes what a process that was killed left half-written. Nobody else writes there: the folder is locked. */
async function removeUnfinished(location: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(location)) {
    if (isFile && UNFINISHED.test(name)) await removeIfThere(`${location}/${name}`);
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
      const holder = (await readText(path, "the run's lock", LONGEST_NUMBER)).trim() || "that has only just begun";
      throw new DataError(
        `${path}: the run is in use by process ${holder}; wait until it has ended, or choose another folder`,
      );
    }
    // The process that held the lock before may have removed the file in between.
    const [opened, found] = [await file.stat(), await Deno.stat(path).catch(() => undefined)];
    if (found?.ino === opened.ino) {
      try {
        await file.truncate();
        await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
        return file;
      } catch (error) {
        file.close();
        throw error;
      }
    }
    file.close();
  }
}

/** A run folder. Files are written under another name, synced and renamed. */
export class DiskStore implements RunStore {
  /** The folder's path. */
  readonly location: string;

  /**
   * Uses a folder as it is.
   *
   * @param location Its path.
   */
  constructor(location: string) {
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
   * the system takes the lock from a process that ends, however it ends. What one that was killed left half-written is removed.
   *
   * @throws {DataError} If another process has it, or nothing can be written there.
   */
  static async lock(location: string): Promise<DiskStore & AsyncDisposable> {
    const found = await Deno.stat(location).catch(() => undefined);
    const store = await DiskStore.open(location), path = `${location}/run.lock`;
    const file = await lockFile(path).catch((error) => {
      throw explain("the run folder", location, error);
    });
    await removeUnfinished(location).catch(() => {
      // They take room, and nothing reads them.
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
      const found = await Deno.stat(path).catch(() => undefined);
      // To open a pipe waits for who reads it.
      if (found !== undefined) expectRegular(found, path);
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
    const most = name.endsWith(".json") ? "text" : name.endsWith(".jsonl") ? "metrics" : "weights";
    return await readIfThere(`${this.location}/${name}`, { most: MOST_BYTES[most] });
  }
}
