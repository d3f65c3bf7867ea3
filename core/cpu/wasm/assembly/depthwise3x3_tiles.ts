/**
 * The tiles of depthwise convolutions of 3x3 kernels, stride 1 and padding 1: three or four rows of eight or of four
 * outputs from the rows of inputs that they see. The lanes of a vector are neighbours of a row. An engine that checks
 * the bounds of each load spends two instructions on the check, so neighbours are taken from vectors that are there
 * already. Eight outputs of a row give six sums at a time to add to, enough to hide much of a multiply-add's latency.
 */

import { clampVector } from "./epilogue";
import { multiplyAdd } from "./simd";

/** The left neighbours of `c`, four elements of a row at `r`. Left of the plane lies a zero. */
// @ts-ignore: decorator
@inline
export function leftOf(c: v128, r: usize, isFirst: bool): v128 {
  return isFirst ? v128.shuffle<f32>(f32x4.splat(0), c, 3, 4, 5, 6) : v128.load(r - 4);
}

/** The right neighbours, likewise. */
// @ts-ignore: decorator
@inline
export function rightOf(c: v128, r: usize, isLast: bool): v128 {
  return isLast ? v128.shuffle<f32>(c, f32x4.splat(0), 1, 2, 3, 4) : v128.load(r, 4);
}

/** Four outputs of each row. `left` and `right` say that the plane ends there. */
// @ts-ignore: decorator
@inline
function narrowTile(
  r0: usize, r1: usize, r2: usize, r3: usize, r4: usize, r5: usize, four: bool, left: bool, right: bool, bias: v128,
  w0: v128, w1: v128, w2: v128, w3: v128, w4: v128, w5: v128, w6: v128, w7: v128, w8: v128,
  target: usize, step: usize, epilogue: usize,
): void {
  let s0 = bias, s1 = bias, s2 = bias, s3 = bias, c = bias, v = bias;
  c = v128.load(r0); v = leftOf(c, r0, left);
  s0 = multiplyAdd(v, w0, s0);
  s0 = multiplyAdd(c, w1, s0);
  v = rightOf(c, r0, right);
  s0 = multiplyAdd(v, w2, s0);
  c = v128.load(r1); v = leftOf(c, r1, left);
  s0 = multiplyAdd(v, w3, s0); s1 = multiplyAdd(v, w0, s1);
  s0 = multiplyAdd(c, w4, s0); s1 = multiplyAdd(c, w1, s1);
  v = rightOf(c, r1, right);
  s0 = multiplyAdd(v, w5, s0); s1 = multiplyAdd(v, w2, s1);
  c = v128.load(r2); v = leftOf(c, r2, left);
  s0 = multiplyAdd(v, w6, s0); s1 = multiplyAdd(v, w3, s1); s2 = multiplyAdd(v, w0, s2);
  s0 = multiplyAdd(c, w7, s0); s1 = multiplyAdd(c, w4, s1); s2 = multiplyAdd(c, w1, s2);
  v = rightOf(c, r2, right);
  s0 = multiplyAdd(v, w8, s0); s1 = multiplyAdd(v, w5, s1); s2 = multiplyAdd(v, w2, s2);
  c = v128.load(r3); v = leftOf(c, r3, left);
  s1 = multiplyAdd(v, w6, s1); s2 = multiplyAdd(v, w3, s2); if (four) s3 = multiplyAdd(v, w0, s3);
  s1 = multiplyAdd(c, w7, s1); s2 = multiplyAdd(c, w4, s2); if (four) s3 = multiplyAdd(c, w1, s3);
  v = rightOf(c, r3, right);
  s1 = multiplyAdd(v, w8, s1); s2 = multiplyAdd(v, w5, s2); if (four) s3 = multiplyAdd(v, w2, s3);
  c = v128.load(r4); v = leftOf(c, r4, left);
  s2 = multiplyAdd(v, w6, s2); if (four) s3 = multiplyAdd(v, w3, s3);
  s2 = multiplyAdd(c, w7, s2); if (four) s3 = multiplyAdd(c, w4, s3);
  v = rightOf(c, r4, right);
  s2 = multiplyAdd(v, w8, s2); if (four) s3 = multiplyAdd(v, w5, s3);
  if (four) {
    c = v128.load(r5); v = leftOf(c, r5, left);
    s3 = multiplyAdd(v, w6, s3);
    s3 = multiplyAdd(c, w7, s3);
    v = rightOf(c, r5, right);
    s3 = multiplyAdd(v, w8, s3);
  }
  if (epilogue != 0) {
    const low = v128.load32_splat(epilogue, 4), high = v128.load32_splat(epilogue, 8);
    s0 = clampVector(s0, low, high); s1 = clampVector(s1, low, high); s2 = clampVector(s2, low, high);
    if (four) s3 = clampVector(s3, low, high);
  }
  v128.store(target, s0); target += step;
  v128.store(target, s1); target += step;
  v128.store(target, s2);
  if (four) v128.store(target + step, s3);
}

