/** Which values share a buffer: those whose lives do not overlap. A buffer is a whole allocation, as large as its largest value. */

/** A value that needs memory from one node to another, both included. */
export interface Lifetime {
  /** The number of the node that computes it. */
  readonly first: number;
  /** The number of the last node that reads it. */
  readonly last: number;
  /** Its size. */
  readonly bytes: number;
}

/** Which buffer each value has, and how large they are. */
export interface Assignment {
  /** The number of each value's buffer, in the order of the values. */
  readonly buffers: readonly number[];
  /** The bytes of each buffer. */
  readonly sizes: readonly number[];
}

/**
 * Assigns buffers in two ways, and takes the one that needs less: values from the largest to the smallest, each to the
 * free buffer that stays idle the shortest time around it (greedy by size for shared objects, Pisarchyk and Lee 2020,
 * "Efficient Memory Management for Deep Neural Net Inference"); and values in the order of execution, each to the buffer that
 * fits best.
 *
 * @param values The values in the order in which they are computed.
 *
 * @example
 * ```ts
 * import { assignBuffers } from "./assign_buffers.ts";
 * const values = [{ first: 0, last: 1, bytes: 8 }, { first: 1, last: 2, bytes: 16 }, { first: 2, last: 3, bytes: 4 }];
 * console.log(assignBuffers(values).sizes); // [ 16, 8 ]
 * ```
 */
export function assignBuffers(values: readonly Lifetime[]): Assignment {
  const offline = assignBySize(values), online = assignInOrder(values);
  return sum(online.sizes) < sum(offline.sizes) ? online : offline;
}

/** The most bytes that are alive at once: what no assignment can do without. */
export function liveBytesPeak(values: readonly Lifetime[]): number {
  const changes = new Map<number, number>();
  const change = (at: number, bytes: number) => changes.set(at, (changes.get(at) ?? 0) + bytes);
  for (const { first, last, bytes } of values) {
    change(first, bytes);
    change(last + 1, -bytes);
  }
  let live = 0, peak = 0;
  for (const at of [...changes.keys()].sort((a, b) => a - b)) {
    live += changes.get(at)!;
    peak = Math.max(peak, live);
  }
  return peak;
}

function assignBySize(values: readonly Lifetime[]): Assignment {
  const order = values.map((_, index) => index).sort((a, b) => values[b].bytes - values[a].bytes || a - b);
  const buffers = new Array<number>(values.length), sizes: number[] = [];
  // The values of each buffer, in the order of their lives.
  const tenants: Lifetime[][] = [];
  for (const index of order) {
    const value = values[index];
    let best = -1, leastIdle = Infinity, place = 0;
    tenants.forEach((lives, buffer) => {
      const at = placeIn(lives, value);
      if (at < 0) return;
      const idle = Math.min(
        value.first - (lives[at - 1]?.last ?? -Infinity),
        (lives[at]?.first ?? Infinity) - value.last,
      );
      // Later buffers are smaller or as large, so that of equals the last one fits best.
      if (sizes[buffer] < sizes[best] || best < 0 || (sizes[buffer] === sizes[best] && idle < leastIdle)) {
        [best, leastIdle, place] = [buffer, idle, at];
      }
    });
    if (best < 0) {
      best = sizes.push(value.bytes) - 1;
      tenants.push([]);
      place = 0;
    }
    tenants[best].splice(place, 0, value);
    buffers[index] = best;
  }
  return { buffers, sizes };
}

/** Where in a buffer's lives a value's has room, or -1 if it overlaps one. */
function placeIn(lives: readonly Lifetime[], { first, last }: Lifetime): number {
  let low = 0, high = lives.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lives[middle].first < first) low = middle + 1;
    else high = middle;
  }
  const before = lives[low - 1], after = lives[low];
  return (before !== undefined && before.last >= first) || (after !== undefined && after.first <= last) ? -1 : low;
}

function assignInOrder(values: readonly Lifetime[]): Assignment {
  const buffers: number[] = [], sizes: number[] = [], ends: number[] = [];
  for (const { first, last, bytes } of values) {
    let best = -1, largest = -1;
    ends.forEach((end, buffer) => {
      if (end >= first) return;
      if (sizes[buffer] >= bytes && (best < 0 || sizes[buffer] < sizes[best])) best = buffer;
      if (largest < 0 || sizes[buffer] > sizes[largest]) largest = buffer;
    });
    const buffer = best >= 0 ? best : largest >= 0 ? largest : sizes.length;
    sizes[buffer] = Math.max(sizes[buffer] ?? 0, bytes);
    ends[buffer] = last;
    buffers.push(buffer);
  }
  return { buffers, sizes };
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}
