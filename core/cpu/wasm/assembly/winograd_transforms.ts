/**
 * The transforms of Winograd's filtering by interpolation at 0, ±3/4, ±3/2 and infinity: exact in binary, and with half
 * of the rounding error of the customary 0, ±1, ±2 (after Barabasz et al. 2020; `tools/winograd_error.py`). Each is
 * applied to the rows and then to the columns of tiles; the four lanes of a vector are four tiles.
 */

import { highHalves, interleaveHigh, interleaveLow, lowHalves, multiplyAdd, multiplySubtract } from "./simd";

/** The points: ±P and ±Q. */
const P: f32 = 0.75;
const Q: f32 = 1.5;
const P2: f32 = P * P;
const Q2: f32 = Q * Q;
/** The denominators of the interpolation at 0, ±P and ±Q. */
const N0: f32 = P2 * Q2;
const NP: f32 = 2 * P2 * (P2 - Q2);
const NQ: f32 = 2 * Q2 * (Q2 - P2);

/** Products of a tile. */
export const POINTS: i32 = 36;
/** Bytes of 36 vectors between the two halves of a transform. */
export const TEMP_BYTES: usize = 36 * 16;

/**
 * Six to six: writes the values at the six points, `step` bytes apart. The constants come as arguments, since an engine
 * would make them anew inside of a loop.
 */
// @ts-ignore: decorator
@inline
function inputTransform(
  d0: v128, d1: v128, d2: v128, d3: v128, d4: v128, d5: v128, target: usize, step: usize,
  p: v128, q: v128, p2: v128, q2: v128,
): void {
  const evenP = multiplySubtract(q2, d2, d4), oddP = multiplySubtract(q2, d1, d3);
  v128.store(target, multiplySubtract(p2, multiplySubtract(q2, d0, d2), evenP));
  v128.store(target + step, multiplyAdd(p, oddP, evenP));
  v128.store(target + 2 * step, multiplySubtract(p, oddP, evenP));
  const evenQ = multiplySubtract(p2, d2, d4), oddQ = multiplySubtract(p2, d1, d3);
  v128.store(target + 3 * step, multiplyAdd(q, oddQ, evenQ));
  v128.store(target + 4 * step, multiplySubtract(q, oddQ, evenQ));
  v128.store(target + 5 * step, multiplySubtract(q2, oddQ, multiplySubtract(p2, d3, d5)));
}

/**
 * Transforms the 6x6 tiles at four addresses; rows are `rowStep` bytes apart, points `pointStep`. What lies between the
 * two halves is left to the engine to keep, since its stack has no bounds to check.
 */