/** Eight outputs of each row, or the seven of a plane of that width, whose two vectors share an element. */
// @ts-ignore: decorator
@inline
function wideTile(
  r0: usize, r1: usize, r2: usize, r3: usize, r4: usize, r5: usize, four: bool, left: bool, right: bool, seven: bool,
  bias: v128, w0: v128, w1: v128, w2: v128, w3: v128, w4: v128, w5: v128, w6: v128, w7: v128, w8: v128,
  target: usize, step: usize, epilogue: usize,
): void {
  const apart: usize = seven ? 12 : 16;
  let s0 = bias, s1 = bias, s2 = bias, s3 = bias, s0d = bias, s1d = bias, s2d = bias, s3d = bias;
  let c = bias, d = bias, v = bias;
  c = v128.load(r0); d = v128.load(r0 + apart); v = leftOf(c, r0, left);
  s0 = multiplyAdd(v, w0, s0);
  v = seven ? v128.shuffle<f32>(c, d, 2, 4, 5, 6) : v128.shuffle<f32>(c, d, 3, 4, 5, 6);
  s0d = multiplyAdd(v, w0, s0d);
  s0 = multiplyAdd(c, w1, s0);
  s0d = multiplyAdd(d, w1, s0d);
  v = seven ? v128.shuffle<f32>(c, d, 1, 2, 3, 5) : v128.shuffle<f32>(c, d, 1, 2, 3, 4);
  s0 = multiplyAdd(v, w2, s0);
  v = rightOf(d, r0 + 16, right);
  s0d = multiplyAdd(v, w2, s0d);
  c = v128.load(r1); d = v128.load(r1 + apart); v = leftOf(c, r1, left);
  s0 = multiplyAdd(v, w3, s0); s1 = multiplyAdd(v, w0, s1);
  v = seven ? v128.shuffle<f32>(c, d, 2, 4, 5, 6) : v128.shuffle<f32>(c, d, 3, 4, 5, 6);
  s0d = multiplyAdd(v, w3, s0d); s1d = multiplyAdd(v, w0, s1d);
  s0 = multiplyAdd(c, w4, s0); s1 = multiplyAdd(c, w1, s1);
  s0d = multiplyAdd(d, w4, s0d); s1d = multiplyAdd(d, w1, s1d);
  v = seven ? v128.shuffle<f32>(c, d, 1, 2, 3, 5) : v128.shuffle<f32>(c, d, 1, 2, 3, 4);
  s0 = multiplyAdd(v, w5, s0); s1 = multiplyAdd(v, w2, s1);
  v = rightOf(d, r1 + 16, right);
  s0d = multiplyAdd(v, w5, s0d); s1d = multiplyAdd(v, w2, s1d);
  c = v128.load(r2); d = v128.load(r2 + apart); v = leftOf(c, r2, left);
  s0 = multiplyAdd(v, w6, s0); s1 = multiplyAdd(v, w3, s1); s2 = multiplyAdd(v, w0, s2);
  v = seven ? v128.shuffle<f32>(c, d, 2, 4, 5, 6) : v128.shuffle<f32>(c, d, 3, 4, 5, 6);
  s0d = multiplyAdd(v, w6, s0d); s1d = multiplyAdd(v, w3, s1d); s2d = multiplyAdd(v, w0, s2d);
  s0 = multiplyAdd(c, w7, s0); s1 = multiplyAdd(c, w4, s1); s2 = multiplyAdd(c, w1, s2);
  s0d = multiplyAdd(d, w7, s0d); s1d = multiplyAdd(d, w4, s1d); s2d = multiplyAdd(d, w1, s2d);
  v = seven ? v128.shuffle<f32>(c, d, 1, 2, 3, 5) : v128.shuffle<f32>(c, d, 1, 2, 3, 4);
  s0 = multiplyAdd(v, w8, s0); s1 = multiplyAdd(v, w5, s1); s2 = multiplyAdd(v, w2, s2);
  v = rightOf(d, r2 + 16, right);
  s0d = multiplyAdd(v, w8, s0d); s1d = multiplyAdd(v, w5, s1d); s2d = multiplyAdd(v, w2, s2d);
  c = v128.load(r3); d = v128.load(r3 + apart); v = leftOf(c, r3, left);
  s1 = multiplyAdd(v, w6, s1); s2 = multiplyAdd(v, w3, s2); if (four) s3 = multiplyAdd(v, w0, s3);
  v = seven ? v128.shuffle<f32>(c, d, 2, 4, 5, 6) : v128.shuffle<f32>(c, d, 3, 4, 5, 6);
  s1d = multiplyAdd(v, w6, s1d); s2d = multiplyAdd(v, w3, s2d); if (four) s3d = multiplyAdd(v, w0, s3d);
  s1 = multiplyAdd(c, w7, s1); s2 = multiplyAdd(c, w4, s2); if (four) s3 = multiplyAdd(c, w1, s3);
  s1d = multiplyAdd(d, w7, s1d); s2d = multiplyAdd(d, w4, s2d); if (four) s3d = multiplyAdd(d, w1, s3d);
  v = seven ? v128.shuffle<f32>(c, d, 1, 2, 3, 5) : v128.shuffle<f32>(c, d, 1, 2, 3, 4);
  s1 = multiplyAdd(v, w8, s1); s2 = multiplyAdd(v, w5, s2); if (four) s3 = multiplyAdd(v, w2, s3);
  v = rightOf(d, r3 + 16, right);
  s1d = multiplyAdd(v, w8, s1d); s2d = multiplyAdd(v, w5, s2d); if (four) s3d = multiplyAdd(v, w2, s3d);
  c = v128.load(r4); d = v128.load(r4 + apart); v = leftOf(c, r4, left);
  s2 = multiplyAdd(v, w6, s2); if (four) s3 = multiplyAdd(v, w3, s3);
  v = seven ? v128.shuffle<f32>(c, d, 2, 4, 5, 6) : v128.shuffle<f32>(c, d, 3, 4, 5, 6);
  s2d = multiplyAdd(v, w6, s2d); if (four) s3d = multiplyAdd(v, w3, s3d);
  s2 = multiplyAdd(c, w7, s2); if (four) s3 = multiplyAdd(c, w4, s3);
  s2d = multiplyAdd(d, w7, s2d); if (four) s3d = multiplyAdd(d, w4, s3d);
  v = seven ? v128.shuffle<f32>(c, d, 1, 2, 3, 5) : v128.shuffle<f32>(c, d, 1, 2, 3, 4);
  s2 = multiplyAdd(v, w8, s2); if (four) s3 = multiplyAdd(v, w5, s3);
  v = rightOf(d, r4 + 16, right);
  s2d = multiplyAdd(v, w8, s2d); if (four) s3d = multiplyAdd(v, w5, s3d);
  if (four) {
    c = v128.load(r5); d = v128.load(r5 + apart); v = leftOf(c, r5, left);
    s3 = multiplyAdd(v, w6, s3);
    v = seven ? v128.shuffle<f32>(c, d, 2, 4, 5, 6) : v128.shuffle<f32>(c, d, 3, 4, 5, 6);
    s3d = multiplyAdd(v, w6, s3d);
    s3 = multiplyAdd(c, w7, s3);
    s3d = multiplyAdd(d, w7, s3d);
    v = seven ? v128.shuffle<f32>(c, d, 1, 2, 3, 5) : v128.shuffle<f32>(c, d, 1, 2, 3, 4);
    s3 = multiplyAdd(v, w8, s3);
    v = rightOf(d, r5 + 16, right);
    s3d = multiplyAdd(v, w8, s3d);
  }
  if (epilogue != 0) {
    const low = v128.load32_splat(epilogue, 4), high = v128.load32_splat(epilogue, 8);
    s0 = clampVector(s0, low, high); s0d = clampVector(s0d, low, high);
    s1 = clampVector(s1, low, high); s1d = clampVector(s1d, low, high);
    s2 = clampVector(s2, low, high); s2d = clampVector(s2d, low, high);
    if (four) {
      s3 = clampVector(s3, low, high); s3d = clampVector(s3d, low, high);
    }
  }
  v128.store(target, s0); v128.store(target + apart, s0d); target += step;
  v128.store(target, s1); v128.store(target + apart, s1d); target += step;
  v128.store(target, s2); v128.store(target + apart, s2d);
  if (four) {
    target += step;
    v128.store(target, s3); v128.store(target + apart, s3d);
  }
}

