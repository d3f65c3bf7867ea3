/** The gradient of a convolution's weights as sums over columns: parts of the batch, then their total. */

import {
  BLOCK, DEPTH, GROUPS, HEIGHT, INPUTS, isPointwise, KERNEL_HEIGHT, KERNEL_WIDTH, OUTPUT_HEIGHT, OUTPUT_WIDTH,
  OUTPUTS, pack, placePositions, RANGES, WIDTH,
} from "./convolution_columns";
import { at, pointer, roundUp, word } from "./simd";
import { PANEL } from "./tile";
import { packTurned, sumPanels, turnPanels } from "./turned_panels";

/** Floats between the panels of a weight gradient. */
const PANEL_GAP: i32 = 16;

/** Panels that are summed up before the sums are: a long sum in float32 is less exact. */
const SUMMED: i32 = 16;

/** Further arguments of {@link convolutionWeightGradient}. */
const BATCH: i32 = 21;
const PARTS: i32 = 22;
const RANGE_SIZE: i32 = 23;
const DEPTH_RANGES: i32 = 24;
const DEPTH_RANGE_SIZE: i32 = 25;

/**
 * A part of the gradient of the weights: partial[part][group][column row][output], outputs rounded up to 4.
 * Arguments: x, dy, partial, 0, the geometry, block, ranges of outputs, batch, parts, outputs of a range, a multiple of 4,
 * ranges of column rows, rows of a range.
 */
export function convolutionWeightGradient(p: usize, task: i32, scratch: usize): void {
  const ranges = word(p, RANGES), block = word(p, BLOCK), groups = word(p, GROUPS), outputs = word(p, OUTPUTS);
  const inputs = word(p, INPUTS), plane = word(p, OUTPUT_HEIGHT) * word(p, OUTPUT_WIDTH);
  const batch = word(p, BATCH), parts = word(p, PARTS), depthRanges = word(p, DEPTH_RANGES);
  const part = task / ranges / depthRanges;
  const from = task % ranges * word(p, RANGE_SIZE), kept = min(word(p, RANGE_SIZE), outputs - from);
  const depth = inputs * word(p, KERNEL_HEIGHT) * word(p, KERNEL_WIDTH), size = inputs * word(p, HEIGHT) * word(p, WIDTH);
  const firstRow = task / ranges % depthRanges * word(p, DEPTH_RANGE_SIZE);
  const endRow = min(depth, firstRow + word(p, DEPTH_RANGE_SIZE));
  const rows = min(DEPTH, roundUp(endRow - firstRow, 4)), gradientRows = roundUp(kept, 4), rounded = roundUp(outputs, 4);
  const firstImage = part * batch / parts, endImage = (part + 1) * batch / parts;
  // The distance of panels is no power of two: else a sum over them would use one set of the cache.
  const columnFloats = rows * PANEL + PANEL_GAP, gradientFloats = gradientRows * PANEL + PANEL_GAP;
  const columns = scratch, gradient = at(columns, block / PANEL * columnFloats);
  const work = at(gradient, block / PANEL * gradientFloats), pointwise = isPointwise(p);
  const step = (<usize> rounded) << 2, planeStep = (<usize> plane) << 2;
  const aStep = (<usize> gradientFloats) << 2, bStep = (<usize> columnFloats) << 2;
  // Small images share a block, so that sums are long.
  const panels = (min(block, plane) + PANEL - 1) / PANEL, together = max(1, block / PANEL / panels);
  for (let group = 0; group < groups; group++) {
    const target = at(pointer(p, 2), ((part * groups + group) * depth) * rounded + from);
    for (let image = firstImage; image < endImage; image += together) {
      for (let start = 0; start < plane; start += block) {
        const positions = min(block, plane - start), images = min(together, endImage - image);
        const imagePanels = (positions + PANEL - 1) / PANEL, adding = image > firstImage || start > 0;
        if (!pointwise) placePositions(p, start, positions, work);
        for (let k = 0; k < images; k++) {
          const source = at(pointer(p, 1), (((image + k) * groups + group) * outputs + from) * plane + start);
          packTurned(source, planeStep, kept, positions, at(gradient, k * imagePanels * gradientFloats), aStep);
        }
        for (let d = firstRow; d < endRow; d += DEPTH) {
          const count = min(DEPTH, endRow - d);
          for (let k = 0; k < images; k++) {
            const source = at(pointer(p, 0), ((image + k) * groups + group) * size);
            const panelsOfImage = at(columns, k * imagePanels * columnFloats);
            if (pointwise) packTurned(at(source, d * plane + start), planeStep, count, positions, panelsOfImage, bStep);
            else pack(p, source, d, count, start, positions, panelsOfImage, columnFloats, work);
          }
          if (!pointwise) turnPanels(columns, roundUp(count, 4), bStep, images * imagePanels);
          for (let panel = 0; panel < images * imagePanels; panel += SUMMED) {
            const a = gradient + <usize> panel * aStep, b = columns + <usize> panel * bStep;
            for (let k = 0; k < gradientRows; k += 4) {
              for (let i = 0; i < count; i += 8) {
                sumPanels(
                  at(a, k * PANEL), aStep, at(b, i * PANEL), bStep, min(SUMMED, images * imagePanels - panel),
                  at(target, (d + i) * rounded + k), step, count - i, adding || panel > 0,
                );
              }
            }
          }
        }
      }
    }
  }
}

/** Rows of a task of {@link convolutionWeightGradientSum}. */
const SUM_ROWS: i32 = 16;

/**
 * Adds the parts up and transposes them. Arguments: partial, dw [groups, outputs, depth], groups, depth, outputs, parts.
 * Tasks: groups by 16 rows of depth.
 */
export function convolutionWeightGradientSum(p: usize, task: i32, _scratch: usize): void {
  const groups = word(p, 2), depth = word(p, 3), outputs = word(p, 4), parts = word(p, 5), rounded = roundUp(outputs, 4);
  const blocks = (depth + SUM_ROWS - 1) / SUM_ROWS, group = task / blocks, first = task % blocks * SUM_ROWS;
  const partStep = (<usize> (groups * depth * rounded)) << 2, along = (<usize> depth) << 2;
  for (let d = first; d < min(depth, first + SUM_ROWS); d++) {
    for (let k = 0; k < outputs; k += 4) {
      let source = at(pointer(p, 0), (group * depth + d) * rounded + k), sum = v128.load(source);
      for (let part = 1; part < parts; part++) {
        source += partStep;
        sum = f32x4.add(sum, v128.load(source));
      }
      const target = at(pointer(p, 1), (group * outputs + k) * depth + d), count = outputs - k;
      v128.store32_lane(target, sum, 0);
      if (count > 1) v128.store32_lane(target + along, sum, 1);
      if (count > 2) v128.store32_lane(target + 2 * along, sum, 2);
      if (count > 3) v128.store32_lane(target + 3 * along, sum, 3);
    }
  }
}
