/** The part of an epoch's images that a rank visits. */

/**
 * The images that a rank visits in an epoch: of each batch of all ranks together, a part of its own, in the order of the ranks.
 * So the batches of all ranks are those that one rank has, and what does not fill a batch of all is left out.
 *
 * @param order The order in which the epoch visits the images.
 * @param batch Images in a batch of all ranks; a multiple of `size`.
 * @param rank The rank, from 0.
 * @param size The number of ranks.
 *
 * @example
 * ```ts
 * import { rankOrder } from "@residua/residua/data";
 * const order = Uint32Array.of(4, 0, 3, 1, 2);
 * console.log(rankOrder(order, 2, 0, 2), rankOrder(order, 2, 1, 2)); // Uint32Array(2) [ 4, 3 ] Uint32Array(2) [ 0, 1 ]
 * ```
 */
export function rankOrder(order: Uint32Array, batch: number, rank: number, size: number): Uint32Array {
  const own = batch / size, batches = Math.floor(order.length / batch);
  return Uint32Array.from(
    { length: batches * own },
    (_, k) => order[Math.floor(k / own) * batch + rank * own + k % own],
  );
}
