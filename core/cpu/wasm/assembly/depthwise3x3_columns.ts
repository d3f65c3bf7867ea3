/**
 * Depthwise convolutions of 3x3 kernels, stride 1 and padding 1: the lanes of a vector are neighbours of a row, and
 * eight columns of outputs, or four, are walked from the top down. Each row of inputs is loaded once, for the sums of
 * three rows of outputs. Three rows are written out, so that no sum moves to another variable; six sums at a time hide
 * most of a multiply-add's latency. An engine that checks the bounds of each load spends two instructions on the
 * check, so neighbours are taken from vectors that are there already, and distances are constants of the instructions:
 * a sum of addresses would be one more.
 */

import { clampVector } from "./epilogue";
import { multiplyAdd } from "./simd";

/** The most rows that are walked at once: more would be more streams of memory than are fetched ahead. */
const ROWS: i32 = 16;
/** About the most elements of rows that are walked at once, but for {@link LEAST_ROWS}. */
const ELEMENTS: i32 = 768;
const LEAST_ROWS: i32 = 6;

/** Rows of a plane that are walked at once. */
function rowsTogether(height: i32, width: i32): i32 {
  const most = max(LEAST_ROWS, min(ROWS, ELEMENTS / width)), parts = (height + most - 1) / most;
  return (height + parts - 1) / parts;
}

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

/**
 * Eight outputs of each row, or the seven of a plane of that width, whose two vectors share an element. `above` and
 * `below` say that there are rows of inputs there, `left` and `right` that the plane ends.
 */
