/**
 * The weight gradient of 1x1 convolutions as one matrix product: dw = Σ dy xᵀ, the sum over the positions of all images in
 * a row, so that small images need no padding and no sum over parts.
 */

import { packPanel } from "./gemm";
import { at, pointer, word } from "./simd";
import { EDGE_BYTES, multiplyPanels, PANEL, panelHeight, panelStart } from "./tile";

/** Depth of a block: a panel of dy and one of x of that depth stay in the first-level cache. */
const DEPTH: i32 = 256;

/**
 * Packs a panel of output channels a task: [position of all images][channel]. Arguments: dy, target, outputs, positions of
 * an image, batch.
 */
export function packPointwise(p: usize, task: i32, _scratch: usize): void {
  const outputs = word(p, 2), plane = word(p, 3), batch = word(p, 4);
  const row = panelStart(outputs, task), left = outputs - row, height = panelHeight(left);
  const source = at(pointer(p, 0), row * plane), target = at(pointer(p, 1), row * batch * plane);
  for (let image = 0; image < batch; image++) {
    packPanel(
      at(source, image * outputs * plane), plane, 1, min(height, left), height, plane, at(target, image * plane * height),
    );
  }
}

/**
 * dw [outputs, inputs]. Arguments: packed dy, x, dw, outputs, inputs, positions of an image, batch, inputs of a block,
 * panels of a block of outputs, blocks of outputs. Tasks: blocks of inputs by blocks of outputs.
 */
export function pointwiseWeightGradient(p: usize, task: i32, scratch: usize): void {
  const x = pointer(p, 1), outputs = word(p, 3), inputs = word(p, 4), plane = word(p, 5), sum = word(p, 6) * plane;
  const width = word(p, 7), rowPanels = word(p, 8), rowBlocks = word(p, 9);
  const first = task / rowBlocks * width, columns = min(width, inputs - first), block = task % rowBlocks;
  const from = panelStart(outputs, block * rowPanels), to = min(outputs, panelStart(outputs, (block + 1) * rowPanels));
  const edge = scratch, packed = scratch + EDGE_BYTES;
  for (let d = 0; d < sum; d += DEPTH) {
    const depth = min(DEPTH, sum - d);
    for (let k = 0, count = 0; k < depth; k += count) {
      const image = (d + k) / plane, start = d + k - image * plane;
      count = min(depth - k, plane - start);
      for (let j = 0; j < columns; j += PANEL) {
        packPanel(
          at(x, (image * inputs + first + j) * plane + start), plane, 1, min(PANEL, columns - j), PANEL, count,
          at(packed, j * depth + k * PANEL),
        );
      }
    }
    for (let i = from, height = 0; i < to; i += height) {
      height = panelHeight(outputs - i);
      const panel = at(pointer(p, 0), i * sum + d * height), rows = min(height, outputs - i);
      multiplyPanels(
        height, panel, packed, depth, at(pointer(p, 2), i * inputs + first), inputs, rows, columns, d > 0, edge, 0, 0, 0,
      );
    }
  }
}