export function transformInput(
  s0: usize, s1: usize, s2: usize, s3: usize, rowStep: usize, target: usize, pointStep: usize,
): void {
  const p2 = f32x4.splat(P2), q2 = f32x4.splat(Q2), p = f32x4.splat(P), q = f32x4.splat(Q), zero = f32x4.splat(0);
  let t00 = zero, t01 = zero, t02 = zero, t03 = zero, t04 = zero, t05 = zero;
  let t10 = zero, t11 = zero, t12 = zero, t13 = zero, t14 = zero, t15 = zero;
  let t20 = zero, t21 = zero, t22 = zero, t23 = zero, t24 = zero, t25 = zero;
  let t30 = zero, t31 = zero, t32 = zero, t33 = zero, t34 = zero, t35 = zero;
  let t40 = zero, t41 = zero, t42 = zero, t43 = zero, t44 = zero, t45 = zero;
  let t50 = zero, t51 = zero, t52 = zero, t53 = zero, t54 = zero, t55 = zero;
  let a = zero, b = zero, c = zero, d = zero, ab = zero, cd = zero, even = zero, odd = zero;
  let d0 = zero, d1 = zero, d2 = zero, d3 = zero, d4 = zero, d5 = zero;
  // Row 0.
  a = v128.load(s0); b = v128.load(s1); c = v128.load(s2); d = v128.load(s3);
  ab = interleaveLow(a, b); cd = interleaveLow(c, d); a = interleaveHigh(a, b); c = interleaveHigh(c, d);
  d0 = lowHalves(ab, cd); d1 = highHalves(ab, cd); d2 = lowHalves(a, c); d3 = highHalves(a, c);
  ab = interleaveLow(v128.load64_zero(s0, 16), v128.load64_zero(s1, 16));
  cd = interleaveLow(v128.load64_zero(s2, 16), v128.load64_zero(s3, 16));
  d4 = lowHalves(ab, cd); d5 = highHalves(ab, cd);
  even = multiplySubtract(q2, d2, d4); odd = multiplySubtract(q2, d1, d3);
  t00 = multiplySubtract(p2, multiplySubtract(q2, d0, d2), even);
  t01 = multiplyAdd(p, odd, even); t02 = multiplySubtract(p, odd, even);
  even = multiplySubtract(p2, d2, d4); odd = multiplySubtract(p2, d1, d3);
  t03 = multiplyAdd(q, odd, even); t04 = multiplySubtract(q, odd, even);
  t05 = multiplySubtract(q2, odd, multiplySubtract(p2, d3, d5));
  s0 += rowStep; s1 += rowStep; s2 += rowStep; s3 += rowStep;
  // Row 1.
  a = v128.load(s0); b = v128.load(s1); c = v128.load(s2); d = v128.load(s3);
  ab = interleaveLow(a, b); cd = interleaveLow(c, d); a = interleaveHigh(a, b); c = interleaveHigh(c, d);
  d0 = lowHalves(ab, cd); d1 = highHalves(ab, cd); d2 = lowHalves(a, c); d3 = highHalves(a, c);
  ab = interleaveLow(v128.load64_zero(s0, 16), v128.load64_zero(s1, 16));
  cd = interleaveLow(v128.load64_zero(s2, 16), v128.load64_zero(s3, 16));
  d4 = lowHalves(ab, cd); d5 = highHalves(ab, cd);
  even = multiplySubtract(q2, d2, d4); odd = multiplySubtract(q2, d1, d3);
  t10 = multiplySubtract(p2, multiplySubtract(q2, d0, d2), even);
  t11 = multiplyAdd(p, odd, even); t12 = multiplySubtract(p, odd, even);
  even = multiplySubtract(p2, d2, d4); odd = multiplySubtract(p2, d1, d3);
  t13 = multiplyAdd(q, odd, even); t14 = multiplySubtract(q, odd, even);
  t15 = multiplySubtract(q2, odd, multiplySubtract(p2, d3, d5));
  s0 += rowStep; s1 += rowStep; s2 += rowStep; s3 += rowStep;
  // Row 2.
  a = v128.load(s0); b = v128.load(s1); c = v128.load(s2); d = v128.load(s3);
  ab = interleaveLow(a, b); cd = interleaveLow(c, d); a = interleaveHigh(a, b); c = interleaveHigh(c, d);
  d0 = lowHalves(ab, cd); d1 = highHalves(ab, cd); d2 = lowHalves(a, c); d3 = highHalves(a, c);
  ab = interleaveLow(v128.load64_zero(s0, 16), v128.load64_zero(s1, 16));
  cd = interleaveLow(v128.load64_zero(s2, 16), v128.load64_zero(s3, 16));
  d4 = lowHalves(ab, cd); d5 = highHalves(ab, cd);
  even = multiplySubtract(q2, d2, d4); odd = multiplySubtract(q2, d1, d3);
  t20 = multiplySubtract(p2, multiplySubtract(q2, d0, d2), even);
  t21 = multiplyAdd(p, odd, even); t22 = multiplySubtract(p, odd, even);
  even = multiplySubtract(p2, d2, d4); odd = multiplySubtract(p2, d1, d3);
  t23 = multiplyAdd(q, odd, even); t24 = multiplySubtract(q, odd, even);
  t25 = multiplySubtract(q2, odd, multiplySubtract(p2, d3, d5));
  s0 += rowStep; s1 += rowStep; s2 += rowStep; s3 += rowStep;
  // Row 3.
  a = v128.load(s0); b = v128.load(s1); c = v128.load(s2); d = v128.load(s3);
  ab = interleaveLow(a, b); cd = interleaveLow(c, d); a = interleaveHigh(a, b); c = interleaveHigh(c, d);
  d0 = lowHalves(ab, cd); d1 = highHalves(ab, cd); d2 = lowHalves(a, c); d3 = highHalves(a, c);
  ab = interleaveLow(v128.load64_zero(s0, 16), v128.load64_zero(s1, 16));
  cd = interleaveLow(v128.load64_zero(s2, 16), v128.load64_zero(s3, 16));
  d4 = lowHalves(ab, cd); d5 = highHalves(ab, cd);
  even = multiplySubtract(q2, d2, d4); odd = multiplySubtract(q2, d1, d3);
  t30 = multiplySubtract(p2, multiplySubtract(q2, d0, d2), even);
  t31 = multiplyAdd(p, odd, even); t32 = multiplySubtract(p, odd, even);
  even = multiplySubtract(p2, d2, d4); odd = multiplySubtract(p2, d1, d3);
  t33 = multiplyAdd(q, odd, even); t34 = multiplySubtract(q, odd, even);
  t35 = multiplySubtract(q2, odd, multiplySubtract(p2, d3, d5));
  s0 += rowStep; s1 += rowStep; s2 += rowStep; s3 += rowStep;
  // Row 4.
  a = v128.load(s0); b = v128.load(s1); c = v128.load(s2); d = v128.load(s3);
  ab = interleaveLow(a, b); cd = interleaveLow(c, d); a = interleaveHigh(a, b); c = interleaveHigh(c, d);
  d0 = lowHalves(ab, cd); d1 = highHalves(ab, cd); d2 = lowHalves(a, c); d3 = highHalves(a, c);
  ab = interleaveLow(v128.load64_zero(s0, 16), v128.load64_zero(s1, 16));
  cd = interleaveLow(v128.load64_zero(s2, 16), v128.load64_zero(s3, 16));
  d4 = lowHalves(ab, cd); d5 = highHalves(ab, cd);
  even = multiplySubtract(q2, d2, d4); odd = multiplySubtract(q2, d1, d3);
  t40 = multiplySubtract(p2, multiplySubtract(q2, d0, d2), even);
  t41 = multiplyAdd(p, odd, even); t42 = multiplySubtract(p, odd, even);
  even = multiplySubtract(p2, d2, d4); odd = multiplySubtract(p2, d1, d3);
  t43 = multiplyAdd(q, odd, even); t44 = multiplySubtract(q, odd, even);
  t45 = multiplySubtract(q2, odd, multiplySubtract(p2, d3, d5));
  s0 += rowStep; s1 += rowStep; s2 += rowStep; s3 += rowStep;
  // Row 5.
  a = v128.load(s0); b = v128.load(s1); c = v128.load(s2); d = v128.load(s3);
  ab = interleaveLow(a, b); cd = interleaveLow(c, d); a = interleaveHigh(a, b); c = interleaveHigh(c, d);
  d0 = lowHalves(ab, cd); d1 = highHalves(ab, cd); d2 = lowHalves(a, c); d3 = highHalves(a, c);
  ab = interleaveLow(v128.load64_zero(s0, 16), v128.load64_zero(s1, 16));
  cd = interleaveLow(v128.load64_zero(s2, 16), v128.load64_zero(s3, 16));
  d4 = lowHalves(ab, cd); d5 = highHalves(ab, cd);
  even = multiplySubtract(q2, d2, d4); odd = multiplySubtract(q2, d1, d3);
  t50 = multiplySubtract(p2, multiplySubtract(q2, d0, d2), even);
  t51 = multiplyAdd(p, odd, even); t52 = multiplySubtract(p, odd, even);
  even = multiplySubtract(p2, d2, d4); odd = multiplySubtract(p2, d1, d3);
  t53 = multiplyAdd(q, odd, even); t54 = multiplySubtract(q, odd, even);
  t55 = multiplySubtract(q2, odd, multiplySubtract(p2, d3, d5));
  s0 += rowStep; s1 += rowStep; s2 += rowStep; s3 += rowStep;
  const step = 6 * pointStep;
  inputTransform(t00, t10, t20, t30, t40, t50, target, step, p, q, p2, q2);
  inputTransform(t01, t11, t21, t31, t41, t51, target + pointStep, step, p, q, p2, q2);
  inputTransform(t02, t12, t22, t32, t42, t52, target + 2 * pointStep, step, p, q, p2, q2);
  inputTransform(t03, t13, t23, t33, t43, t53, target + 3 * pointStep, step, p, q, p2, q2);
  inputTransform(t04, t14, t24, t34, t44, t54, target + 4 * pointStep, step, p, q, p2, q2);
  inputTransform(t05, t15, t25, t35, t45, t55, target + 5 * pointStep, step, p, q, p2, q2);
}

