/** How large the images of a set are, from a few of them. */

import { median } from "../core/mod.ts";
import type { Dataset } from "./dataset.ts";

/** How many images are looked at to know the size of a typical one. */
const IMAGES_MEASURED = 5;

/**
 * The median of the shorter sides of a few images, spread evenly.
 *
 * @param dataset The images, by their number and what reads one; those that cannot be read are passed over.
 * @returns Pixels; infinity where none of them can be read.
 *
 * @example
 * ```ts
 * import { typicalSide } from "@residua/residua/data";
 * const read = (index: number) => ({ width: 640, height: 300 + index, pixels: new Uint8Array(640 * (300 + index) * 3) });
 * console.log(await typicalSide({ count: 5, read })); // 302
 * ```
 */
export async function typicalSide(dataset: Pick<Dataset, "count" | "read">): Promise<number> {
  const sides: number[] = [], measured = Math.min(IMAGES_MEASURED, dataset.count);
  for (let k = 0; k < measured; k++) {
    try {
      const { width, height } = await dataset.read(Math.floor(k * dataset.count / measured));
      sides.push(Math.min(width, height));
    } catch {
      // Training names a damaged image when it comes to it.
    }
  }
  return sides.length === 0 ? Infinity : median(sides);
}
