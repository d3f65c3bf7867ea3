/**
 * The innermost loop of products: an outer-product tile of 5 or 4 rows of A by 8 columns of B in registers, both read
 * from panels in the order of use (after Goto and van de Geijn 2008).
 *
 * An engine that checks the bounds of each load, as Deno's does, spends two instructions on the check. So A is loaded
 * four floats at a time, whose lanes are then spread: 13 loads for 40 multiply-adds. 5x8 keeps 14 of the 15 vectors
 * alive that an engine has on x86.
 */

import { clampOne, clampVector } from "./epilogue";
import { at, lane0, lane1, lane2, lane3, multiplyAdd } from "./simd";

/** Columns of a panel of B. */
export const PANEL: i32 = 8;

/** The rows of the next panel of A: five where panels of five and four hold exactly the rows after it, else four. */
// @ts-ignore: decorator
@inline
export function panelHeight(rowsLeft: i32): i32 {
  const after = rowsLeft - 5;
  return after >= 0 && (after & 3) <= after >> 2 ? 5 : 4;
}

/** The first row of panel `panel` of `rows`. */
export function panelStart(rows: i32, panel: i32): i32 {
  let row = 0;
  for (let k = 0; k < panel; k++) row += panelHeight(rows - row);
  return row;
}

/**
 * So many tiles C[5, 8] = A B (+ C), of one panel of A [k, 5] and eight columns of B each. They are one call, since a call
 * a tile takes a tenth of the time at a depth of 16. Rows of B are `next` bytes apart, the columns of the next tile lie
 * `nextColumns` bytes behind. Rows of C are `step` bytes apart, the second four columns of a row lie `gap` bytes behind the
 * first, the next tile `nextTile` bytes. An epilogue adds five biases (none if their address is 0) and a residual, laid
 * out as C (none if 0), and clamps the sums.
 */
