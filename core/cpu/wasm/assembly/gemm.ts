/**
 * The matrix product C = A B (or C += A B) in float32, for any strides of A and B. B is packed in panels of 8 columns and A
 * in panels of 6 rows, block by block so that they stay in the caches; the innermost loop keeps a 6x8 tile in registers
 * (Goto and van de Geijn 2008). The order of additions depends on nothing but k, so results repeat to the bit.
 */

import { multiplyAdd } from "./multiply_add";

/** Rows of the register tile. */
const MR: i32 = 6;
/** Columns of the register tile. */
const NR: i32 = 8;
/** Depth of a block: a panel of B of that depth stays in the first-level cache. */
const KC: i32 = 256;
/** Rows of a block of A, a multiple of MR: it stays in the second-level cache. */
const MC: i32 = 96;
/** Columns of a block of B, a multiple of NR. */
const NC: i32 = 1024;

/** The bytes of scratch memory that {@link gemm} needs. */
export function workspaceBytes(): i32 {
  return (MC * KC + NC * KC + MR * NR) * 4 + 64;
}

/** Packs A[rows, depth] in panels of MR rows, zeros after the last row. */
function packA(a: usize, rowStride: i32, columnStride: i32, rows: i32, depth: i32, target: usize): void {
  for (let i = 0; i < rows; i += MR) {
    if (i + MR <= rows) {
      const r0 = a + ((<usize> (i * rowStride)) << 2), step = (<usize> rowStride) << 2, along = (<usize> columnStride) << 2;
      let p0 = r0, p1 = r0 + step, p2 = p1 + step, p3 = p2 + step, p4 = p3 + step, p5 = p4 + step;
      for (let k = 0; k < depth; k++) {
        store<f32>(target, load<f32>(p0));
        store<f32>(target, load<f32>(p1), 4);
        store<f32>(target, load<f32>(p2), 8);
        store<f32>(target, load<f32>(p3), 12);
        store<f32>(target, load<f32>(p4), 16);
        store<f32>(target, load<f32>(p5), 20);
        p0 += along; p1 += along; p2 += along; p3 += along; p4 += along; p5 += along;
        target += 24;
      }
    } else {
      for (let k = 0; k < depth; k++) {
        for (let r = 0; r < MR; r++) {
          const value: f32 = i + r < rows ? load<f32>(a + ((<usize> ((i + r) * rowStride + k * columnStride)) << 2)) : 0;
          store<f32>(target, value);
          target += 4;
        }
      }
    }
  }
}

/** Packs B[depth, columns] in panels of NR columns, zeros after the last column. */
function packB(b: usize, rowStride: i32, columnStride: i32, depth: i32, columns: i32, target: usize): void {
  for (let j = 0; j < columns; j += NR) {
    if (j + NR <= columns && columnStride == 1) {
      let source = b + ((<usize> j) << 2);
      const step = (<usize> rowStride) << 2;
      for (let k = 0; k < depth; k++) {
        v128.store(target, v128.load(source));
        v128.store(target, v128.load(source, 16), 16);
        source += step;
        target += 32;
      }
    } else if (j + NR <= columns && rowStride == 1) {
      const step = (<usize> columnStride) << 2;
      let source = b + (<usize> j) * step, k = 0;
      for (; k + 4 <= depth; k += 4) {
        transpose4(source, step, target);
        transpose4(source + 4 * step, step, target + 16);
        source += 16;
        target += 128;
      }
      for (; k < depth; k++) {
        for (let c: usize = 0; c < 8; c++) store<f32>(target + (c << 2), load<f32>(source + c * step));
        source += 4;
        target += 32;
      }
    } else {
      for (let k = 0; k < depth; k++) {
        for (let c = 0; c < NR; c++) {
          const value: f32 = j + c < columns ? load<f32>(b + ((<usize> (k * rowStride + (j + c) * columnStride)) << 2)) : 0;
          store<f32>(target, value);
          target += 4;
        }
      }
    }
  }
}

/** Writes four rows of four, 32 bytes apart, from four columns. */
// @ts-ignore: decorator
@inline
function transpose4(source: usize, step: usize, target: usize): void {
  const a = v128.load(source), b = v128.load(source + step), c = v128.load(source + 2 * step), d = v128.load(source + 3 * step);
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const AB = v128.shuffle<f32>(a, b, 2, 6, 3, 7), CD = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(target, v128.shuffle<f64>(ab, cd, 0, 2));
  v128.store(target, v128.shuffle<f64>(ab, cd, 1, 3), 32);
  v128.store(target, v128.shuffle<f64>(AB, CD, 0, 2), 64);
  v128.store(target, v128.shuffle<f64>(AB, CD, 1, 3), 96);
}