// @ts-ignore: decorator
@inline
function walkEight(
  source: usize, rows: i32, above: bool, below: bool, left: bool, right: bool, seven: bool, bias: v128,
  w0: v128, w1: v128, w2: v128, w3: v128, w4: v128, w5: v128, w6: v128, w7: v128, w8: v128,
  target: usize, step: usize, clamps: bool, low: v128, high: v128,
): void {
  let a = bias, b = bias, c = bias, an = bias, bn = bias, cn = bias, m = bias, n = bias, v = bias;
  if (above) {
    source -= step;
    m = v128.load(source); n = seven ? v128.load(source, 12) : v128.load(source, 16); v = leftOf(m, source, left);
    a = multiplyAdd(v, w0, bias);
    v = seven ? v128.shuffle<f32>(m, n, 2, 4, 5, 6) : v128.shuffle<f32>(m, n, 3, 4, 5, 6);
    an = multiplyAdd(v, w0, bias);
    a = multiplyAdd(m, w1, a);
    an = multiplyAdd(n, w1, an);
    v = seven ? v128.shuffle<f32>(m, n, 1, 2, 3, 5) : v128.shuffle<f32>(m, n, 1, 2, 3, 4);
    a = multiplyAdd(v, w2, a);
    v = right ? rightOf(n, source, true) : v128.load(source, 20);
    an = multiplyAdd(v, w2, an);
    source += step;
  }
  m = v128.load(source); n = seven ? v128.load(source, 12) : v128.load(source, 16); v = leftOf(m, source, left);
  a = multiplyAdd(v, w3, a); b = multiplyAdd(v, w0, bias);
  v = seven ? v128.shuffle<f32>(m, n, 2, 4, 5, 6) : v128.shuffle<f32>(m, n, 3, 4, 5, 6);
  an = multiplyAdd(v, w3, an); bn = multiplyAdd(v, w0, bias);
  a = multiplyAdd(m, w4, a); b = multiplyAdd(m, w1, b);
  an = multiplyAdd(n, w4, an); bn = multiplyAdd(n, w1, bn);
  v = seven ? v128.shuffle<f32>(m, n, 1, 2, 3, 5) : v128.shuffle<f32>(m, n, 1, 2, 3, 4);
  a = multiplyAdd(v, w5, a); b = multiplyAdd(v, w2, b);
  v = right ? rightOf(n, source, true) : v128.load(source, 20);
  an = multiplyAdd(v, w5, an); bn = multiplyAdd(v, w2, bn);
  source += step;
  for (; rows > 3; rows -= 3) {
    m = v128.load(source); n = seven ? v128.load(source, 12) : v128.load(source, 16); v = leftOf(m, source, left);
    a = multiplyAdd(v, w6, a); b = multiplyAdd(v, w3, b); c = multiplyAdd(v, w0, bias);
    v = seven ? v128.shuffle<f32>(m, n, 2, 4, 5, 6) : v128.shuffle<f32>(m, n, 3, 4, 5, 6);
    an = multiplyAdd(v, w6, an); bn = multiplyAdd(v, w3, bn); cn = multiplyAdd(v, w0, bias);
    a = multiplyAdd(m, w7, a); b = multiplyAdd(m, w4, b); c = multiplyAdd(m, w1, c);
    an = multiplyAdd(n, w7, an); bn = multiplyAdd(n, w4, bn); cn = multiplyAdd(n, w1, cn);
    v = seven ? v128.shuffle<f32>(m, n, 1, 2, 3, 5) : v128.shuffle<f32>(m, n, 1, 2, 3, 4);
    a = multiplyAdd(v, w8, a); b = multiplyAdd(v, w5, b); c = multiplyAdd(v, w2, c);
    v = right ? rightOf(n, source, true) : v128.load(source, 20);
    an = multiplyAdd(v, w8, an); bn = multiplyAdd(v, w5, bn); cn = multiplyAdd(v, w2, cn);
    if (clamps) {
      a = clampVector(a, low, high); an = clampVector(an, low, high);
    }
    v128.store(target, a);
    if (seven) v128.store(target, an, 12);
    else v128.store(target, an, 16);
    source += step; target += step;
    m = v128.load(source); n = seven ? v128.load(source, 12) : v128.load(source, 16); v = leftOf(m, source, left);
    b = multiplyAdd(v, w6, b); c = multiplyAdd(v, w3, c); a = multiplyAdd(v, w0, bias);
    v = seven ? v128.shuffle<f32>(m, n, 2, 4, 5, 6) : v128.shuffle<f32>(m, n, 3, 4, 5, 6);
    bn = multiplyAdd(v, w6, bn); cn = multiplyAdd(v, w3, cn); an = multiplyAdd(v, w0, bias);
    b = multiplyAdd(m, w7, b); c = multiplyAdd(m, w4, c); a = multiplyAdd(m, w1, a);
    bn = multiplyAdd(n, w7, bn); cn = multiplyAdd(n, w4, cn); an = multiplyAdd(n, w1, an);
    v = seven ? v128.shuffle<f32>(m, n, 1, 2, 3, 5) : v128.shuffle<f32>(m, n, 1, 2, 3, 4);
    b = multiplyAdd(v, w8, b); c = multiplyAdd(v, w5, c); a = multiplyAdd(v, w2, a);
    v = right ? rightOf(n, source, true) : v128.load(source, 20);
    bn = multiplyAdd(v, w8, bn); cn = multiplyAdd(v, w5, cn); an = multiplyAdd(v, w2, an);
    if (clamps) {
      b = clampVector(b, low, high); bn = clampVector(bn, low, high);
    }
    v128.store(target, b);
    if (seven) v128.store(target, bn, 12);
    else v128.store(target, bn, 16);
    source += step; target += step;
    m = v128.load(source); n = seven ? v128.load(source, 12) : v128.load(source, 16); v = leftOf(m, source, left);
    c = multiplyAdd(v, w6, c); a = multiplyAdd(v, w3, a); b = multiplyAdd(v, w0, bias);
    v = seven ? v128.shuffle<f32>(m, n, 2, 4, 5, 6) : v128.shuffle<f32>(m, n, 3, 4, 5, 6);
    cn = multiplyAdd(v, w6, cn); an = multiplyAdd(v, w3, an); bn = multiplyAdd(v, w0, bias);
    c = multiplyAdd(m, w7, c); a = multiplyAdd(m, w4, a); b = multiplyAdd(m, w1, b);
    cn = multiplyAdd(n, w7, cn); an = multiplyAdd(n, w4, an); bn = multiplyAdd(n, w1, bn);
    v = seven ? v128.shuffle<f32>(m, n, 1, 2, 3, 5) : v128.shuffle<f32>(m, n, 1, 2, 3, 4);
    c = multiplyAdd(v, w8, c); a = multiplyAdd(v, w5, a); b = multiplyAdd(v, w2, b);
    v = right ? rightOf(n, source, true) : v128.load(source, 20);
    cn = multiplyAdd(v, w8, cn); an = multiplyAdd(v, w5, an); bn = multiplyAdd(v, w2, bn);
    if (clamps) {
      c = clampVector(c, low, high); cn = clampVector(cn, low, high);
    }
    v128.store(target, c);
    if (seven) v128.store(target, cn, 12);
    else v128.store(target, cn, 16);
    source += step; target += step;
  }
  for (; rows > 1; rows--) {
    m = v128.load(source); n = seven ? v128.load(source, 12) : v128.load(source, 16); v = leftOf(m, source, left);
    a = multiplyAdd(v, w6, a); b = multiplyAdd(v, w3, b); c = multiplyAdd(v, w0, bias);
    v = seven ? v128.shuffle<f32>(m, n, 2, 4, 5, 6) : v128.shuffle<f32>(m, n, 3, 4, 5, 6);
    an = multiplyAdd(v, w6, an); bn = multiplyAdd(v, w3, bn); cn = multiplyAdd(v, w0, bias);
    a = multiplyAdd(m, w7, a); b = multiplyAdd(m, w4, b); c = multiplyAdd(m, w1, c);
    an = multiplyAdd(n, w7, an); bn = multiplyAdd(n, w4, bn); cn = multiplyAdd(n, w1, cn);
    v = seven ? v128.shuffle<f32>(m, n, 1, 2, 3, 5) : v128.shuffle<f32>(m, n, 1, 2, 3, 4);
    a = multiplyAdd(v, w8, a); b = multiplyAdd(v, w5, b); c = multiplyAdd(v, w2, c);
    v = right ? rightOf(n, source, true) : v128.load(source, 20);
    an = multiplyAdd(v, w8, an); bn = multiplyAdd(v, w5, bn); cn = multiplyAdd(v, w2, cn);
    if (clamps) {
      a = clampVector(a, low, high); an = clampVector(an, low, high);
    }
    v128.store(target, a);
    if (seven) v128.store(target, an, 12);
    else v128.store(target, an, 16);
    source += step; target += step;
    a = b; b = c; an = bn; bn = cn;
  }
  if (below) {
    m = v128.load(source); n = seven ? v128.load(source, 12) : v128.load(source, 16); v = leftOf(m, source, left);
    a = multiplyAdd(v, w6, a);
    v = seven ? v128.shuffle<f32>(m, n, 2, 4, 5, 6) : v128.shuffle<f32>(m, n, 3, 4, 5, 6);
    an = multiplyAdd(v, w6, an);
    a = multiplyAdd(m, w7, a);
    an = multiplyAdd(n, w7, an);
    v = seven ? v128.shuffle<f32>(m, n, 1, 2, 3, 5) : v128.shuffle<f32>(m, n, 1, 2, 3, 4);
    a = multiplyAdd(v, w8, a);
    v = right ? rightOf(n, source, true) : v128.load(source, 20);
    an = multiplyAdd(v, w8, an);
  }
  if (clamps) {
    a = clampVector(a, low, high); an = clampVector(an, low, high);
  }
  v128.store(target, a);
  if (seven) v128.store(target, an, 12);
  else v128.store(target, an, 16);
}

