/**
 * Products whose sum runs along the rows of both operands, as those of weight gradients run along positions. Panels of
 * eight columns are turned over, each four rows of one becoming [8][4], so that they are an outer product of 4 by 8.
 */

import {
  firstLanes, highHalves, interleaveHigh, interleaveLow, lane0, lane1, lane2, lane3, lowHalves, multiplyAdd,
  transposeStore,
} from "./simd";
import { PANEL } from "./tile";

/** Turns panels [row][8] of a multiple of four rows over in place: each four rows become [8][4]. */
export function turnPanels(p: usize, rows: i32, panelStep: usize, panels: i32): void {
  for (; panels > 0; panels--) {
    for (let row = 0, four = p; row < rows; row += 4) {
      const a = v128.load(four), b = v128.load(four, 32), c = v128.load(four, 64), d = v128.load(four, 96);
      const e = v128.load(four, 16), f = v128.load(four, 48), g = v128.load(four, 80), h = v128.load(four, 112);
      transposeStore(a, b, c, d, four, 16);
      transposeStore(e, f, g, h, four + 64, 16);
      four += 128;
    }
    p += panelStep;
  }
}

/**
 * Packs rows that are `rowStep` bytes apart into panels that are turned over, with zeros beyond `count` columns. Rows
 * that fill up the last four repeat the last.
 */
export function packTurned(
  source: usize, rowStep: usize, rows: i32, count: i32, target: usize, panelStep: usize,
): void {
  for (let row = 0; row < rows; row += 4) {
    let a = source + <usize> row * rowStep, to = target;
    let b = row + 1 < rows ? a + rowStep : a, c = row + 2 < rows ? b + rowStep : b;
    let d = row + 3 < rows ? c + rowStep : c, left = count;
    for (; left >= PANEL; left -= PANEL) {
      transposeStore(v128.load(a), v128.load(b), v128.load(c), v128.load(d), to, 16);
      transposeStore(v128.load(a, 16), v128.load(b, 16), v128.load(c, 16), v128.load(d, 16), to + 64, 16);
      a += 32; b += 32; c += 32; d += 32;
      to += panelStep;
    }
    if (left > 0) {
      const low = firstLanes(left), high = firstLanes(left - 4);
      transposeStore(
        v128.and(v128.load(a), low), v128.and(v128.load(b), low), v128.and(v128.load(c), low),
        v128.and(v128.load(d), low), to, 16,
      );
      transposeStore(
        v128.and(v128.load(a, 16), high), v128.and(v128.load(b, 16), high), v128.and(v128.load(c, 16), high),
        v128.and(v128.load(d, 16), high), to + 64, 16,
      );
    }
    target += 128;
  }
}

/** Stores a row of C, or adds to it. */
// @ts-ignore: decorator
@inline
function putRow(c: usize, v: v128, adding: bool): void {
  v128.store(c, adding ? f32x4.add(v, v128.load(c)) : v);
}

/** Stores four rows of C, or as many of them as there are. */
// @ts-ignore: decorator
@inline
function putRows(a: v128, b: v128, c: v128, d: v128, target: usize, step: usize, rows: i32, adding: bool): void {
  const ab = interleaveLow(a, b), cd = interleaveLow(c, d), AB = interleaveHigh(a, b), CD = interleaveHigh(c, d);
  putRow(target, lowHalves(ab, cd), adding);
  if (rows > 1) putRow(target + step, highHalves(ab, cd), adding);
  if (rows > 2) putRow(target + 2 * step, lowHalves(AB, CD), adding);
  if (rows > 3) putRow(target + 3 * step, highHalves(AB, CD), adding);
}

/**
 * C[s][r] (+)= Σ A[r][·] B[s][·] for four rows of A and up to eight of B, in panels that are turned over. `aStep` and
 * `bStep` bytes lie between panels, `step` between C's rows.
 */
export function sumPanels(
  a: usize, aStep: usize, b: usize, bStep: usize, panels: i32, c: usize, step: usize, rows: i32, adding: bool,
): void {
  const zero = f32x4.splat(0);
  let c00 = zero, c10 = zero, c20 = zero, c30 = zero, c01 = zero, c11 = zero, c21 = zero, c31 = zero;
  let b0 = zero, b1 = zero, four = zero, x = zero;
  // Without a second four rows the first are taken twice.
  let other = rows > 4 ? b + 128 : b;
  for (; panels > 0; panels--) {
    four = v128.load(a); b0 = v128.load(b); b1 = v128.load(other);
    x = lane0(four); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
    x = lane1(four); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
    x = lane2(four); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
    x = lane3(four); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
    four = v128.load(a, 16); b0 = v128.load(b, 16); b1 = v128.load(other, 16);
    x = lane0(four); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
    x = lane1(four); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
    x = lane2(four); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
    x = lane3(four); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
    four = v128.load(a, 32); b0 = v128.load(b, 32); b1 = v128.load(other, 32);
    x = lane0(four); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
    x = lane1(four); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
    x = lane2(four); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
    x = lane3(four); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
    four = v128.load(a, 48); b0 = v128.load(b, 48); b1 = v128.load(other, 48);
    x = lane0(four); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
    x = lane1(four); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
    x = lane2(four); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
    x = lane3(four); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
    four = v128.load(a, 64); b0 = v128.load(b, 64); b1 = v128.load(other, 64);
    x = lane0(four); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
    x = lane1(four); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
    x = lane2(four); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
    x = lane3(four); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
    four = v128.load(a, 80); b0 = v128.load(b, 80); b1 = v128.load(other, 80);
    x = lane0(four); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
    x = lane1(four); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
    x = lane2(four); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
    x = lane3(four); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
    four = v128.load(a, 96); b0 = v128.load(b, 96); b1 = v128.load(other, 96);
    x = lane0(four); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
    x = lane1(four); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
    x = lane2(four); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
    x = lane3(four); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
    four = v128.load(a, 112); b0 = v128.load(b, 112); b1 = v128.load(other, 112);
    x = lane0(four); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
    x = lane1(four); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
    x = lane2(four); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
    x = lane3(four); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
    a += aStep; b += bStep; other += bStep;
  }
  putRows(c00, c10, c20, c30, c, step, rows, adding);
  if (rows > 4) putRows(c01, c11, c21, c31, c + 4 * step, step, rows - 4, adding);
}