/** Three or four rows of outputs, the first at `top`. `zeros` is a row of zeros. */
// @ts-ignore: decorator
@inline
function convolveRows(
  plane: usize, height: i32, width: i32, top: i32, four: bool, zeros: usize, result: usize, epilogue: usize, bias: v128,
  w0: v128, w1: v128, w2: v128, w3: v128, w4: v128, w5: v128, w6: v128, w7: v128, w8: v128,
): void {
  const step = (<usize> width) << 2, last = (<usize> (width - 4)) << 2, target = result + <usize> top * step;
  const r1 = plane + <usize> top * step, r2 = r1 + step, r0 = top == 0 ? zeros : r1 - step, r3 = r2 + step;
  const ends = top + (four ? 4 : 3) == height, r4 = !four && ends ? zeros : r3 + step, r5 = ends ? zeros : r4 + step;
  if (width == 7) {
    wideTile(
      r0, r1, r2, r3, r4, r5, four, true, true, true, bias,
      w0, w1, w2, w3, w4, w5, w6, w7, w8, target, step, epilogue,
    );
    return;
  }
  if (width == 8) {
    wideTile(
      r0, r1, r2, r3, r4, r5, four, true, true, false, bias,
      w0, w1, w2, w3, w4, w5, w6, w7, w8, target, step, epilogue,
    );
    return;
  }
  if (width == 4) {
    narrowTile(
      r0, r1, r2, r3, r4, r5, four, true, true, bias,
      w0, w1, w2, w3, w4, w5, w6, w7, w8, target, step, epilogue,
    );
    return;
  }
  if (width < 7) {
    narrowTile(
      r0, r1, r2, r3, r4, r5, four, true, false, bias,
      w0, w1, w2, w3, w4, w5, w6, w7, w8, target, step, epilogue,
    );
  } else {
    wideTile(
      r0, r1, r2, r3, r4, r5, four, true, false, false, bias,
      w0, w1, w2, w3, w4, w5, w6, w7, w8, target, step, epilogue,
    );
    let x: usize = 32;
    for (; x + 16 < last; x += 32) {
      wideTile(
        r0 + x, r1 + x, r2 + x, r3 + x, r4 + x, r5 + x, four, false, false, false, bias,
        w0, w1, w2, w3, w4, w5, w6, w7, w8, target + x, step, epilogue,
      );
    }
    if (x < last) {
      x = last - 16;
      wideTile(
        r0 + x, r1 + x, r2 + x, r3 + x, r4 + x, r5 + x, four, false, true, false, bias,
        w0, w1, w2, w3, w4, w5, w6, w7, w8, target + x, step, epilogue,
      );
      return;
    }
  }
  narrowTile(
    r0 + last, r1 + last, r2 + last, r3 + last, r4 + last, r5 + last, four, false, true, bias,
    w0, w1, w2, w3, w4, w5, w6, w7, w8, target + last, step, epilogue,
  );
}

