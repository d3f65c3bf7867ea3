/** How large an image must be read, so that a decoder may give a photograph at a smaller size than it was taken. */

import type { Augmentation } from "./augment/augmentation.ts";
import { defaultPreprocessing, type Preprocessing } from "./preprocessing.ts";
import type { LeastSize } from "./read_options.ts";

/** An image is read at twice the size at which it is used, so that resizing it smooths what a decoder left jagged. */
const MARGIN = 2;

/** The narrowest crop of `area` is 3/4 as wide as it is high, or as high as it is wide. */
const NARROWEST = 3 / 4;

/**
 * The least size at which images may be read that are changed so: twice the size to which they are resized whole; where
 * parts of them are resized, such that the smallest part that may be drawn is no smaller than what becomes of it.
 *
 * @param shape Channels, height and width of the tensors.
 * @param augmentation The random changes. Defaults to none.
 * @param preprocessing How whole images are resized. Defaults to the usual way for the shape.
 *
 * @example
 * ```ts
 * import { leastSize } from "@residua/residua/data";
 * console.log(leastSize([3, 224, 224])); // { side: 512, pixels: 0 }
 * ```
 */
export function leastSize(
  shape: readonly [number, number, number],
  { scale, area }: Pick<Augmentation, "scale" | "area"> = {},
  preprocessing: Pick<Preprocessing, "resize"> = defaultPreprocessing(shape),
): LeastSize {
  const size = Math.max(shape[1], shape[2]);
  if (scale !== undefined) return { side: MARGIN * scale[1], pixels: 0 };
  if (area === undefined) return { side: MARGIN * preprocessing.resize, pixels: 0 };
  return { side: MARGIN * size, pixels: Math.ceil(size * size / (area[0] * NARROWEST)) };
}