/** Four outputs of each row. */
// @ts-ignore: decorator
@inline
function walkFour(
  source: usize, rows: i32, above: bool, below: bool, left: bool, right: bool, bias: v128,
  w0: v128, w1: v128, w2: v128, w3: v128, w4: v128, w5: v128, w6: v128, w7: v128, w8: v128,
  target: usize, step: usize, clamps: bool, low: v128, high: v128,
): void {
  let a = bias, b = bias, c = bias, m = bias, v = bias;
  if (above) {
    source -= step;
    m = v128.load(source); v = leftOf(m, source, left);
    a = multiplyAdd(v, w0, bias);
    a = multiplyAdd(m, w1, a);
    v = rightOf(m, source, right);
    a = multiplyAdd(v, w2, a);
    source += step;
  }
  m = v128.load(source); v = leftOf(m, source, left);
  a = multiplyAdd(v, w3, a); b = multiplyAdd(v, w0, bias);
  a = multiplyAdd(m, w4, a); b = multiplyAdd(m, w1, b);
  v = rightOf(m, source, right);
  a = multiplyAdd(v, w5, a); b = multiplyAdd(v, w2, b);
  source += step;
  for (; rows > 3; rows -= 3) {
    m = v128.load(source); v = leftOf(m, source, left);
    a = multiplyAdd(v, w6, a); b = multiplyAdd(v, w3, b); c = multiplyAdd(v, w0, bias);
    a = multiplyAdd(m, w7, a); b = multiplyAdd(m, w4, b); c = multiplyAdd(m, w1, c);
    v = rightOf(m, source, right);
    a = multiplyAdd(v, w8, a); b = multiplyAdd(v, w5, b); c = multiplyAdd(v, w2, c);
    if (clamps) a = clampVector(a, low, high);
    v128.store(target, a);
    source += step; target += step;
    m = v128.load(source); v = leftOf(m, source, left);
    b = multiplyAdd(v, w6, b); c = multiplyAdd(v, w3, c); a = multiplyAdd(v, w0, bias);
    b = multiplyAdd(m, w7, b); c = multiplyAdd(m, w4, c); a = multiplyAdd(m, w1, a);
    v = rightOf(m, source, right);
    b = multiplyAdd(v, w8, b); c = multiplyAdd(v, w5, c); a = multiplyAdd(v, w2, a);
    if (clamps) b = clampVector(b, low, high);
    v128.store(target, b);
    source += step; target += step;
    m = v128.load(source); v = leftOf(m, source, left);
    c = multiplyAdd(v, w6, c); a = multiplyAdd(v, w3, a); b = multiplyAdd(v, w0, bias);
    c = multiplyAdd(m, w7, c); a = multiplyAdd(m, w4, a); b = multiplyAdd(m, w1, b);
    v = rightOf(m, source, right);
    c = multiplyAdd(v, w8, c); a = multiplyAdd(v, w5, a); b = multiplyAdd(v, w2, b);
    if (clamps) c = clampVector(c, low, high);
    v128.store(target, c);
    source += step; target += step;
  }
  for (; rows > 1; rows--) {
    m = v128.load(source); v = leftOf(m, source, left);
    a = multiplyAdd(v, w6, a); b = multiplyAdd(v, w3, b); c = multiplyAdd(v, w0, bias);
    a = multiplyAdd(m, w7, a); b = multiplyAdd(m, w4, b); c = multiplyAdd(m, w1, c);
    v = rightOf(m, source, right);
    a = multiplyAdd(v, w8, a); b = multiplyAdd(v, w5, b); c = multiplyAdd(v, w2, c);
    if (clamps) a = clampVector(a, low, high);
    v128.store(target, a);
    source += step; target += step;
    a = b; b = c;
  }
  if (below) {
    m = v128.load(source); v = leftOf(m, source, left);
    a = multiplyAdd(v, w6, a);
    a = multiplyAdd(m, w7, a);
    v = rightOf(m, source, right);
    a = multiplyAdd(v, w8, a);
  }
  if (clamps) a = clampVector(a, low, high);
  v128.store(target, a);
}

