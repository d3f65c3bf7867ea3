/**
 * The weight gradients of depthwise convolutions of 3x3 kernels, stride 1 and padding 1. Three or four rows of four
 * elements of dy meet the rows of x that they see. The lanes of a vector are neighbours of a row, and are added up by
 * the caller.
 */

import { leftOf, rightOf } from "./depthwise3x3_columns";
import { firstLanes, multiplyAdd } from "./simd";

/** Adds nine vectors to those that lie at `sums`. */
// @ts-ignore: decorator
@inline
function addSums(
  sums: usize, s0: v128, s1: v128, s2: v128, s3: v128, s4: v128, s5: v128, s6: v128, s7: v128, s8: v128,
): void {
  v128.store(sums, f32x4.add(v128.load(sums), s0)); v128.store(sums, f32x4.add(v128.load(sums, 16), s1), 16);
  v128.store(sums, f32x4.add(v128.load(sums, 32), s2), 32); v128.store(sums, f32x4.add(v128.load(sums, 48), s3), 48);
  v128.store(sums, f32x4.add(v128.load(sums, 64), s4), 64); v128.store(sums, f32x4.add(v128.load(sums, 80), s5), 80);
  v128.store(sums, f32x4.add(v128.load(sums, 96), s6), 96); v128.store(sums, f32x4.add(v128.load(sums, 112), s7), 112);
  v128.store(sums, f32x4.add(v128.load(sums, 128), s8), 128);
}

/**
 * Adds what the same three or four rows of dy of several images give to the nine vectors of sums. The first `done`
 * rows and the columns that the last tile shares with the one before count once.
 */
