/** The order in which epochs visit images. */

import { Random } from "../core/mod.ts";

/**
 * The order in which an epoch visits the images.
 *
 * @param count The number of images.
 * @param seed The seed of the order.
 * @param epoch The epoch, from 0.
 * @param shuffle Whether the order is random, anew each epoch; else that of the files.
 * @returns Each of 0 to `count` - 1 once.
 *
 * @example
 * ```ts
 * import { epochOrder } from "@residua/residua/data";
 * console.log(epochOrder(3, 0, 0, false)); // Uint32Array(3) [ 0, 1, 2 ]
 * ```
 */
export function epochOrder(count: number, seed: number, epoch: number, shuffle: boolean): Uint32Array {
  return shuffle
    ? new Random(seed, `order of epoch ${epoch}`).permutation(count)
    : Uint32Array.from({ length: count }, (_, i) => i);
}
