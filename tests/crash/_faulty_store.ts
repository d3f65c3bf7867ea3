/** A run store whose process dies, or whose disk is full, at one of its operations. */

import { DataError } from "../../core/mod.ts";
import type { RunStore } from "../../train/mod.ts";

/**
 * What happens at the operation: the process dies `before` it or `after` it, or in the middle of it, so that of what is added to
 * a file a part is there (`torn`); or the disk is `full` from then on.
 */
export const FAULTS = ["before", "after", "torn", "full"] as const;

/** One of {@link FAULTS}. */
export type Fault = (typeof FAULTS)[number];

/** The end of a process: nothing that it does afterwards has an effect. */
export class Killed extends Error {}

/** Counts the operations that change something, and lets one of them go wrong. */
export class FaultyStore implements RunStore {
  readonly location: string;
  readonly #store: RunStore;
  readonly #at: number;
  readonly #fault: Fault;
  /** The operations so far. */
  count = 0;

  /**
   * @param store What it keeps files in.
   * @param at The number of the operation, from 1. Defaults to none.
   * @param fault What happens there.
   */
  constructor(store: RunStore, at = Infinity, fault: Fault = "before") {
    this.location = store.location;
    this.#store = store;
    this.#at = at;
    this.#fault = fault;
  }

  write(name: string, bytes: Uint8Array): Promise<void> {
    return this.#change(() => this.#store.write(name, bytes), () => this.#store.write(`${name}.new`, bytes.slice(9)));
  }

  append(name: string, text: string): Promise<void> {
    const half = text.slice(0, text.length >> 1);
    return this.#change(() => this.#store.append(name, text), () => this.#store.append(name, half));
  }

  copy(from: string, to: string): Promise<void> {
    return this.#change(() => this.#store.copy(from, to), () => this.#store.copy(from, `${to}.new`));
  }

  remove(name: string): Promise<void> {
    return this.#change(() => this.#store.remove(name));
  }

  read(name: string): Promise<Uint8Array | undefined> {
    if (this.count >= this.#at && this.#fault !== "full") throw new Killed();
    return this.#store.read(name);
  }

  async #change(whole: () => Promise<void>, half: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    const late = this.count >= this.#at;
    if (++this.count < this.#at) return await whole();
    if (this.#fault === "full") throw new DataError("the disk is full");
    if (!late && this.#fault === "after") await whole();
    if (!late && this.#fault === "torn") await half();
    throw new Killed();
  }
}