/** Four to six: the values of a polynomial of four coefficients at the six points. */
// @ts-ignore: decorator
@inline
function gradientTransform(
  d0: v128, d1: v128, d2: v128, d3: v128, target: usize, step: usize, p: v128, q: v128, p2: v128, q2: v128,
): void {
  v128.store(target, d0);
  const evenP = multiplyAdd(p2, d2, d0), oddP = multiplyAdd(p2, d3, d1);
  v128.store(target + step, multiplyAdd(p, oddP, evenP));
  v128.store(target + 2 * step, multiplySubtract(p, oddP, evenP));
  const evenQ = multiplyAdd(q2, d2, d0), oddQ = multiplyAdd(q2, d3, d1);
  v128.store(target + 3 * step, multiplyAdd(q, oddQ, evenQ));
  v128.store(target + 4 * step, multiplySubtract(q, oddQ, evenQ));
  v128.store(target + 5 * step, d3);
}

/** Transforms the 4x4 tiles at four addresses. */
export function transformGradient(
  s0: usize, s1: usize, s2: usize, s3: usize, rowStep: usize, target: usize, pointStep: usize,
): void {
  const p2 = f32x4.splat(P2), q2 = f32x4.splat(Q2), p = f32x4.splat(P), q = f32x4.splat(Q), zero = f32x4.splat(0);
  let t00 = zero, t01 = zero, t02 = zero, t03 = zero, t04 = zero, t05 = zero;
  let t10 = zero, t11 = zero, t12 = zero, t13 = zero, t14 = zero, t15 = zero;
  let t20 = zero, t21 = zero, t22 = zero, t23 = zero, t24 = zero, t25 = zero;
  let t30 = zero, t31 = zero, t32 = zero, t33 = zero, t34 = zero, t35 = zero;
  let a = zero, b = zero, c = zero, d = zero, ab = zero, cd = zero, even = zero, odd = zero, d1 = zero, d2 = zero;
  // Row 0.
  a = v128.load(s0); b = v128.load(s1); c = v128.load(s2); d = v128.load(s3);
  ab = interleaveLow(a, b); cd = interleaveLow(c, d); a = interleaveHigh(a, b); c = interleaveHigh(c, d);
  t00 = lowHalves(ab, cd); d1 = highHalves(ab, cd); d2 = lowHalves(a, c); t05 = highHalves(a, c);
  even = multiplyAdd(p2, d2, t00); odd = multiplyAdd(p2, t05, d1);
  t01 = multiplyAdd(p, odd, even); t02 = multiplySubtract(p, odd, even);
  even = multiplyAdd(q2, d2, t00); odd = multiplyAdd(q2, t05, d1);
  t03 = multiplyAdd(q, odd, even); t04 = multiplySubtract(q, odd, even);
  s0 += rowStep; s1 += rowStep; s2 += rowStep; s3 += rowStep;
  // Row 1.
  a = v128.load(s0); b = v128.load(s1); c = v128.load(s2); d = v128.load(s3);
  ab = interleaveLow(a, b); cd = interleaveLow(c, d); a = interleaveHigh(a, b); c = interleaveHigh(c, d);
  t10 = lowHalves(ab, cd); d1 = highHalves(ab, cd); d2 = lowHalves(a, c); t15 = highHalves(a, c);
  even = multiplyAdd(p2, d2, t10); odd = multiplyAdd(p2, t15, d1);
  t11 = multiplyAdd(p, odd, even); t12 = multiplySubtract(p, odd, even);
  even = multiplyAdd(q2, d2, t10); odd = multiplyAdd(q2, t15, d1);
  t13 = multiplyAdd(q, odd, even); t14 = multiplySubtract(q, odd, even);
  s0 += rowStep; s1 += rowStep; s2 += rowStep; s3 += rowStep;
  // Row 2.
  a = v128.load(s0); b = v128.load(s1); c = v128.load(s2); d = v128.load(s3);
  ab = interleaveLow(a, b); cd = interleaveLow(c, d); a = interleaveHigh(a, b); c = interleaveHigh(c, d);
  t20 = lowHalves(ab, cd); d1 = highHalves(ab, cd); d2 = lowHalves(a, c); t25 = highHalves(a, c);
  even = multiplyAdd(p2, d2, t20); odd = multiplyAdd(p2, t25, d1);
  t21 = multiplyAdd(p, odd, even); t22 = multiplySubtract(p, odd, even);
  even = multiplyAdd(q2, d2, t20); odd = multiplyAdd(q2, t25, d1);
  t23 = multiplyAdd(q, odd, even); t24 = multiplySubtract(q, odd, even);
  s0 += rowStep; s1 += rowStep; s2 += rowStep; s3 += rowStep;
  // Row 3.
  a = v128.load(s0); b = v128.load(s1); c = v128.load(s2); d = v128.load(s3);
  ab = interleaveLow(a, b); cd = interleaveLow(c, d); a = interleaveHigh(a, b); c = interleaveHigh(c, d);
  t30 = lowHalves(ab, cd); d1 = highHalves(ab, cd); d2 = lowHalves(a, c); t35 = highHalves(a, c);
  even = multiplyAdd(p2, d2, t30); odd = multiplyAdd(p2, t35, d1);
  t31 = multiplyAdd(p, odd, even); t32 = multiplySubtract(p, odd, even);
  even = multiplyAdd(q2, d2, t30); odd = multiplyAdd(q2, t35, d1);
  t33 = multiplyAdd(q, odd, even); t34 = multiplySubtract(q, odd, even);
  s0 += rowStep; s1 += rowStep; s2 += rowStep; s3 += rowStep;
  const step = 6 * pointStep;
  gradientTransform(t00, t10, t20, t30, target, step, p, q, p2, q2);
  gradientTransform(t01, t11, t21, t31, target + pointStep, step, p, q, p2, q2);
  gradientTransform(t02, t12, t22, t32, target + 2 * pointStep, step, p, q, p2, q2);
  gradientTransform(t03, t13, t23, t33, target + 3 * pointStep, step, p, q, p2, q2);
  gradientTransform(t04, t14, t24, t34, target + 4 * pointStep, step, p, q, p2, q2);
  gradientTransform(t05, t15, t25, t35, target + 5 * pointStep, step, p, q, p2, q2);
}