/**
 * Convolves planes of several images by one kernel, read backwards if `flipped`. `from` and `to` bytes lie between the
 * planes of x and of y. Where tiles do not divide a plane, the last ones overlap those before, with the same results.
 */
export function convolvePlanes(
  plane: usize, from: usize, result: usize, to: usize, images: i32, height: i32, width: i32, kernel: usize, flipped: bool,
  bias: v128, zeros: usize, epilogue: usize,
): void {
  const first = flipped ? kernel + 32 : kernel, next: usize = flipped ? -4 : 4;
  const w0 = v128.load32_splat(first), w1 = v128.load32_splat(first + next), w2 = v128.load32_splat(first + 2 * next);
  const w3 = v128.load32_splat(first + 3 * next), w4 = v128.load32_splat(first + 4 * next);
  const w5 = v128.load32_splat(first + 5 * next), w6 = v128.load32_splat(first + 6 * next);
  const w7 = v128.load32_splat(first + 7 * next), w8 = v128.load32_splat(first + 8 * next);
  for (; images > 0; images--) {
    let y = 0;
    for (; y + 6 <= height || y + 4 == height; y += 4) {
      convolveRows(plane, height, width, y, true, zeros, result, epilogue, bias, w0, w1, w2, w3, w4, w5, w6, w7, w8);
    }
    for (; y < height; y += 3) {
      convolveRows(
        plane, height, width, min(y, height - 3), false, zeros, result, epilogue, bias, w0, w1, w2, w3, w4, w5, w6, w7, w8,
      );
    }
    plane += from;
    result += to;
  }
}
