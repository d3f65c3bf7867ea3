/** The files of a run, in memory. */

import type { RunStore } from "@residua/residua";

/** Keeps whole files by their names; what is only added to, the metrics, is not kept, as the page draws them. */
export class MemoryStore implements RunStore {
  readonly location = "this page";
  readonly #files = new Map<string, Uint8Array>();

  write(name: string, bytes: Uint8Array): Promise<void> {
    this.#files.set(name, bytes);
    return Promise.resolve();
  }

  append(): Promise<void> {
    return Promise.resolve();
  }

  read(name: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#files.get(name));
  }

  copy(from: string, to: string): Promise<void> {
    const bytes = this.#files.get(from);
    if (bytes !== undefined) this.#files.set(to, bytes);
    return Promise.resolve();
  }

  remove(name: string): Promise<void> {
    this.#files.delete(name);
    return Promise.resolve();
  }
}
