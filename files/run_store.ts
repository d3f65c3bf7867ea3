/** A run folder on the disk: one process has it at a time, and its files are whole at any instant. */

import fs, { type FileHandle } from "node:fs/promises";
import type { RunStore } from "../train/mod.ts";
import { codeOf, explain } from "./disk_error.ts";
import { expectRegular, MOST_BYTES, readIfThere } from "./read_file.ts";
import { lockFile } from "./run_lock.ts";

/** The names under which the files of a run are written before they are renamed. */
const UNFINISHED =
  /^((last|best|previous|epoch-\d+)\.safetensors|(config|tuning|profile|validation)\.json|(metrics|distributions)\.jsonl|(curves|confusion)\.svg|report\.(html|md)|events\.out\.tfevents\..*)\.new$/;

/** Removes what a process that was killed left half-written. Nobody else writes there: the folder is locked. */
async function removeUnfinished(location: string): Promise<void> {
  for (const entry of await fs.readdir(location, { withFileTypes: true })) {
    if (entry.isFile() && UNFINISHED.test(entry.name)) await removeIfThere(`${location}/${entry.name}`);
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await fs.unlink(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

/** What a file of a run is, by its name. */
function kindOf(name: string): keyof typeof MOST_BYTES {
  if (name === "validation.json") return "answers";
  return name.endsWith(".json") ? "text" : name.endsWith(".jsonl") ? "metrics" : "weights";
}

/** The most bytes that are written at once: no system takes 2 GiB. */
const PART = 2 ** 30;

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes.subarray(done, done + PART))).bytesWritten;
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
      await fs.mkdir(location, { recursive: true });
    } catch (error) {
      throw explain(what, location, error);
    }
    return new DiskStore(location);
  }

  /**
   * Opens a folder for this process alone, until what is returned is disposed of. Its `run.lock` holds the process's number. A
   * process that ends, however it ends, has it no more. What one that was killed left half-written is removed.
   *
   * @throws {DataError} If another process has it, or nothing can be written there.
   */
  static async lock(location: string): Promise<DiskStore & AsyncDisposable> {
    const found = await fs.stat(location).catch(() => undefined);
    const store = await DiskStore.open(location), path = `${location}/run.lock`;
    const lock = await lockFile(path).catch((error) => {
      throw explain("the run folder", location, error);
    });
    await removeUnfinished(location).catch(() => {
      // They take room, and nothing reads them.
    });
    return Object.assign(store, {
      async [Symbol.asyncDispose]() {
        // While it is still locked, so that nobody's file but this process's own is taken away.
        await removeIfThere(path).catch(() => {});
        lock.release();
        // A folder made for a run that wrote nothing; one that holds anything stays.
        if (found === undefined) await fs.rmdir(location).catch(() => {});
      },
    });
  }

  /** Replaces a file as a whole. */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    const path = `${this.location}/${name}`, temporary = `${path}.new`;
    try {
      const file = await fs.open(temporary, "w");
      try {
        await writeAll(file, bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await fs.rename(temporary, path);
      await this.#syncFolder();
    } catch (error) {
      await removeIfThere(temporary).catch(() => {});
      throw explain("the file", path, error);
    }
  }

  /** Adds to the end of a file; all of it, or none of it. */
  async append(name: string, content: string | Uint8Array): Promise<void> {
    const path = `${this.location}/${name}`;
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    try {
      const found = await fs.stat(path).catch(() => undefined);
      // To open a pipe waits for who reads it.
      if (found !== undefined) expectRegular(found, path);
      const file = await fs.open(path, "a");
      try {
        const { size } = await file.stat();
        try {
          await writeAll(file, bytes);
          await file.sync();
        } catch (error) {
          await file.truncate(size);
          throw error;
        }
      } finally {
        await file.close();
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
      await fs.link(source, temporary).catch((error) => {
        if (codeOf(error) === "ENOENT") throw error;
        return fs.copyFile(source, temporary);
      });
      await fs.rename(temporary, path);
      await this.#syncFolder();
    } catch (error) {
      if (codeOf(error) === "ENOENT") return;
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
      const folder = await fs.open(this.location);
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
    } catch {
      // Not every system can.
    }
  }

  /** The content of a file, or nothing if there is none. */
  async read(name: string): Promise<Uint8Array | undefined> {
    return await readIfThere(`${this.location}/${name}`, { most: MOST_BYTES[kindOf(name)] });
  }
}