/** So many rows of outputs of a plane. Columns that overlap those before have the same results. */
// @ts-ignore: decorator
@inline
function convolveRows(
  source: usize, target: usize, rows: i32, above: bool, below: bool, width: i32, clamps: bool, low: v128, high: v128,
  bias: v128, w0: v128, w1: v128, w2: v128, w3: v128, w4: v128, w5: v128, w6: v128, w7: v128, w8: v128,
): void {
  const step = (<usize> width) << 2, last = step - 16;
  if (width == 7) {
    walkEight(
      source, rows, above, below, true, true, true, bias, w0, w1, w2, w3, w4, w5, w6, w7, w8,
      target, step, clamps, low, high,
    );
    return;
  }
  if (width == 8) {
    walkEight(
      source, rows, above, below, true, true, false, bias, w0, w1, w2, w3, w4, w5, w6, w7, w8,
      target, step, clamps, low, high,
    );
    return;
  }
  if (width == 4) {
    walkFour(
      source, rows, above, below, true, true, bias, w0, w1, w2, w3, w4, w5, w6, w7, w8,
      target, step, clamps, low, high,
    );
    return;
  }
  if (width < 7) {
    walkFour(
      source, rows, above, below, true, false, bias, w0, w1, w2, w3, w4, w5, w6, w7, w8,
      target, step, clamps, low, high,
    );
  } else {
    walkEight(
      source, rows, above, below, true, false, false, bias, w0, w1, w2, w3, w4, w5, w6, w7, w8,
      target, step, clamps, low, high,
    );
    let x: usize = 32;
    for (; x + 16 < last; x += 32) {
      walkEight(
        source + x, rows, above, below, false, false, false, bias, w0, w1, w2, w3, w4, w5, w6, w7, w8,
        target + x, step, clamps, low, high,
      );
    }
    if (x < last) {
      x = last - 16;
      walkEight(
        source + x, rows, above, below, false, true, false, bias, w0, w1, w2, w3, w4, w5, w6, w7, w8,
        target + x, step, clamps, low, high,
      );
      return;
    }
  }
  walkFour(
    source + last, rows, above, below, false, true, bias, w0, w1, w2, w3, w4, w5, w6, w7, w8,
    target + last, step, clamps, low, high,
  );
}

