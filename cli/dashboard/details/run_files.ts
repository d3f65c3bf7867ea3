/** The files of runs as details need them: within the folder of runs alone, and each read once for as long as it stays. */

import { RequestError } from "../answers.ts";
import { runFile } from "../find_runs.ts";
import type { Run } from "../run.ts";

/** Reads the files of runs. */
export class RunFiles {
  /** The folder of runs, as the system names it. */
  readonly root: string;

  /** @param root The folder of runs, as the system names it. */
  constructor(root: string) {
    this.root = root;
  }

  /** A run's folder. */
  folder({ path }: Run): string {
    return path === "." ? this.root : `${this.root}/${path}`;
  }

  /**
   * The path of a file, and by what it is known again.
   *
   * @param why What to say where there is none.
   * @throws {RequestError} If there is none.
   */
  async find(run: Run, name: string, why: string): Promise<{ readonly path: string; readonly key: string }> {
    const path = await runFile(this.root, run.path, name);
    if (path === undefined) throw new RequestError(404, why);
    const { mtime, size } = await Deno.stat(path);
    return { path, key: `${path} ${mtime?.getTime()} ${size}` };
  }
}

/** What details tell of a file of runs. */
export interface RunFileKind<T> {
  /** The file's name. */
  readonly name: string;
  /** What to say where there is none. */
  readonly none: string;
  /** Of how many runs it is kept. */
  readonly most: number;
  /** Reads it; `key` is by what it is known again. */
  read(folder: string, file: { readonly path: string; readonly key: string }): Promise<T>;
}

/** Reads a file of runs, and keeps what was read last for as long as it stays. */
export class RunFileReader<T> {
  readonly #files: RunFiles;
  readonly #kind: RunFileKind<T>;
  readonly #recent: Recent<T>;

  /** Reads nothing yet. */
  constructor(files: RunFiles, kind: RunFileKind<T>) {
    this.#files = files;
    this.#kind = kind;
    this.#recent = new Recent<T>(kind.most);
  }

  /**
   * What a run's file holds.
   *
   * @throws {RequestError} If there is none yet.
   * @throws {DataError} If it is damaged.
   */
  async of(run: Run): Promise<T> {
    const { name, none } = this.#kind, file = await this.#files.find(run, name, none);
    return await this.#recent.get(file.key, () => this.#kind.read(this.#files.folder(run), file));
  }
}

/** Keeps the last few values that were made, by keys. */
export class Recent<T> {
  readonly #values = new Map<string, Promise<T>>();
  readonly #most: number;
  readonly #release: (value: T) => void;

  /**
   * @param most How many are kept.
   * @param release Gives back what a value holds, when it is kept no more.
   */
  constructor(most: number, release: (value: T) => void = () => {}) {
    this.#most = most;
    this.#release = release;
  }

  /** The value of a key, made if it is not kept. One that cannot be made is asked for again the next time. */
  get(key: string, make: () => Promise<T>): Promise<T> {
    let value = this.#values.get(key);
    this.#values.delete(key);
    if (value === undefined) {
      value = make();
      value.catch(() => this.#values.get(key) === value && this.#values.delete(key));
    }
    this.#values.set(key, value);
    for (const [other, old] of [...this.#values].slice(0, -this.#most)) {
      this.#values.delete(other);
      old.then(this.#release, () => {});
    }
    return value;
  }

  /** Keeps none any more. */
  clear(): void {
    for (const value of this.#values.values()) value.then(this.#release, () => {});
    this.#values.clear();
  }
}
