/**
 * The matrix product C = A B (+ bias) of at most eight rows of A, with the sums of `gemm.ts` to the bit: B's columns are the
 * rows of tiles, so that they are packed once where they are weights, and A's rows are the tiles' columns.
 */

import { packPanel } from "./gemm";
import { at, pointer, word } from "./simd";
import { multiplyTiles, PANEL, panelHeight, panelStart } from "./tile";

/** Depth of a block. */
const DEPTH: i32 = 256;

/** Packs the rows of A as eight columns, zeros after the last. Arguments: A, target, rows, depth. One task. */
export function packFewRows(p: usize, _task: i32, _scratch: usize): void {
  const depth = word(p, 3);
  packPanel(pointer(p, 0), depth, 1, word(p, 2), PANEL, depth, pointer(p, 1));
}

/**
 * C [m, n], some panels of its columns a task. Arguments: packed columns of B, packed rows of A, C, bias or 0, m, n, depth,
 * panels of a task.
 */
export function fewRows(p: usize, task: i32, scratch: usize): void {
  const m = word(p, 4), n = word(p, 5), depth = word(p, 6), panels = word(p, 7), bias = pointer(p, 3);
  const end = min(n, panelStart(n, (task + 1) * panels));
  for (let first = panelStart(n, task * panels), height = 0; first < end; first += height) {
    height = panelHeight(n - first);
    const panel = at(pointer(p, 0), first * depth), c = at(pointer(p, 2), first);
    for (let d = 0; d < depth; d += DEPTH) {
      const columns = at(pointer(p, 1), d * PANEL), count = min(DEPTH, depth - d);
      multiplyTiles(1, height, at(panel, d * height), columns, 0, count, scratch, PANEL * 4, 16, 0);
      for (let r = 0; r < min(height, n - first); r++) {
        for (let row = 0; row < m; row++) {
          const target = at(c, row * n + r);
          let value = load<f32>(at(scratch, r * PANEL + row));
          if (d > 0) value += load<f32>(target);
          else if (bias != 0) value += load<f32>(at(bias, first + r));
          store<f32>(target, value);
        }
      }
    }
  }
}