function tiles5(
  count: i32, panel: usize, columns: usize, next: usize, nextColumns: usize, k: i32, tile: usize, step: usize, gap: usize,
  nextTile: usize, adding: bool, bias: usize, tileResidual: usize, epilogue: usize,
): void {
  for (; count > 0; count--) {
    let a = panel, b = columns, depth = k, c = tile, residual = tileResidual;
    const zero = f32x4.splat(0);
    let c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero;
    let c30 = zero, c31 = zero, c40 = zero, c41 = zero;
    let b0 = zero, b1 = zero, four = zero, x = zero;
    for (; depth >= 4; depth -= 4) {
      b0 = v128.load(b); b1 = v128.load(b, 16);
      four = v128.load(a);
      x = lane0(four); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
      x = lane1(four); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
      x = lane2(four); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
      x = lane3(four); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
      four = v128.load(a, 16);
      x = lane0(four); c40 = multiplyAdd(x, b0, c40); c41 = multiplyAdd(x, b1, c41);
      b += next; b0 = v128.load(b); b1 = v128.load(b, 16);
      x = lane1(four); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
      x = lane2(four); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
      x = lane3(four); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
      four = v128.load(a, 32);
      x = lane0(four); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
      x = lane1(four); c40 = multiplyAdd(x, b0, c40); c41 = multiplyAdd(x, b1, c41);
      b += next; b0 = v128.load(b); b1 = v128.load(b, 16);
      x = lane2(four); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
      x = lane3(four); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
      four = v128.load(a, 48);
      x = lane0(four); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
      x = lane1(four); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
      x = lane2(four); c40 = multiplyAdd(x, b0, c40); c41 = multiplyAdd(x, b1, c41);
      b += next; b0 = v128.load(b); b1 = v128.load(b, 16);
      x = lane3(four); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
      four = v128.load(a, 64);
      x = lane0(four); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
      x = lane1(four); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
      x = lane2(four); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
      x = lane3(four); c40 = multiplyAdd(x, b0, c40); c41 = multiplyAdd(x, b1, c41);
      a += 80; b += next;
    }
    for (; depth > 0; depth--) {
      b0 = v128.load(b); b1 = v128.load(b, 16);
      x = v128.load32_splat(a); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
      x = v128.load32_splat(a, 4); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
      x = v128.load32_splat(a, 8); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
      x = v128.load32_splat(a, 12); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
      x = v128.load32_splat(a, 16); c40 = multiplyAdd(x, b0, c40); c41 = multiplyAdd(x, b1, c41);
      a += 20; b += next;
    }
    if (adding) {
      let row = c;
      c00 = f32x4.add(c00, v128.load(row)); c01 = f32x4.add(c01, v128.load(row + gap)); row += step;
      c10 = f32x4.add(c10, v128.load(row)); c11 = f32x4.add(c11, v128.load(row + gap)); row += step;
      c20 = f32x4.add(c20, v128.load(row)); c21 = f32x4.add(c21, v128.load(row + gap)); row += step;
      c30 = f32x4.add(c30, v128.load(row)); c31 = f32x4.add(c31, v128.load(row + gap)); row += step;
      c40 = f32x4.add(c40, v128.load(row)); c41 = f32x4.add(c41, v128.load(row + gap));
    }
    if (epilogue != 0) {
      const low = v128.load32_splat(epilogue, 4), high = v128.load32_splat(epilogue, 8);
      if (bias != 0) {
        x = v128.load32_splat(bias); c00 = f32x4.add(c00, x); c01 = f32x4.add(c01, x);
        x = v128.load32_splat(bias, 4); c10 = f32x4.add(c10, x); c11 = f32x4.add(c11, x);
        x = v128.load32_splat(bias, 8); c20 = f32x4.add(c20, x); c21 = f32x4.add(c21, x);
        x = v128.load32_splat(bias, 12); c30 = f32x4.add(c30, x); c31 = f32x4.add(c31, x);
        x = v128.load32_splat(bias, 16); c40 = f32x4.add(c40, x); c41 = f32x4.add(c41, x);
      }
      if (residual != 0) {
        c00 = f32x4.add(c00, v128.load(residual)); c01 = f32x4.add(c01, v128.load(residual + gap)); residual += step;
        c10 = f32x4.add(c10, v128.load(residual)); c11 = f32x4.add(c11, v128.load(residual + gap)); residual += step;
        c20 = f32x4.add(c20, v128.load(residual)); c21 = f32x4.add(c21, v128.load(residual + gap)); residual += step;
        c30 = f32x4.add(c30, v128.load(residual)); c31 = f32x4.add(c31, v128.load(residual + gap)); residual += step;
        c40 = f32x4.add(c40, v128.load(residual)); c41 = f32x4.add(c41, v128.load(residual + gap));
      }
      c00 = clampVector(c00, low, high); c01 = clampVector(c01, low, high);
      c10 = clampVector(c10, low, high); c11 = clampVector(c11, low, high);
      c20 = clampVector(c20, low, high); c21 = clampVector(c21, low, high);
      c30 = clampVector(c30, low, high); c31 = clampVector(c31, low, high);
      c40 = clampVector(c40, low, high); c41 = clampVector(c41, low, high);
    }
    v128.store(c, c00); v128.store(c + gap, c01); c += step;
    v128.store(c, c10); v128.store(c + gap, c11); c += step;
    v128.store(c, c20); v128.store(c + gap, c21); c += step;
    v128.store(c, c30); v128.store(c + gap, c31); c += step;
    v128.store(c, c40); v128.store(c + gap, c41);
    columns += nextColumns; tile += nextTile;
    if (tileResidual != 0) tileResidual += nextTile;
  }
}