// @ts-ignore: decorator
@inline
function sumRows(
  x0: usize, xStep: usize, dy: usize, dyStep: usize, images: i32, height: i32, width: i32, top: i32, done: i32,
  four: bool, zeros: usize, sums: usize,
): void {
  const zero = f32x4.splat(0), step = (<usize> width) << 2, last = (<usize> (width - 4)) << 2;
  const ends = top + (four ? 4 : 3) == height, fresh = v128.not(firstLanes(-width & 3));
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero, s7 = zero, s8 = zero;
  let g0 = zero, g1 = zero, g2 = zero, g3 = zero, c = zero, v = zero;
  x0 += <usize> top * step;
  dy += <usize> top * step;
  for (; images > 0; images--) {
    const r1 = x0, r2 = r1 + step, r0 = top == 0 ? zeros : r1 - step, r3 = r2 + step;
    const r4 = !four && ends ? zeros : r3 + step, r5 = ends ? zeros : r4 + step;
    const y0 = done > 0 ? zeros : dy, y1 = done > 1 ? zeros : dy + step, y2 = dy + 2 * step, y3 = y2 + step;
    if (width == 4) {
      g0 = v128.load(y0); g1 = v128.load(y1); g2 = v128.load(y2);
      if (four) g3 = v128.load(y3);
      c = v128.load(r0); v = leftOf(c, r0, true);
      s0 = multiplyAdd(g0, v, s0);
      s1 = multiplyAdd(g0, c, s1);
      v = rightOf(c, r0, true);
      s2 = multiplyAdd(g0, v, s2);
      c = v128.load(r1); v = leftOf(c, r1, true);
      s3 = multiplyAdd(g0, v, s3); s0 = multiplyAdd(g1, v, s0);
      s4 = multiplyAdd(g0, c, s4); s1 = multiplyAdd(g1, c, s1);
      v = rightOf(c, r1, true);
      s5 = multiplyAdd(g0, v, s5); s2 = multiplyAdd(g1, v, s2);
      c = v128.load(r2); v = leftOf(c, r2, true);
      s6 = multiplyAdd(g0, v, s6); s3 = multiplyAdd(g1, v, s3); s0 = multiplyAdd(g2, v, s0);
      s7 = multiplyAdd(g0, c, s7); s4 = multiplyAdd(g1, c, s4); s1 = multiplyAdd(g2, c, s1);
      v = rightOf(c, r2, true);
      s8 = multiplyAdd(g0, v, s8); s5 = multiplyAdd(g1, v, s5); s2 = multiplyAdd(g2, v, s2);
      c = v128.load(r3); v = leftOf(c, r3, true);
      s6 = multiplyAdd(g1, v, s6); s3 = multiplyAdd(g2, v, s3); if (four) s0 = multiplyAdd(g3, v, s0);
      s7 = multiplyAdd(g1, c, s7); s4 = multiplyAdd(g2, c, s4); if (four) s1 = multiplyAdd(g3, c, s1);
      v = rightOf(c, r3, true);
      s8 = multiplyAdd(g1, v, s8); s5 = multiplyAdd(g2, v, s5); if (four) s2 = multiplyAdd(g3, v, s2);
      c = v128.load(r4); v = leftOf(c, r4, true);
      s6 = multiplyAdd(g2, v, s6); if (four) s3 = multiplyAdd(g3, v, s3);
      s7 = multiplyAdd(g2, c, s7); if (four) s4 = multiplyAdd(g3, c, s4);
      v = rightOf(c, r4, true);
      s8 = multiplyAdd(g2, v, s8); if (four) s5 = multiplyAdd(g3, v, s5);
      if (four) {
        c = v128.load(r5); v = leftOf(c, r5, true);
        s6 = multiplyAdd(g3, v, s6);
        s7 = multiplyAdd(g3, c, s7);
        v = rightOf(c, r5, true);
        s8 = multiplyAdd(g3, v, s8);
      }
    } else {
      g0 = v128.load(y0); g1 = v128.load(y1); g2 = v128.load(y2);
      if (four) g3 = v128.load(y3);
      c = v128.load(r0); v = leftOf(c, r0, true);
      s0 = multiplyAdd(g0, v, s0);
      s1 = multiplyAdd(g0, c, s1);
      v = rightOf(c, r0, false);
      s2 = multiplyAdd(g0, v, s2);
      c = v128.load(r1); v = leftOf(c, r1, true);
      s3 = multiplyAdd(g0, v, s3); s0 = multiplyAdd(g1, v, s0);
      s4 = multiplyAdd(g0, c, s4); s1 = multiplyAdd(g1, c, s1);
      v = rightOf(c, r1, false);
      s5 = multiplyAdd(g0, v, s5); s2 = multiplyAdd(g1, v, s2);
      c = v128.load(r2); v = leftOf(c, r2, true);
      s6 = multiplyAdd(g0, v, s6); s3 = multiplyAdd(g1, v, s3); s0 = multiplyAdd(g2, v, s0);
      s7 = multiplyAdd(g0, c, s7); s4 = multiplyAdd(g1, c, s4); s1 = multiplyAdd(g2, c, s1);
      v = rightOf(c, r2, false);
      s8 = multiplyAdd(g0, v, s8); s5 = multiplyAdd(g1, v, s5); s2 = multiplyAdd(g2, v, s2);
      c = v128.load(r3); v = leftOf(c, r3, true);
      s6 = multiplyAdd(g1, v, s6); s3 = multiplyAdd(g2, v, s3); if (four) s0 = multiplyAdd(g3, v, s0);
      s7 = multiplyAdd(g1, c, s7); s4 = multiplyAdd(g2, c, s4); if (four) s1 = multiplyAdd(g3, c, s1);
      v = rightOf(c, r3, false);
      s8 = multiplyAdd(g1, v, s8); s5 = multiplyAdd(g2, v, s5); if (four) s2 = multiplyAdd(g3, v, s2);
      c = v128.load(r4); v = leftOf(c, r4, true);
      s6 = multiplyAdd(g2, v, s6); if (four) s3 = multiplyAdd(g3, v, s3);
      s7 = multiplyAdd(g2, c, s7); if (four) s4 = multiplyAdd(g3, c, s4);
      v = rightOf(c, r4, false);
      s8 = multiplyAdd(g2, v, s8); if (four) s5 = multiplyAdd(g3, v, s5);
      if (four) {
        c = v128.load(r5); v = leftOf(c, r5, true);
        s6 = multiplyAdd(g3, v, s6);
        s7 = multiplyAdd(g3, c, s7);
        v = rightOf(c, r5, false);
        s8 = multiplyAdd(g3, v, s8);
      }
      let x: usize = 16;
      for (; x < last; x += 16) {
        g0 = v128.load(y0 + x); g1 = v128.load(y1 + x); g2 = v128.load(y2 + x);
        if (four) g3 = v128.load(y3 + x);
        c = v128.load(r0 + x); v = leftOf(c, r0 + x, false);
        s0 = multiplyAdd(g0, v, s0);
        s1 = multiplyAdd(g0, c, s1);
        v = rightOf(c, r0 + x, false);
        s2 = multiplyAdd(g0, v, s2);
        c = v128.load(r1 + x); v = leftOf(c, r1 + x, false);
        s3 = multiplyAdd(g0, v, s3); s0 = multiplyAdd(g1, v, s0);
        s4 = multiplyAdd(g0, c, s4); s1 = multiplyAdd(g1, c, s1);
        v = rightOf(c, r1 + x, false);
        s5 = multiplyAdd(g0, v, s5); s2 = multiplyAdd(g1, v, s2);
        c = v128.load(r2 + x); v = leftOf(c, r2 + x, false);
        s6 = multiplyAdd(g0, v, s6); s3 = multiplyAdd(g1, v, s3); s0 = multiplyAdd(g2, v, s0);
        s7 = multiplyAdd(g0, c, s7); s4 = multiplyAdd(g1, c, s4); s1 = multiplyAdd(g2, c, s1);
        v = rightOf(c, r2 + x, false);
        s8 = multiplyAdd(g0, v, s8); s5 = multiplyAdd(g1, v, s5); s2 = multiplyAdd(g2, v, s2);
        c = v128.load(r3 + x); v = leftOf(c, r3 + x, false);
        s6 = multiplyAdd(g1, v, s6); s3 = multiplyAdd(g2, v, s3); if (four) s0 = multiplyAdd(g3, v, s0);
        s7 = multiplyAdd(g1, c, s7); s4 = multiplyAdd(g2, c, s4); if (four) s1 = multiplyAdd(g3, c, s1);
        v = rightOf(c, r3 + x, false);
        s8 = multiplyAdd(g1, v, s8); s5 = multiplyAdd(g2, v, s5); if (four) s2 = multiplyAdd(g3, v, s2);
        c = v128.load(r4 + x); v = leftOf(c, r4 + x, false);
        s6 = multiplyAdd(g2, v, s6); if (four) s3 = multiplyAdd(g3, v, s3);
        s7 = multiplyAdd(g2, c, s7); if (four) s4 = multiplyAdd(g3, c, s4);
        v = rightOf(c, r4 + x, false);
        s8 = multiplyAdd(g2, v, s8); if (four) s5 = multiplyAdd(g3, v, s5);
        if (four) {
          c = v128.load(r5 + x); v = leftOf(c, r5 + x, false);
          s6 = multiplyAdd(g3, v, s6);
          s7 = multiplyAdd(g3, c, s7);
          v = rightOf(c, r5 + x, false);
          s8 = multiplyAdd(g3, v, s8);
        }
      }
      x = last;
      g0 = v128.and(v128.load(y0 + x), fresh); g1 = v128.and(v128.load(y1 + x), fresh); g2 = v128.and(v128.load(y2 + x), fresh);
      if (four) g3 = v128.and(v128.load(y3 + x), fresh);
      c = v128.load(r0 + x); v = leftOf(c, r0 + x, false);
      s0 = multiplyAdd(g0, v, s0);
      s1 = multiplyAdd(g0, c, s1);
      v = rightOf(c, r0 + x, true);
      s2 = multiplyAdd(g0, v, s2);
      c = v128.load(r1 + x); v = leftOf(c, r1 + x, false);
      s3 = multiplyAdd(g0, v, s3); s0 = multiplyAdd(g1, v, s0);
      s4 = multiplyAdd(g0, c, s4); s1 = multiplyAdd(g1, c, s1);
      v = rightOf(c, r1 + x, true);
      s5 = multiplyAdd(g0, v, s5); s2 = multiplyAdd(g1, v, s2);
      c = v128.load(r2 + x); v = leftOf(c, r2 + x, false);
      s6 = multiplyAdd(g0, v, s6); s3 = multiplyAdd(g1, v, s3); s0 = multiplyAdd(g2, v, s0);
      s7 = multiplyAdd(g0, c, s7); s4 = multiplyAdd(g1, c, s4); s1 = multiplyAdd(g2, c, s1);
      v = rightOf(c, r2 + x, true);
      s8 = multiplyAdd(g0, v, s8); s5 = multiplyAdd(g1, v, s5); s2 = multiplyAdd(g2, v, s2);
      c = v128.load(r3 + x); v = leftOf(c, r3 + x, false);
      s6 = multiplyAdd(g1, v, s6); s3 = multiplyAdd(g2, v, s3); if (four) s0 = multiplyAdd(g3, v, s0);
      s7 = multiplyAdd(g1, c, s7); s4 = multiplyAdd(g2, c, s4); if (four) s1 = multiplyAdd(g3, c, s1);
      v = rightOf(c, r3 + x, true);
      s8 = multiplyAdd(g1, v, s8); s5 = multiplyAdd(g2, v, s5); if (four) s2 = multiplyAdd(g3, v, s2);
      c = v128.load(r4 + x); v = leftOf(c, r4 + x, false);
      s6 = multiplyAdd(g2, v, s6); if (four) s3 = multiplyAdd(g3, v, s3);
      s7 = multiplyAdd(g2, c, s7); if (four) s4 = multiplyAdd(g3, c, s4);
      v = rightOf(c, r4 + x, true);
      s8 = multiplyAdd(g2, v, s8); if (four) s5 = multiplyAdd(g3, v, s5);
      if (four) {
        c = v128.load(r5 + x); v = leftOf(c, r5 + x, false);
        s6 = multiplyAdd(g3, v, s6);
        s7 = multiplyAdd(g3, c, s7);
        v = rightOf(c, r5 + x, true);
        s8 = multiplyAdd(g3, v, s8);
      }
    }
    x0 += xStep;
    dy += dyStep;
  }
  addSums(sums, s0, s1, s2, s3, s4, s5, s6, s7, s8);
}

/**
 * Adds the gradients of a kernel from planes of several images to nine vectors of sums. `xStep` and `dyStep` bytes lie
 * between the planes, `zeros` is a row of zeros.
 */
export function sumPlanes(
  x0: usize, xStep: usize, dy: usize, dyStep: usize, images: i32, height: i32, width: i32, zeros: usize, sums: usize,
): void {
  let y = 0;
  for (; y + 6 <= height || y + 4 == height; y += 4) {
    sumRows(x0, xStep, dy, dyStep, images, height, width, y, 0, true, zeros, sums);
  }
  for (; y < height; y += 3) {
    const top = min(y, height - 3);
    sumRows(x0, xStep, dy, dyStep, images, height, width, top, y - top, false, zeros, sums);
  }
}