/** The four outputs of a row of four tiles from the row's six values, one tile's at each address. */
// @ts-ignore: decorator
@inline
function outputTransform(
  m0: v128, m1: v128, m2: v128, m3: v128, m4: v128, m5: v128, o0: usize, o1: usize, o2: usize, o3: usize, shift: v128,
  p: v128, q: v128, p2: v128, q2: v128, p3: v128, q3: v128,
): void {
  const evenP = f32x4.add(m1, m2), oddP = f32x4.sub(m1, m2), evenQ = f32x4.add(m3, m4), oddQ = f32x4.sub(m3, m4);
  const a = f32x4.add(f32x4.add(f32x4.add(m0, shift), evenP), evenQ);
  const b = multiplyAdd(q, oddQ, multiplyAdd(p, oddP, shift)), c = multiplyAdd(q2, evenQ, multiplyAdd(p2, evenP, shift));
  const d = multiplyAdd(q3, oddQ, multiplyAdd(p3, oddP, f32x4.add(m5, shift)));
  const ab = interleaveLow(a, b), cd = interleaveLow(c, d), AB = interleaveHigh(a, b), CD = interleaveHigh(c, d);
  v128.store(o0, lowHalves(ab, cd)); v128.store(o1, highHalves(ab, cd));
  v128.store(o2, lowHalves(AB, CD)); v128.store(o3, highHalves(AB, CD));
}