/** {@link tiles5} of four rows. */
function tiles4(
  count: i32, panel: usize, columns: usize, next: usize, nextColumns: usize, k: i32, tile: usize, step: usize, gap: usize,
  nextTile: usize, adding: bool, bias: usize, tileResidual: usize, epilogue: usize,
): void {
  for (; count > 0; count--) {
    let a = panel, b = columns, depth = k, c = tile, residual = tileResidual;
    const zero = f32x4.splat(0);
    let c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero;
    let b0 = zero, b1 = zero, four = zero, x = zero;
    for (; depth >= 4; depth -= 4) {
      b0 = v128.load(b); b1 = v128.load(b, 16);
      four = v128.load(a);
      x = lane0(four); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
      x = lane1(four); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
      x = lane2(four); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
      x = lane3(four); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
      b += next; b0 = v128.load(b); b1 = v128.load(b, 16);
      four = v128.load(a, 16);
      x = lane0(four); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
      x = lane1(four); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
      x = lane2(four); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
      x = lane3(four); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
      b += next; b0 = v128.load(b); b1 = v128.load(b, 16);
      four = v128.load(a, 32);
      x = lane0(four); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
      x = lane1(four); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
      x = lane2(four); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
      x = lane3(four); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
      b += next; b0 = v128.load(b); b1 = v128.load(b, 16);
      four = v128.load(a, 48);
      x = lane0(four); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
      x = lane1(four); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
      x = lane2(four); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
      x = lane3(four); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
      a += 64; b += next;
    }
    for (; depth > 0; depth--) {
      b0 = v128.load(b); b1 = v128.load(b, 16);
      x = v128.load32_splat(a); c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
      x = v128.load32_splat(a, 4); c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
      x = v128.load32_splat(a, 8); c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
      x = v128.load32_splat(a, 12); c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
      a += 16; b += next;
    }
    if (adding) {
      let row = c;
      c00 = f32x4.add(c00, v128.load(row)); c01 = f32x4.add(c01, v128.load(row + gap)); row += step;
      c10 = f32x4.add(c10, v128.load(row)); c11 = f32x4.add(c11, v128.load(row + gap)); row += step;
      c20 = f32x4.add(c20, v128.load(row)); c21 = f32x4.add(c21, v128.load(row + gap)); row += step;
      c30 = f32x4.add(c30, v128.load(row)); c31 = f32x4.add(c31, v128.load(row + gap));
    }
    if (epilogue != 0) {
      const low = v128.load32_splat(epilogue, 4), high = v128.load32_splat(epilogue, 8);
      if (bias != 0) {
        x = v128.load32_splat(bias); c00 = f32x4.add(c00, x); c01 = f32x4.add(c01, x);
        x = v128.load32_splat(bias, 4); c10 = f32x4.add(c10, x); c11 = f32x4.add(c11, x);
        x = v128.load32_splat(bias, 8); c20 = f32x4.add(c20, x); c21 = f32x4.add(c21, x);
        x = v128.load32_splat(bias, 12); c30 = f32x4.add(c30, x); c31 = f32x4.add(c31, x);
      }
      if (residual != 0) {
        c00 = f32x4.add(c00, v128.load(residual)); c01 = f32x4.add(c01, v128.load(residual + gap)); residual += step;
        c10 = f32x4.add(c10, v128.load(residual)); c11 = f32x4.add(c11, v128.load(residual + gap)); residual += step;
        c20 = f32x4.add(c20, v128.load(residual)); c21 = f32x4.add(c21, v128.load(residual + gap)); residual += step;
        c30 = f32x4.add(c30, v128.load(residual)); c31 = f32x4.add(c31, v128.load(residual + gap));
      }
      c00 = clampVector(c00, low, high); c01 = clampVector(c01, low, high);
      c10 = clampVector(c10, low, high); c11 = clampVector(c11, low, high);
      c20 = clampVector(c20, low, high); c21 = clampVector(c21, low, high);
      c30 = clampVector(c30, low, high); c31 = clampVector(c31, low, high);
    }
    v128.store(c, c00); v128.store(c + gap, c01); c += step;
    v128.store(c, c10); v128.store(c + gap, c11); c += step;
    v128.store(c, c20); v128.store(c + gap, c21); c += step;
    v128.store(c, c30); v128.store(c + gap, c31);
    columns += nextColumns; tile += nextTile;
    if (tileResidual != 0) tileResidual += nextTile;
  }
}

