/** Where the cases of a target come from: its seeds and what was found on the way, changed as its form allows. */

import type { Random } from "../../core/mod.ts";
import { mutateBytes } from "./_mutate_bytes.ts";
import { mutateJson } from "./_mutate_json.ts";
import { mutateText } from "./_mutate_text.ts";
import type { FuzzTarget } from "./_target.ts";

/** An input takes no more bytes. */
export const LONGEST_INPUT = 2 ** 16;

/** Draws the cases of a target. The same seed, inputs and additions give the same cases. */
export class CaseSource {
  /** The inputs that are changed, the seeds first. */
  readonly inputs: Uint8Array[];
  readonly #target: FuzzTarget;
  readonly #random: Random;
  readonly #words: readonly string[];
  readonly #pieces: readonly Uint8Array[];

  /** @param inputs Inputs that were found before, or none. */
  private constructor(
    target: FuzzTarget,
    seeds: readonly Uint8Array[],
    random: Random,
    inputs: readonly Uint8Array[],
  ) {
    this.#target = target;
    this.#random = random;
    this.#words = target.words ?? [];
    this.#pieces = this.#words.map((word) => new TextEncoder().encode(word));
    this.inputs = [...seeds, ...inputs];
  }

  /** The source of a target. */
  static async of(target: FuzzTarget, random: Random, inputs: readonly Uint8Array[] = []): Promise<CaseSource> {
    return new CaseSource(target, await target.seeds(), random, inputs);
  }

  /** The next case. */
  next(): Uint8Array<ArrayBuffer> {
    let input = this.#draw().slice();
    // Mostly one change or two, so that most of an input stays right.
    do input = this.#change(input).slice(0, LONGEST_INPUT); while (this.#random.integer(2) === 0);
    return input;
  }

  /** An input, one of the newest half of the time. */
  #draw(): Uint8Array {
    const count = this.inputs.length, newest = Math.ceil(count / 4);
    return this.inputs[
      this.#random.integer(2) === 0 ? count - 1 - this.#random.integer(newest) : this.#random.integer(count)
    ];
  }

  #change(input: Uint8Array): Uint8Array<ArrayBuffer> {
    const random = this.#random, other = this.#draw(), { form } = this.#target;
    if (form === "json" && random.integer(8) !== 0) {
      const changed = mutateJson(input, other, this.#words, random);
      if (changed !== undefined) return changed;
    }
    if (form !== "bytes" && random.integer(4) !== 0) return mutateText(input, this.#pieces, random);
    return mutateBytes(input, other, this.#pieces, random);
  }
}
