/** Assigns buffers to values: values whose lifetimes do not overlap share one, which is as large as its largest value. */

/** The lifetime of a value: the nodes from one to another, both included, during which it needs memory. */
export interface Lifetime {
  /** The index of the node that computes it. */
  readonly first: number;
  /** The index of the last node that reads it. */
  readonly last: number;
  /** The bytes that it needs. */
  readonly bytes: number;
}

/** The buffer of each value. */
export interface Assignment {
  /** The index of each value's buffer, in the order of the values. */
  readonly buffers: readonly number[];
  /** The bytes of each buffer. */
  readonly sizes: readonly number[];
}

/**
 * Assigns buffers in two ways and takes the assignment of fewer bytes. First: values from the largest to the smallest, each to
 * the free buffer that is idle for the shortest time around it (greedy by size for shared objects, Pisarchyk and Lee 2020,
 * "Efficient Memory Management for Deep Neural Net Inference"). Second: values in the order of execution, each to the free
 * buffer that fits best.
 *
 * @param values The values in the order in which they are computed.
 *
 * @example
 * ```ts
 * import { assignBuffers } from "@residua/residua/core";
 * const values = [{ first: 0, last: 1, bytes: 8 }, { first: 1, last: 2, bytes: 16 }, { first: 2, last: 3, bytes: 4 }];
 * console.log(assignBuffers(values).sizes); // [ 16, 8 ]
 * ```
 */
export function assignBuffers(values: readonly Lifetime[]): Assignment {
  const offline = assignBySize(values), online = assignInOrder(values);
  return sum(online.sizes) < sum(offline.sizes) ? online : offline;
}

/** The most bytes that are alive at once: a lower bound of every assignment. */
export function liveBytesPeak(values: readonly Lifetime[]): number {
  const changes = new Map<number, number>();
  const change = (node: number, bytes: number) => changes.set(node, (changes.get(node) ?? 0) + bytes);
  for (const { first, last, bytes } of values) {
    change(first, bytes);
    change(last + 1, -bytes);
  }
  let live = 0, peak = 0;
  for (const node of [...changes.keys()].sort((a, b) => a - b)) {
    live += changes.get(node)!;
    peak = Math.max(peak, live);
  }
  return peak;
}

function assignBySize(values: readonly Lifetime[]): Assignment {
  const order = values.map((_, index) => index).sort((a, b) => values[b].bytes - values[a].bytes || a - b);
  const buffers = new Array<number>(values.length), sizes: number[] = [];
  // The lifetimes of each buffer's values, in the order of execution.
  const tenants: Lifetime[][] = [];
  for (const index of order) {
    const value = values[index];
    let best = -1, leastIdle = Infinity, bestSlot = 0;
    tenants.forEach((lives, buffer) => {
      const slot = slotIn(lives, value);
      if (slot < 0) return;
      const idle = Math.min(
        value.first - (lives[slot - 1]?.last ?? -Infinity),
        (lives[slot]?.first ?? Infinity) - value.last,
      );
      // All buffers are large enough. Later ones are no larger, so the last one fits best.
      if (sizes[buffer] < sizes[best] || best < 0 || (sizes[buffer] === sizes[best] && idle < leastIdle)) {
        [best, leastIdle, bestSlot] = [buffer, idle, slot];
      }
    });
    if (best < 0) {
      best = sizes.push(value.bytes) - 1;
      tenants.push([]);
      bestSlot = 0;
    }
    tenants[best].splice(bestSlot, 0, value);
    buffers[index] = best;
  }
  return { buffers, sizes };
}

/** The index in a buffer's sorted lifetimes at which another one has room, or -1 if it overlaps one of them. */
function slotIn(lives: readonly Lifetime[], { first, last }: Lifetime): number {
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
