/**
 * The tuner's choices in the user's cache folder, a file an adapter. They only save time: a damaged file is begun anew, and
 * processes that write at once keep each other's choices.
 */

import {
  DataError,
  formatHash,
  hashText,
  ResiduaError,
  type TunedChoice,
  type TunerStore,
  TuningTable,
} from "../../core/mod.ts";
import { cacheFolder } from "../cache_folder.ts";
import { codeOf, explain, MOST_BYTES, readTextSync } from "../../files/mod.ts";

/** Where Linux names the drivers that are installed. WebGPU tells no version of a driver; these files change with it. */
const DRIVER_FILES = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/proc/driver/nvidia/version"];

/** The drivers that are installed, as a text that differs after an update; empty where that cannot be told. */
export function installedDrivers(paths: readonly string[] = DRIVER_FILES): string {
  const read = (path: string): string => {
    try {
      const { isDirectory, isFile, mtime } = Deno.statSync(path);
      // Files of /proc are as old as the question.
      const age = path.startsWith("/proc/") ? undefined : mtime?.getTime();
      if (!isDirectory && !isFile) return "";
      if (!isDirectory) return `${path} ${age ?? ""} ${Deno.readTextFileSync(path)}`;
      return [...Deno.readDirSync(path)].map(({ name }) => read(`${path}/${name}`)).sort().join("\n");
    } catch {
      return "";
    }
  };
  return paths.map(read).filter((text) => text !== "").join("\n");
}

/** How a {@link TuningFile} is opened. */
export interface TuningFileOptions {
  /** Where the files are; the user's cache folder unless given. */
  readonly folder?: string;
  /** Is told once that a file is damaged. */
  readonly warn?: (message: string) => void;
}

/** Choices that are written as they are made, so that an interrupted run keeps them. */
export class TuningFile implements TunerStore {
  /** The file. */
  readonly path: string;
  readonly #identity: string;
  readonly #folder: string;
  readonly #warn: (message: string) => void;
  #table: TuningTable;
  readonly #said = new Set<string>();

  /**
   * Reads what is known of an adapter.
   *
   * @param identity The adapter, its driver and the runtime, in a line; a hash of it is part of the file's name.
   * @throws {DataError} If there is a file that cannot be read.
   */
  constructor(identity: string, { folder = cacheFolder(), warn = () => {} }: TuningFileOptions = {}) {
    const name = identity.split(";")[0].replace(/[^\w.]+/g, " ").trim();
    this.path = `${folder}/tuning ${name} ${formatHash(hashText(identity))}.json`;
    this.#identity = identity;
    this.#folder = folder;
    this.#warn = warn;
    this.#table = this.#read();
  }

  /** All choices that are known. */
  get table(): TuningTable {
    return this.#table;
  }

  /** The choice for a key, if there is one. */
  get(key: string): TunedChoice | undefined {
    return this.#table.get(key);
  }

  /** Keeps a choice. Where the file cannot be written, it holds for this process. */
  set(key: string, choice: TunedChoice): void {
    try {
      this.add([[key, choice]]);
    } catch (error) {
      if (!(error instanceof ResiduaError)) throw error;
      this.#warnOnce(`${error.message}; kernels are timed again the next time`);
    }
  }

  /**
   * Keeps some choices, beside those that other processes have written since.
   *
   * @throws {DataError} If the file cannot be written.
   */
  add(choices: Iterable<readonly [string, TunedChoice]>): void {
    const temporary = `${this.path}.${Deno.pid}`, added = [...choices];
    for (const [key, choice] of added) this.#table.set(key, choice);
    try {
      Deno.mkdirSync(this.#folder, { recursive: true });
      using lock = Deno.openSync(`${this.path}.lock`, { read: true, write: true, create: true });
      lock.lockSync(true);
      this.#table = new TuningTable(this.#identity, [...this.#table.entries(), ...this.#read().entries(), ...added]);
      Deno.writeTextFileSync(temporary, JSON.stringify(this.#table, null, 1));
      Deno.renameSync(temporary, this.path);
    } catch (error) {
      throw explain("the tuner's file", this.path, error);
    }
  }

  /** Forgets all choices. */
  clear(): void {
    for (const path of [this.path, `${this.path}.lock`]) {
      try {
        Deno.removeSync(path);
      } catch (error) {
        if (codeOf(error) !== "ENOENT") throw explain("the tuner's file", path, error);
      }
    }
    this.#table = new TuningTable(this.#identity);
  }

  #warnOnce(message: string): void {
    if (!this.#said.has(message)) this.#warn(message);
    this.#said.add(message);
  }

  #read(): TuningTable {
    try {
      return TuningTable.parse(readTextSync(this.path, "the tuner's file", MOST_BYTES.tuning), this.path);
    } catch (error) {
      if (error instanceof DataError) this.#warnOnce(`${this.path} is damaged; its choices are made anew`);
      else if (codeOf(error) !== "ENOENT") throw explain("the tuner's file", this.path, error);
      return new TuningTable(this.#identity);
    }
  }
}
