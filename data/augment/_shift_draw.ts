/** How images are cropped within padding and mirrored: by one block of the generator for each. */

import { philox } from "../../core/mod.ts";
import type { Shift } from "../_tensor_writer.ts";
import type { Augmentation } from "./augmentation.ts";

/** The stream of crops and mirroring, apart from those that are named. */
const SHIFT_STREAM = 0x61756721;

/** Draws how images are cropped and mirrored, without allocating anything. */
export class ShiftDraw {
  readonly #padding: number;
  readonly #flip: boolean;
  readonly #key: Uint32Array;
  readonly #words = new Uint32Array(4);
  readonly #counter = new Uint32Array(4);
  readonly #shift: Shift = { down: 0, right: 0, mirrored: false };

  /** @param seed The seed of the changes. */
  constructor({ padding, flip }: Pick<Augmentation, "padding" | "flip">, seed: number) {
    this.#padding = padding;
    this.#flip = flip;
    this.#key = Uint32Array.of(seed, SHIFT_STREAM);
  }

  /** The shift of an image in an epoch, which the next call overwrites. */
  draw(index: number, epoch: number): Shift {
    if (this.#padding === 0 && !this.#flip) return this.#shift;
    this.#counter[0] = index;
    this.#counter[1] = epoch;
    philox(this.#counter, this.#key, this.#words);
    this.#shift.down = this.#words[0] % (2 * this.#padding + 1) - this.#padding;
    this.#shift.right = this.#words[1] % (2 * this.#padding + 1) - this.#padding;
    this.#shift.mirrored = this.#flip && (this.#words[2] & 1) === 1;
    return this.#shift;
  }
}
