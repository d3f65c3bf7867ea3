/**
 * The matrix product C = A B (+ C) for any strides of A and B. A is packed once in panels of rows; a task packs a block
 * of B that fits the second-level cache, and multiplies a range of A's panels by it, each of which fits the first.
 */

import { at, pointer, transposeStore, word } from "./simd";
import { EDGE_BYTES, multiplyPanels, PANEL, panelHeight, panelStart } from "./tile";

/** Depth of a block: a panel of A and one of B of that depth stay in the first-level cache. */
const DEPTH: i32 = 256;

/** Transposes 4x4: reads rows `step` bytes apart, writes rows `targetStep` bytes apart. */
// @ts-ignore: decorator
@inline
function transposeRows(source: usize, step: usize, target: usize, targetStep: usize): void {
  transposeStore(
    v128.load(source), v128.load(source + step), v128.load(source + 2 * step), v128.load(source + 3 * step), target,
    targetStep,
  );
}

/**
 * Packs a panel: `count` rows of `width` in all, rows `rowStride` apart, elements `stride`; zeros after the last row.
 */
export function packPanel(
  source: usize, rowStride: i32, stride: i32, count: i32, width: i32, depth: i32, target: usize,
): void {
  const rowStep = (<usize> rowStride) << 2, step = (<usize> stride) << 2, targetStep = (<usize> width) << 2;
  let k = 0;
  if (count == width && width >= 4 && stride == 1) {
    for (; k + 4 <= depth; k += 4) {
      transposeRows(source, rowStep, target, targetStep);
      if (width == 8) transposeRows(source + 4 * rowStep, rowStep, target + 16, targetStep);
      else {
        for (let r = 4; r < width; r++) {
          const row = source + <usize> r * rowStep, column = at(target, r);
          store<f32>(column, load<f32>(row));
          store<f32>(column + targetStep, load<f32>(row, 4));
          store<f32>(column + 2 * targetStep, load<f32>(row, 8));
          store<f32>(column + 3 * targetStep, load<f32>(row, 12));
        }
      }
      source += 16;
      target += 4 * targetStep;
    }
  } else if (count == width && width == 8 && rowStride == 1) {
    for (; k < depth; k++) {
      v128.store(target, v128.load(source));
      v128.store(target, v128.load(source, 16), 16);
      source += step;
      target += 32;
    }
    return;
  }
  for (; k < depth; k++) {
    let element = source;
    for (let r = 0; r < width; r++) {
      store<f32>(target, r < count ? load<f32>(element) : 0);
      element += rowStep;
      target += 4;
    }
    source += step;
  }
}

/**
 * Packs one panel of rows a task, of several matrices alike. Arguments: A, target, rows, depth, row stride, column
 * stride, panels of a matrix, matrices of a group, floats from a group to the next, from a matrix to the next, from a
 * packed matrix to the next.
 */
export function packRows(p: usize, task: i32, _scratch: usize): void {
  const rows = word(p, 2), depth = word(p, 3), rowStride = word(p, 4), panels = word(p, 6), members = word(p, 7);
  const matrix = task / panels, row = panelStart(rows, task % panels), left = rows - row, height = panelHeight(left);
  const source = at(pointer(p, 0), matrix / members * word(p, 8) + matrix % members * word(p, 9) + row * rowStride);
  const target = at(pointer(p, 1), matrix * word(p, 10) + row * depth);
  packPanel(source, rowStride, word(p, 5), min(height, left), height, depth, target);
}

/**
 * C = A B (+ C). Arguments: packed A, B, C, m, n, k, B's row stride, B's column stride, C's row stride, adding, columns
 * of a block, panels of a block of rows, blocks of rows. Tasks: blocks of columns by blocks of rows.
 */
export function gemm(p: usize, task: i32, scratch: usize): void {
  const a = pointer(p, 0), b = pointer(p, 1), c = pointer(p, 2), m = word(p, 3), n = word(p, 4), k = word(p, 5);
  const bRow = word(p, 6), bColumn = word(p, 7), cRow = word(p, 8), adding = word(p, 9) != 0;
  const width = word(p, 10), rowPanels = word(p, 11), rowBlocks = word(p, 12);
  const first = task / rowBlocks * width, columns = min(width, n - first), block = task % rowBlocks;
  const from = panelStart(m, block * rowPanels), to = min(m, panelStart(m, (block + 1) * rowPanels));
  const edge = scratch, packed = scratch + EDGE_BYTES;
  for (let d = 0; d < k; d += DEPTH) {
    const depth = min(DEPTH, k - d);
    for (let j = 0; j < columns; j += PANEL) {
      packPanel(
        at(b, d * bRow + (first + j) * bColumn), bColumn, bRow, min(PANEL, columns - j), PANEL, depth,
        at(packed, j * depth),
      );
    }
    for (let i = from, height = 0; i < to; i += height) {
      height = panelHeight(m - i);
      const panel = at(a, i * k + d * height), rows = min(height, m - i);
      multiplyPanels(
        height, panel, packed, depth, at(c, i * cRow + first), cRow, rows, columns, adding || d > 0, edge, 0, 0, 0,
      );
    }
  }
}

/** Copies a row to each row of C, a task a row. Arguments: source, C, columns. */
export function fillRows(p: usize, task: i32, _scratch: usize): void {
  const columns = word(p, 2), source = pointer(p, 0), target = at(pointer(p, 1), task * columns);
  for (let i = 0; i < columns; i++) store<f32>(at(target, i), load<f32>(at(source, i)));
}
