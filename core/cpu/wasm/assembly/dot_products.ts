/**
 * The matrix product C = A Bᵀ (+ bias) of few rows of A, where the rows of both lie along the depth: packing B would take
 * longer than the product, so rows are multiplied where they lie, and the lanes of their sums are added up.
 */

import {
  at, firstLanes, highHalves, interleaveHigh, interleaveLow, lowHalves, multiplyAdd, pointer, storeLanes, word,
} from "./simd";

/** The sums of the lanes of four vectors. */
// @ts-ignore: decorator
@inline
function laneSums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = interleaveLow(a, b), cd = interleaveLow(c, d), AB = interleaveHigh(a, b), CD = interleaveHigh(c, d);
  return f32x4.add(
    f32x4.add(lowHalves(ab, cd), highHalves(ab, cd)), f32x4.add(lowHalves(AB, CD), highHalves(AB, CD)),
  );
}

/** The products of a row of A and four rows of B. */
function dotFour(a: usize, b0: usize, b1: usize, b2: usize, b3: usize, depth: i32): v128 {
  const zero = f32x4.splat(0);
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero, t0 = zero, t1 = zero, t2 = zero, t3 = zero, x = zero;
  for (; depth >= 8; depth -= 8) {
    x = v128.load(a);
    s0 = multiplyAdd(x, v128.load(b0), s0); s1 = multiplyAdd(x, v128.load(b1), s1);
    s2 = multiplyAdd(x, v128.load(b2), s2); s3 = multiplyAdd(x, v128.load(b3), s3);
    x = v128.load(a, 16);
    t0 = multiplyAdd(x, v128.load(b0, 16), t0); t1 = multiplyAdd(x, v128.load(b1, 16), t1);
    t2 = multiplyAdd(x, v128.load(b2, 16), t2); t3 = multiplyAdd(x, v128.load(b3, 16), t3);
    a += 32; b0 += 32; b1 += 32; b2 += 32; b3 += 32;
  }
  for (; depth > 0; depth -= 4) {
    // What lies behind a row may be no number, and is zero in both.
    const valid = firstLanes(depth);
    x = v128.and(v128.load(a), valid);
    s0 = multiplyAdd(x, v128.and(v128.load(b0), valid), s0); s1 = multiplyAdd(x, v128.and(v128.load(b1), valid), s1);
    s2 = multiplyAdd(x, v128.and(v128.load(b2), valid), s2); s3 = multiplyAdd(x, v128.and(v128.load(b3), valid), s3);
    a += 16; b0 += 16; b1 += 16; b2 += 16; b3 += 16;
  }
  return laneSums(f32x4.add(s0, t0), f32x4.add(s1, t1), f32x4.add(s2, t2), f32x4.add(s3, t3));
}

/** C [m, n], so many of its columns a task. Arguments: A, B, C, bias or 0, m, n, depth, columns of a task. */
export function dotProducts(p: usize, task: i32, _scratch: usize): void {
  const m = word(p, 4), n = word(p, 5), depth = word(p, 6), columns = word(p, 7), bias = pointer(p, 3);
  const end = min(n, (task + 1) * columns);
  for (let column = task * columns; column < end; column += 4) {
    const b = pointer(p, 1), b0 = at(b, column * depth), b1 = at(b, min(column + 1, n - 1) * depth);
    const b2 = at(b, min(column + 2, n - 1) * depth), b3 = at(b, min(column + 3, n - 1) * depth);
    const shift = bias != 0 ? v128.load(at(bias, column)) : f32x4.splat(0);
    for (let row = 0; row < m; row++) {
      const sums = dotFour(at(pointer(p, 0), row * depth), b0, b1, b2, b3, depth);
      storeLanes(at(pointer(p, 2), row * n + column), f32x4.add(sums, shift), end - column);
    }
  }
}