/** A tile of 6x8: C is loaded where it is added to, and stored with rows `step` bytes apart. */
function tile(a: usize, b: usize, depth: i32, c: usize, step: usize, accumulate: bool): void {
  const zero = f32x4.splat(0);
  let c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero;
  let c30 = zero, c31 = zero, c40 = zero, c41 = zero, c50 = zero, c51 = zero;
  for (let k = 0; k < depth; k++) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = multiplyAdd(x, b0, c00); c01 = multiplyAdd(x, b1, c01);
    x = v128.load32_splat(a, 4);
    c10 = multiplyAdd(x, b0, c10); c11 = multiplyAdd(x, b1, c11);
    x = v128.load32_splat(a, 8);
    c20 = multiplyAdd(x, b0, c20); c21 = multiplyAdd(x, b1, c21);
    x = v128.load32_splat(a, 12);
    c30 = multiplyAdd(x, b0, c30); c31 = multiplyAdd(x, b1, c31);
    x = v128.load32_splat(a, 16);
    c40 = multiplyAdd(x, b0, c40); c41 = multiplyAdd(x, b1, c41);
    x = v128.load32_splat(a, 20);
    c50 = multiplyAdd(x, b0, c50); c51 = multiplyAdd(x, b1, c51);
    a += 24;
    b += 32;
  }
  if (accumulate) {
    let r = c;
    c00 = f32x4.add(c00, v128.load(r)); c01 = f32x4.add(c01, v128.load(r, 16)); r += step;
    c10 = f32x4.add(c10, v128.load(r)); c11 = f32x4.add(c11, v128.load(r, 16)); r += step;
    c20 = f32x4.add(c20, v128.load(r)); c21 = f32x4.add(c21, v128.load(r, 16)); r += step;
    c30 = f32x4.add(c30, v128.load(r)); c31 = f32x4.add(c31, v128.load(r, 16)); r += step;
    c40 = f32x4.add(c40, v128.load(r)); c41 = f32x4.add(c41, v128.load(r, 16)); r += step;
    c50 = f32x4.add(c50, v128.load(r)); c51 = f32x4.add(c51, v128.load(r, 16));
  }
  v128.store(c, c00); v128.store(c, c01, 16); c += step;
  v128.store(c, c10); v128.store(c, c11, 16); c += step;
  v128.store(c, c20); v128.store(c, c21, 16); c += step;
  v128.store(c, c30); v128.store(c, c31, 16); c += step;
  v128.store(c, c40); v128.store(c, c41, 16); c += step;
  v128.store(c, c50); v128.store(c, c51, 16);
}

/** C[m, n] = A[m, k] B[k, n], added to what C holds if `accumulate`. Addresses in bytes, strides in elements. */
export function gemm(
  m: i32, n: i32, k: i32,
  a: usize, aRow: i32, aColumn: i32,
  b: usize, bRow: i32, bColumn: i32,
  c: usize, cRow: i32,
  accumulate: bool,
  workspace: usize,
): void {
  const packedA = workspace, packedB = packedA + <usize> (MC * KC * 4), edge = packedB + <usize> (NC * KC * 4);
  const step = (<usize> cRow) << 2;
  for (let j = 0; j < n; j += NC) {
    const columns = min(NC, n - j);
    for (let p = 0; p < k; p += KC) {
      const depth = min(KC, k - p), adding = accumulate || p > 0;
      packB(b + ((<usize> (p * bRow + j * bColumn)) << 2), bRow, bColumn, depth, columns, packedB);
      for (let i = 0; i < m; i += MC) {
        const rows = min(MC, m - i);
        packA(a + ((<usize> (i * aRow + p * aColumn)) << 2), aRow, aColumn, rows, depth, packedA);
        for (let jj = 0; jj < columns; jj += NR) {
          const panelB = packedB + ((<usize> (jj * depth)) << 2);
          for (let ii = 0; ii < rows; ii += MR) {
            const panelA = packedA + ((<usize> (ii * depth)) << 2);
            const target = c + ((<usize> ((i + ii) * cRow + j + jj)) << 2);
            if (ii + MR <= rows && jj + NR <= columns) {
              tile(panelA, panelB, depth, target, step, adding);
              continue;
            }
            tile(panelA, panelB, depth, edge, 32, false);
            const lastRow = min(MR, rows - ii), lastColumn = min(NR, columns - jj);
            for (let r = 0; r < lastRow; r++) {
              for (let s = 0; s < lastColumn; s++) {
                const at = target + ((<usize> (r * cRow + s)) << 2), value = load<f32>(edge + ((<usize> (r * NR + s)) << 2));
                store<f32>(at, adding ? load<f32>(at) + value : value);
              }
            }
          }
        }
      }
    }
  }
}