/**
 * Transforms 36 products back into 4x4 outputs of four tiles, plus `shift`: four rows of one tile at each address, `step`
 * bytes apart.
 */
export function transformOutput(
  source: usize, o0: usize, o1: usize, o2: usize, o3: usize, step: usize, shift: v128,
): void {
  const p = f32x4.splat(P), q = f32x4.splat(Q), p2 = f32x4.splat(P2), q2 = f32x4.splat(Q2);
  const p3 = f32x4.splat(P * P2), q3 = f32x4.splat(Q * Q2), zero = f32x4.splat(0);
  let t00 = zero, t01 = zero, t02 = zero, t03 = zero, t04 = zero, t05 = zero;
  let t10 = zero, t11 = zero, t12 = zero, t13 = zero, t14 = zero, t15 = zero;
  let t20 = zero, t21 = zero, t22 = zero, t23 = zero, t24 = zero, t25 = zero;
  let t30 = zero, t31 = zero, t32 = zero, t33 = zero, t34 = zero, t35 = zero;
  let m1 = zero, m2 = zero, m3 = zero, m4 = zero, evenP = zero, oddP = zero, evenQ = zero, oddQ = zero;
  m1 = v128.load(source, 96); m2 = v128.load(source, 192); m3 = v128.load(source, 288); m4 = v128.load(source, 384);
  evenP = f32x4.add(m1, m2); oddP = f32x4.sub(m1, m2); evenQ = f32x4.add(m3, m4); oddQ = f32x4.sub(m3, m4);
  t00 = f32x4.add(f32x4.add(v128.load(source), evenP), evenQ); t10 = multiplyAdd(q, oddQ, f32x4.mul(p, oddP));
  t20 = multiplyAdd(q2, evenQ, f32x4.mul(p2, evenP));
  t30 = multiplyAdd(q3, oddQ, multiplyAdd(p3, oddP, v128.load(source, 480)));
  m1 = v128.load(source, 112); m2 = v128.load(source, 208); m3 = v128.load(source, 304); m4 = v128.load(source, 400);
  evenP = f32x4.add(m1, m2); oddP = f32x4.sub(m1, m2); evenQ = f32x4.add(m3, m4); oddQ = f32x4.sub(m3, m4);
  t01 = f32x4.add(f32x4.add(v128.load(source, 16), evenP), evenQ); t11 = multiplyAdd(q, oddQ, f32x4.mul(p, oddP));
  t21 = multiplyAdd(q2, evenQ, f32x4.mul(p2, evenP));
  t31 = multiplyAdd(q3, oddQ, multiplyAdd(p3, oddP, v128.load(source, 496)));
  m1 = v128.load(source, 128); m2 = v128.load(source, 224); m3 = v128.load(source, 320); m4 = v128.load(source, 416);
  evenP = f32x4.add(m1, m2); oddP = f32x4.sub(m1, m2); evenQ = f32x4.add(m3, m4); oddQ = f32x4.sub(m3, m4);
  t02 = f32x4.add(f32x4.add(v128.load(source, 32), evenP), evenQ); t12 = multiplyAdd(q, oddQ, f32x4.mul(p, oddP));
  t22 = multiplyAdd(q2, evenQ, f32x4.mul(p2, evenP));
  t32 = multiplyAdd(q3, oddQ, multiplyAdd(p3, oddP, v128.load(source, 512)));
  m1 = v128.load(source, 144); m2 = v128.load(source, 240); m3 = v128.load(source, 336); m4 = v128.load(source, 432);
  evenP = f32x4.add(m1, m2); oddP = f32x4.sub(m1, m2); evenQ = f32x4.add(m3, m4); oddQ = f32x4.sub(m3, m4);
  t03 = f32x4.add(f32x4.add(v128.load(source, 48), evenP), evenQ); t13 = multiplyAdd(q, oddQ, f32x4.mul(p, oddP));
  t23 = multiplyAdd(q2, evenQ, f32x4.mul(p2, evenP));
  t33 = multiplyAdd(q3, oddQ, multiplyAdd(p3, oddP, v128.load(source, 528)));
  m1 = v128.load(source, 160); m2 = v128.load(source, 256); m3 = v128.load(source, 352); m4 = v128.load(source, 448);
  evenP = f32x4.add(m1, m2); oddP = f32x4.sub(m1, m2); evenQ = f32x4.add(m3, m4); oddQ = f32x4.sub(m3, m4);
  t04 = f32x4.add(f32x4.add(v128.load(source, 64), evenP), evenQ); t14 = multiplyAdd(q, oddQ, f32x4.mul(p, oddP));
  t24 = multiplyAdd(q2, evenQ, f32x4.mul(p2, evenP));
  t34 = multiplyAdd(q3, oddQ, multiplyAdd(p3, oddP, v128.load(source, 544)));
  m1 = v128.load(source, 176); m2 = v128.load(source, 272); m3 = v128.load(source, 368); m4 = v128.load(source, 464);
  evenP = f32x4.add(m1, m2); oddP = f32x4.sub(m1, m2); evenQ = f32x4.add(m3, m4); oddQ = f32x4.sub(m3, m4);
  t05 = f32x4.add(f32x4.add(v128.load(source, 80), evenP), evenQ); t15 = multiplyAdd(q, oddQ, f32x4.mul(p, oddP));
  t25 = multiplyAdd(q2, evenQ, f32x4.mul(p2, evenP));
  t35 = multiplyAdd(q3, oddQ, multiplyAdd(p3, oddP, v128.load(source, 560)));
  outputTransform(t00, t01, t02, t03, t04, t05, o0, o1, o2, o3, shift, p, q, p2, q2, p3, q3);
  o0 += step; o1 += step; o2 += step; o3 += step;
  outputTransform(t10, t11, t12, t13, t14, t15, o0, o1, o2, o3, shift, p, q, p2, q2, p3, q3);
  o0 += step; o1 += step; o2 += step; o3 += step;
  outputTransform(t20, t21, t22, t23, t24, t25, o0, o1, o2, o3, shift, p, q, p2, q2, p3, q3);
  o0 += step; o1 += step; o2 += step; o3 += step;
  outputTransform(t30, t31, t32, t33, t34, t35, o0, o1, o2, o3, shift, p, q, p2, q2, p3, q3);
}

