/** Places values in one block of memory, so that values that are alive at the same time do not overlap. */

import type { Lifetime } from "../plan/assign_buffers.ts";

/** The offset of each value. */
export interface Arena {
  /** The offset of each value's first byte, in the order of the values. */
  readonly offsets: readonly number[];
  /** The size of the block. */
  readonly bytes: number;
}

/** Every offset is a multiple of a cache line. */
const ALIGNMENT = 64;

/**
 * Places values from the largest to the smallest, each in the tightest gap that is free all its life (greedy by size,
 * Pisarchyk and Lee 2020, "Efficient Memory Management for Deep Neural Net Inference", section 5).
 *
 * @param values The values. Of two of one size, the earlier is placed first.
 *
 * @example
 * ```ts
 * import { placeInArena } from "./arena.ts";
 * const values = [{ first: 0, last: 1, bytes: 64 }, { first: 1, last: 2, bytes: 128 }, { first: 2, last: 3, bytes: 64 }];
 * console.log(placeInArena(values)); // { offsets: [ 128, 0, 128 ], bytes: 192 }
 * ```
 */
export function placeInArena(values: readonly Lifetime[]): Arena {
  const order = values.map((_, index) => index).sort((a, b) => values[b].bytes - values[a].bytes || a - b);
  const offsets = new Array<number>(values.length);
  // In the order of their offsets.
  const placed: { readonly first: number; readonly last: number; readonly start: number; readonly end: number }[] = [];
  let total = 0;
  for (const index of order) {
    const { first, last, bytes } = values[index], size = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    let best = -1, tightest = Infinity, free = 0;
    for (const other of placed) {
      if (other.last < first || other.first > last) continue;
      const gap = other.start - free;
      if (gap >= size && gap < tightest) [best, tightest] = [free, gap];
      free = Math.max(free, other.end);
    }
    const start = best >= 0 ? best : free, end = start + size;
    offsets[index] = start;
    total = Math.max(total, end);
    let at = placed.length;
    while (at > 0 && placed[at - 1].start > start) at--;
    placed.splice(at, 0, { first, last, start, end });
  }
  return { offsets, bytes: total };
}
