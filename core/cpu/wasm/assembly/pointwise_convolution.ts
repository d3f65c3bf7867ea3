/**
 * Convolutions of 1x1 kernels and stride 1, whose columns are the image itself: the positions of a plane are neighbours in
 * memory, so that eight of them are read where they lie, and nothing is packed but the weights.
 */

import { hasEpilogue } from "./epilogue";
import { at, pointer, word } from "./simd";
import { multiplyColumns, PANEL, panelHeight, panelStart } from "./tile";

/** Depth of a block: a panel of weights and eight columns of that depth stay in the first-level cache. */
const DEPTH: i32 = 256;

/** Floats of the columns that are read again for each panel of weights: what stays in the second-level cache. */
const FLOATS: i32 = 32768;

const GROUPS: i32 = 4;
const INPUTS: i32 = 5;
const OUTPUTS: i32 = 6;
const PLANE: i32 = 7;
/** Positions of a block, a multiple of {@link PANEL}. */
const BLOCK: i32 = 8;
const ROW_PANELS: i32 = 9;
const ROW_BLOCKS: i32 = 10;
const EPILOGUE: i32 = 11;

/**
 * y = conv(x, w) (+ bias), for one block of positions of one group of one image by one block of its outputs. Arguments: x,
 * packed weights, y, bias or 0, groups, inputs and outputs of a group, positions of an image, positions of a block, panels
 * of a block of outputs, blocks of outputs, the epilogue.
 */
export function pointwiseConvolution(p: usize, task: i32, scratch: usize): void {
  const inputs = word(p, INPUTS), outputs = word(p, OUTPUTS), plane = word(p, PLANE), block = word(p, BLOCK);
  const rowPanels = word(p, ROW_PANELS), rowBlocks = word(p, ROW_BLOCKS), blocks = (plane + block - 1) / block;
  const rowBlock = task % rowBlocks, start = task / rowBlocks % blocks * block, member = task / rowBlocks / blocks;
  const from = panelStart(outputs, rowBlock * rowPanels);
  const to = min(outputs, panelStart(outputs, (rowBlock + 1) * rowPanels));
  const group = member % word(p, GROUPS), end = min(plane, start + block), step = (<usize> plane) << 2;
  const x = at(pointer(p, 0), member * inputs * plane), y = at(pointer(p, 2), member * outputs * plane);
  const weights = at(pointer(p, 1), group * ((outputs + 3) & ~3) * inputs), bias = pointer(p, 3);
  const shifts = bias != 0 ? at(bias, group * outputs) : 0;
  const residual = pointer(p, EPILOGUE), gap = residual - pointer(p, 2);
  const lastEpilogue = bias != 0 || hasEpilogue(at(p, EPILOGUE)) ? at(p, EPILOGUE) : 0;
  for (let d = 0; d < inputs; d += DEPTH) {
    const count = min(DEPTH, inputs - d), epilogue = d + count == inputs ? lastEpilogue : 0;
    const wide = max(2 * PANEL, FLOATS / count & ~(2 * PANEL - 1));
    for (let first = start; first < end; first += wide) {
      const last = min(end, first + wide), columns = at(x, d * plane);
      for (let i = from, height = 0; i < to; i += height) {
        height = panelHeight(outputs - i);
        const a = at(weights, i * inputs + d * height), rows = min(height, outputs - i), line = at(y, i * plane);
        const shift = bias != 0 ? at(shifts, i) : 0, c = at(line, first);
        multiplyColumns(
          height, a, at(columns, first), step, PANEL * 4, count, c, plane, rows, last - first, d > 0, scratch, shift,
          residual != 0 ? c + gap : 0, epilogue,
        );
      }
    }
  }
}