/**
 * Convolves planes of several images by one kernel, read backwards if `flipped`. `from` and `to` bytes lie between the
 * planes of x and of y.
 */
export function convolvePlanes(
  plane: usize, from: usize, result: usize, to: usize, images: i32, height: i32, width: i32, kernel: usize,
  flipped: bool, bias: v128, epilogue: usize,
): void {
  const first = flipped ? kernel + 32 : kernel, next: usize = flipped ? -4 : 4;
  const w0 = v128.load32_splat(first), w1 = v128.load32_splat(first + next), w2 = v128.load32_splat(first + 2 * next);
  const w3 = v128.load32_splat(first + 3 * next), w4 = v128.load32_splat(first + 4 * next);
  const w5 = v128.load32_splat(first + 5 * next), w6 = v128.load32_splat(first + 6 * next);
  const w7 = v128.load32_splat(first + 7 * next), w8 = v128.load32_splat(first + 8 * next);
  const clamps = epilogue != 0, low = clamps ? v128.load32_splat(epilogue, 4) : bias;
  const high = clamps ? v128.load32_splat(epilogue, 8) : bias;
  const rows = rowsTogether(height, width), step = (<usize> width) << 2;
  for (; images > 0; images--) {
    for (let y = 0; y < height; y += rows) {
      const down = <usize> y * step;
      convolveRows(
        plane + down, result + down, min(rows, height - y), y > 0, y + rows < height, width, clamps, low, high, bias,
        w0, w1, w2, w3, w4, w5, w6, w7, w8,
      );
    }
    plane += from;
    result += to;
  }
}