/** Bytes of scratch for a tile at the edge of C, whose valid part is then copied: 5x8 floats. */
export const EDGE_BYTES: i32 = 160;

/**
 * C[rows, columns] = A B, or C += A B, for one panel of A of `height` rows and any number of columns of B, both of `depth`.
 * Rows of B are `next` bytes apart, eight columns lie `nextColumns` bytes behind the eight before. Seven columns behind the
 * last one of B must be readable.
 *
 * @param edge {@link EDGE_BYTES} of scratch.
 * @param bias The biases of the rows, or 0.
 * @param residual What is added to C at its first row and column, or 0.
 * @param epilogue The epilogue, or 0 if there is none, not even a bias or a residual.
 */
export function multiplyColumns(
  height: i32, a: usize, b: usize, next: usize, nextColumns: usize, depth: i32,
  c: usize, cStride: i32, rows: i32, columns: i32, adding: bool, edge: usize,
  bias: usize, residual: usize, epilogue: usize,
): void {
  const step = (<usize> cStride) << 2;
  if (rows == height) {
    const count = columns / PANEL, done = <usize> (count * PANEL) << 2;
    if (height == 5) {
      tiles5(count, a, b, next, nextColumns, depth, c, step, 16, PANEL * 4, adding, bias, residual, epilogue);
    } else tiles4(count, a, b, next, nextColumns, depth, c, step, 16, PANEL * 4, adding, bias, residual, epilogue);
    columns -= count * PANEL;
    b += <usize> count * nextColumns;
    c += done;
    if (residual != 0) residual += done;
  }
  for (; columns > 0; columns -= PANEL) {
    if (height == 5) tiles5(1, a, b, next, 0, depth, edge, PANEL * 4, 16, 0, false, 0, 0, 0);
    else tiles4(1, a, b, next, 0, depth, edge, PANEL * 4, 16, 0, false, 0, 0, 0);
    let line = c, from = edge, other = residual;
    for (let r = 0; r < rows; r++) {
      const shift: f32 = bias != 0 ? load<f32>(at(bias, r)) : 0;
      for (let s = 0; s < min(columns, PANEL); s++) {
        let value = load<f32>(at(from, s));
        if (adding) value += load<f32>(at(line, s));
        if (epilogue != 0) {
          value += shift;
          if (residual != 0) value += load<f32>(at(other, s));
          value = clampOne(value, epilogue);
        }
        store<f32>(at(line, s), value);
      }
      from += PANEL * 4;
      line += step;
      other += step;
    }
    b += nextColumns;
    c += PANEL * 4;
    if (residual != 0) residual += PANEL * 4;
  }
}

/** {@link multiplyColumns} of packed panels of B. */
// @ts-ignore: decorator
@inline
export function multiplyPanels(
  height: i32, a: usize, b: usize, depth: i32,
  c: usize, cStride: i32, rows: i32, columns: i32, adding: bool, edge: usize,
  bias: usize, residual: usize, epilogue: usize,
): void {
  multiplyColumns(
    height, a, b, PANEL * 4, <usize> (PANEL * depth) << 2, depth, c, cStride, rows, columns, adding, edge, bias, residual,
    epilogue,
  );
}

/**
 * Whole tiles: C[height, 8] = A B of so many packed panels of B, `nextPanel` bytes apart, stored as
 * {@link tiles5} does.
 */
// @ts-ignore: decorator
@inline
export function multiplyTiles(
  count: i32, height: i32, a: usize, b: usize, nextPanel: usize, depth: i32, c: usize, step: usize, gap: usize,
  nextTile: usize,
): void {
  if (height == 5) tiles5(count, a, b, PANEL * 4, nextPanel, depth, c, step, gap, nextTile, false, 0, 0, 0);
  else tiles4(count, a, b, PANEL * 4, nextPanel, depth, c, step, gap, nextTile, false, 0, 0, 0);
}
