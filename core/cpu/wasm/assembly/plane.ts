/** Padded copies of image planes, so that kernels read neighbours without asking where a plane ends. */

import { at } from "./simd";

/**
 * Copies rows [first, first + rows) of an image plane, `left` columns to the right, into a plane of `stride` floats a
 * row. Elements outside the image stay what they are: zeros, which the caller stores once for all planes of one geometry.
 * It may read 12 bytes beyond the image. `stride` is at least the columns + 4.
 */
export function copyInto(
  source: usize, height: i32, width: i32, first: i32, left: i32, rows: i32, target: usize, stride: i32,
): void {
  const top = max(0, -first), end = min(rows, height - first), bytes = (<usize> width) << 2;
  let from = at(source, (first + top) * width), to = at(target, top * stride + left);
  for (let r = top; r < end; r++) {
    for (let x: usize = 0; x < bytes; x += 16) v128.store(to + x, v128.load(from + x));
    // The last vector may have overrun the row.
    if ((width & 3) != 0) v128.store(to + bytes, f32x4.splat(0));
    from += bytes;
    to = at(to, stride);
  }
}
