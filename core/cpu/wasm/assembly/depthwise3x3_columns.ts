/**
 * Depthwise convolutions of 3x3 kernels, stride 1 and padding 1 on low planes, four columns at a time from the top down: no
 * row is computed twice. On high planes sums of several rows at once are faster (`depthwise3x3.ts`).
 */

import { clampVector } from "./epilogue";
import { firstLanes, multiplyAdd } from "./simd";

/** The most rows of planes that are low. */
export const LOW: i32 = 12;

/** The left neighbours of `c`, four elements of a row at `source`; left of the plane lies a zero. */
// @ts-ignore: decorator
@inline
function leftOf(c: v128, source: usize, isFirst: bool): v128 {
  return isFirst ? v128.shuffle<f32>(f32x4.splat(0), c, 3, 4, 5, 6) : v128.load(source - 4);
}

/** The right neighbours, likewise. */
// @ts-ignore: decorator
@inline
function rightOf(c: v128, source: usize, isLast: bool): v128 {
  return isLast ? v128.shuffle<f32>(c, f32x4.splat(0), 1, 2, 3, 4) : v128.load(source, 4);
}

// @ts-ignore: decorator
@inline
function finish(target: usize, sum: v128, epilogue: usize): void {
  if (epilogue != 0) {
    sum = clampVector(sum, v128.load32_splat(epilogue, 4), v128.load32_splat(epilogue, 8));
  }
  v128.store(target, sum);
}

/** Four outputs of each row, whose first lie under `source`: each row of inputs is loaded once, for the sums of three rows. */
// @ts-ignore: decorator
@inline
function convolveColumn(
  source: usize, rows: i32, left: bool, right: bool, head: usize,
  w0: v128, w1: v128, w2: v128, w3: v128, w4: v128, w5: v128, w6: v128, w7: v128, w8: v128,
  target: usize, step: usize, epilogue: usize,
): void {
  let a = v128.load32_splat(head, 36), b = a, c = a, m = a, v = a;
  m = v128.load(source); v = leftOf(m, source, left);
  a = multiplyAdd(v, w3, a); b = multiplyAdd(v, w0, b);
  a = multiplyAdd(m, w4, a); b = multiplyAdd(m, w1, b);
  v = rightOf(m, source, right);
  a = multiplyAdd(v, w5, a); b = multiplyAdd(v, w2, b);
  for (; rows > 1; rows--) {
    source += step;
    m = v128.load(source); v = leftOf(m, source, left);
    c = v128.load32_splat(head, 36);
    a = multiplyAdd(v, w6, a); b = multiplyAdd(v, w3, b); c = multiplyAdd(v, w0, c);
    a = multiplyAdd(m, w7, a); b = multiplyAdd(m, w4, b); c = multiplyAdd(m, w1, c);
    v = rightOf(m, source, right);
    a = multiplyAdd(v, w8, a); b = multiplyAdd(v, w5, b); c = multiplyAdd(v, w2, c);
    finish(target, a, epilogue);
    target += step;
    a = b;
    b = c;
  }
  finish(target, a, epilogue);
}

/** A plane. `head` holds the kernel and the bias. */
export function convolveColumns(
  plane: usize, height: i32, width: i32, head: usize, result: usize, epilogue: usize,
): void {
  const w0 = v128.load32_splat(head), w1 = v128.load32_splat(head, 4), w2 = v128.load32_splat(head, 8);
  const w3 = v128.load32_splat(head, 12), w4 = v128.load32_splat(head, 16), w5 = v128.load32_splat(head, 20);
  const w6 = v128.load32_splat(head, 24), w7 = v128.load32_splat(head, 28), w8 = v128.load32_splat(head, 32);
  const step = (<usize> width) << 2, last = (<usize> (width - 4)) << 2;
  if (width == 4) {
    convolveColumn(plane, height, true, true, head, w0, w1, w2, w3, w4, w5, w6, w7, w8, result, step, epilogue);
    return;
  }
  convolveColumn(plane, height, true, false, head, w0, w1, w2, w3, w4, w5, w6, w7, w8, result, step, epilogue);
  for (let x: usize = 16; x < last; x += 16) {
    convolveColumn(
      plane + x, height, false, false, head, w0, w1, w2, w3, w4, w5, w6, w7, w8, result + x, step, epilogue,
    );
  }
  convolveColumn(
    plane + last, height, false, true, head, w0, w1, w2, w3, w4, w5, w6, w7, w8, result + last, step, epilogue,
  );
}

/** Adds nine vectors to those that lie at `sums`. */
// @ts-ignore: decorator
@inline
export function addSums(
  sums: usize, s0: v128, s1: v128, s2: v128, s3: v128, s4: v128, s5: v128, s6: v128, s7: v128, s8: v128,
): void {
  v128.store(sums, f32x4.add(v128.load(sums), s0)); v128.store(sums, f32x4.add(v128.load(sums, 16), s1), 16);
  v128.store(sums, f32x4.add(v128.load(sums, 32), s2), 32); v128.store(sums, f32x4.add(v128.load(sums, 48), s3), 48);
  v128.store(sums, f32x4.add(v128.load(sums, 64), s4), 64); v128.store(sums, f32x4.add(v128.load(sums, 80), s5), 80);
  v128.store(sums, f32x4.add(v128.load(sums, 96), s6), 96); v128.store(sums, f32x4.add(v128.load(sums, 112), s7), 112);
  v128.store(sums, f32x4.add(v128.load(sums, 128), s8), 128);
}

/**
 * Adds the gradients of a kernel from planes of some images to nine vectors of sums, whose lanes are to be added up. A row of x
 * is loaded once, for the three rows of dy that see it; beyond the edges lie zeros.
 */
export function sumColumns(
  x0: usize, xStep: usize, dy: usize, dyStep: usize, images: i32, height: i32, width: i32, sums: usize,
): void {
  const zero = f32x4.splat(0), step = (<usize> width) << 2, last = (<usize> (width - 4)) << 2;
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero, s7 = zero, s8 = zero;
  for (; images > 0; images--) {
    for (let x: usize = 0, done: usize = 0; done < step; done += 16) {
      const isFirst = done == 0, isLast = done >= last;
      if (isLast) x = last;
      // The columns before were summed already.
      const fresh = v128.not(firstLanes(<i32> ((done - x) >> 2)));
      let source = x0 + x, from = dy + x, before = zero, here = v128.and(v128.load(from), fresh), after = zero;
      for (let left = height; left > 0; left--) {
        from += step;
        if (left > 1) after = v128.and(v128.load(from), fresh);
        else after = zero;
        const m = v128.load(source);
        let v = isFirst ? v128.shuffle<f32>(zero, m, 3, 4, 5, 6) : v128.load(source - 4);
        s0 = multiplyAdd(after, v, s0); s3 = multiplyAdd(here, v, s3); s6 = multiplyAdd(before, v, s6);
        s1 = multiplyAdd(after, m, s1); s4 = multiplyAdd(here, m, s4); s7 = multiplyAdd(before, m, s7);
        v = isLast ? v128.shuffle<f32>(m, zero, 1, 2, 3, 4) : v128.load(source, 4);
        s2 = multiplyAdd(after, v, s2); s5 = multiplyAdd(here, v, s5); s8 = multiplyAdd(before, v, s8);
        source += step;
        before = here;
        here = after;
      }
      x += 16;
    }
    x0 += xStep;
    dy += dyStep;
  }
  addSums(sums, s0, s1, s2, s3, s4, s5, s6, s7, s8);
}
