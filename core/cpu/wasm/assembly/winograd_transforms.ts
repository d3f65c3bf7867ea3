/**
 * The transforms of Winograd's filtering by interpolation at 0, ±3/4, ±3/2 and infinity: exact in binary, and with half
 * of the rounding error of the customary 0, ±1, ±2 (after Barabasz et al. 2020; `tools/winograd_error.py`). Each is
 * applied to the rows and then to the columns of tiles; the four lanes of a vector are four tiles.
 */

import {
  highHalves, interleaveHigh, interleaveLow, lowHalves, multiplyAdd, multiplySubtract,
} from "./simd";

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

/** Transforms the 6x6 tiles at four addresses; rows are `rowStep` bytes apart, points `pointStep`. */
export function transformInput(
  s0: usize, s1: usize, s2: usize, s3: usize, rowStep: usize, temp: usize, target: usize, pointStep: usize,
): void {
  const p2 = f32x4.splat(P2), q2 = f32x4.splat(Q2);
  const p = f32x4.splat(P), q = f32x4.splat(Q);
  let row = temp;
  for (let r = 0; r < 6; r++) {
    const a = v128.load(s0), b = v128.load(s1), c = v128.load(s2), d = v128.load(s3);
    const ab = interleaveLow(a, b), cd = interleaveLow(c, d), AB = interleaveHigh(a, b), CD = interleaveHigh(c, d);
    const e = interleaveLow(v128.load64_zero(s0, 16), v128.load64_zero(s1, 16));
    const f = interleaveLow(v128.load64_zero(s2, 16), v128.load64_zero(s3, 16));
    inputTransform(
      lowHalves(ab, cd), highHalves(ab, cd), lowHalves(AB, CD), highHalves(AB, CD), lowHalves(e, f), highHalves(e, f),
      row, 16, p, q, p2, q2,
    );
    s0 += rowStep; s1 += rowStep; s2 += rowStep; s3 += rowStep;
    row += 96;
  }
  for (let column = 0; column < 6; column++) {
    inputTransform(
      v128.load(temp), v128.load(temp, 96), v128.load(temp, 192), v128.load(temp, 288), v128.load(temp, 384),
      v128.load(temp, 480), target, 6 * pointStep, p, q, p2, q2,
    );
    temp += 16;
    target += pointStep;
  }
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
  s0: usize, s1: usize, s2: usize, s3: usize, rowStep: usize, temp: usize, target: usize, pointStep: usize,
): void {
  const p2 = f32x4.splat(P2), q2 = f32x4.splat(Q2), p = f32x4.splat(P), q = f32x4.splat(Q);
  let row = temp;
  for (let r = 0; r < 4; r++) {
    const a = v128.load(s0), b = v128.load(s1), c = v128.load(s2), d = v128.load(s3);
    const ab = interleaveLow(a, b), cd = interleaveLow(c, d), AB = interleaveHigh(a, b), CD = interleaveHigh(c, d);
    gradientTransform(
      lowHalves(ab, cd), highHalves(ab, cd), lowHalves(AB, CD), highHalves(AB, CD), row, 16, p, q, p2, q2,
    );
    s0 += rowStep; s1 += rowStep; s2 += rowStep; s3 += rowStep;
    row += 96;
  }
  for (let column = 0; column < 6; column++) {
    gradientTransform(
      v128.load(temp), v128.load(temp, 96), v128.load(temp, 192), v128.load(temp, 288), target, 6 * pointStep,
      p, q, p2, q2,
    );
    temp += 16;
    target += pointStep;
  }
}

/**
 * Transforms 36 products back into 4x4 outputs of four tiles, plus `shift`: sixteen vectors at `temp`, the four of a row
 * together.
 */
export function transformOutput(source: usize, temp: usize, shift: v128): void {
  const p = f32x4.splat(P), q = f32x4.splat(Q), p2 = f32x4.splat(P2), q2 = f32x4.splat(Q2);
  const p3 = f32x4.splat(P * P2), q3 = f32x4.splat(Q * Q2);
  let target = temp + 256;
  for (let column = 0; column < 6; column++) {
    const m1 = v128.load(source, 96), m2 = v128.load(source, 192);
    const m3 = v128.load(source, 288), m4 = v128.load(source, 384);
    const evenP = f32x4.add(m1, m2), oddP = f32x4.sub(m1, m2), evenQ = f32x4.add(m3, m4), oddQ = f32x4.sub(m3, m4);
    v128.store(target, f32x4.add(f32x4.add(v128.load(source), evenP), evenQ));
    v128.store(target, multiplyAdd(q, oddQ, f32x4.mul(p, oddP)), 96);
    v128.store(target, multiplyAdd(q2, evenQ, f32x4.mul(p2, evenP)), 192);
    v128.store(target, multiplyAdd(q3, oddQ, multiplyAdd(p3, oddP, v128.load(source, 480))), 288);
    source += 16;
    target += 16;
  }
  source = temp + 256;
  for (let row = 0; row < 4; row++) {
    const m1 = v128.load(source, 16), m2 = v128.load(source, 32), m3 = v128.load(source, 48), m4 = v128.load(source, 64);
    const evenP = f32x4.add(m1, m2), oddP = f32x4.sub(m1, m2), evenQ = f32x4.add(m3, m4), oddQ = f32x4.sub(m3, m4);
    const y0 = f32x4.add(f32x4.add(f32x4.add(v128.load(source), shift), evenP), evenQ);
    const y1 = multiplyAdd(q, oddQ, multiplyAdd(p, oddP, shift));
    const y2 = multiplyAdd(q2, evenQ, multiplyAdd(p2, evenP, shift));
    const y3 = multiplyAdd(q3, oddQ, multiplyAdd(p3, oddP, f32x4.add(v128.load(source, 80), shift)));
    const ab = interleaveLow(y0, y1), cd = interleaveLow(y2, y3), AB = interleaveHigh(y0, y1), CD = interleaveHigh(y2, y3);
    v128.store(temp, lowHalves(ab, cd));
    v128.store(temp, highHalves(ab, cd), 16);
    v128.store(temp, lowHalves(AB, CD), 32);
    v128.store(temp, highHalves(AB, CD), 48);
    source += 96;
    temp += 64;
  }
}

/** Bytes that {@link transformOutput} uses: 16 vectors of results and 24 between the halves. */
export const OUTPUT_TEMP_BYTES: usize = 640;

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
