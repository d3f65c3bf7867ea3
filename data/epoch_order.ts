/** The order in which epochs visit images. */

import { Random } from "../core/mod.ts";

/**
 * The order in which an epoch visits the images.
 *
 * @param count The number of images.
 * @param seed The seed of the order.
 * @param epoch The epoch, from 0.
 * @param shuffle Whether the order is random, anew each epoch; else that of the files.
 * @param used The images that an epoch uses, as whole batches; the others stand last. Where nothing is shuffled, the next epoch
 * begins with them, so that over epochs each image is used equally often. Defaults to all.
 * @returns Each of 0 to `count` - 1 once.
 *
 * @example
 * ```ts
 * import { epochOrder } from "@residua/residua/data";
 * console.log(epochOrder(3, 0, 0, false)); // Uint32Array(3) [ 0, 1, 2 ]
 * console.log(epochOrder(3, 0, 1, false, 2)); // Uint32Array(3) [ 2, 0, 1 ]
 * ```
 */
export function epochOrder(
  count: number,
  seed: number,
  epoch: number,
  shuffle: boolean,
  used: number = count,
): Uint32Array {
  if (shuffle) return new Random(seed, `order of epoch ${epoch}`).permutation(count);
  const first = epoch * used % count;
  return Uint32Array.from({ length: count }, (_, i) => (first + i) % count);
}
