/** Padded copies of image planes, so that kernels read neighbours without bounds checks. */

import { at, clear } from "./simd";

/**
 * Copies rows [first, first + rows) of an image plane, `left` columns to the right, into a plane of `stride` floats a
 * row; elements outside the image are zero. It may read 12 bytes beyond the image. `stride` is at least the columns + 4.
 */
export function copyPadded(
  source: usize, height: i32, width: i32, first: i32, left: i32, rows: i32, target: usize, stride: i32,
): void {
  const zero = f32x4.splat(0);
  for (let r = 0; r < rows; r++) {
    const y = first + r, end = at(target, stride);
    if (y < 0 || y >= height) clear(target, stride);
    else {
      let to = target, from = at(source, y * width);
      const start = at(target, left), stop = at(start, width);
      for (; to < start; to += 16) v128.store(to, zero);
      for (to = start; to < stop; to += 16) {
        v128.store(to, v128.load(from));
        from += 16;
      }
      for (to = stop; to + 16 <= end; to += 16) v128.store(to, zero);
      for (; to < end; to += 4) store<f32>(to, 0);
    }
    target = end;
  }
}