/** Bytes of the outputs of four tiles. */
export const OUTPUT_BYTES: usize = 256;

/** Three coefficients to six values, scaled by the denominators: the transform of a kernel's row or column. */
// @ts-ignore: decorator
@inline
export function weightTransform(w0: v128, w1: v128, w2: v128, target: usize, step: usize): void {
  v128.store(target, f32x4.mul(w0, f32x4.splat(1 / N0)));
  const evenP = multiplyAdd(w2, f32x4.splat(P2 / NP), f32x4.mul(w0, f32x4.splat(1 / NP)));
  const oddP = f32x4.mul(w1, f32x4.splat(P / NP));
  v128.store(target + step, f32x4.add(evenP, oddP));
  v128.store(target + 2 * step, f32x4.sub(evenP, oddP));
  const evenQ = multiplyAdd(w2, f32x4.splat(Q2 / NQ), f32x4.mul(w0, f32x4.splat(1 / NQ)));
  const oddQ = f32x4.mul(w1, f32x4.splat(Q / NQ));
  v128.store(target + 3 * step, f32x4.add(evenQ, oddQ));
  v128.store(target + 4 * step, f32x4.sub(evenQ, oddQ));
  v128.store(target + 5 * step, w2);
}

/** Six values to three coefficients. */
// @ts-ignore: decorator
@inline
export function weightGradientTransform(
  m0: v128, m1: v128, m2: v128, m3: v128, m4: v128, m5: v128, target: usize, step: usize,
): void {
  const evenP = f32x4.add(m1, m2), oddP = f32x4.sub(m1, m2), evenQ = f32x4.add(m3, m4), oddQ = f32x4.sub(m3, m4);
  const p = f32x4.splat(1 / NP), q = f32x4.splat(1 / NQ);
  v128.store(target, multiplyAdd(q, evenQ, multiplyAdd(p, evenP, f32x4.mul(m0, f32x4.splat(1 / N0)))));
  v128.store(target + step, multiplyAdd(f32x4.splat(Q / NQ), oddQ, f32x4.mul(f32x4.splat(P / NP), oddP)));
  v128.store(
    target + 2 * step,
    multiplyAdd(f32x4.splat(Q2 / NQ), evenQ, multiplyAdd(f32x4.splat(P2 / NP), evenP, m5)),
  );
}
