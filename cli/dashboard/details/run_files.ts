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
