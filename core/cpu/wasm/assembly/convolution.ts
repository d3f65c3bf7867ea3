/**
 * Convolutions of any kernel, stride, padding, dilation and groups as matrix products (Chellapilla et al. 2006), of which
 * only a block of columns exists at a time, packed in panels of 8 positions: [panel][row][8].
 */

import { at, clear, pointer, roundUp, word } from "./simd";
import { dotPanels, EDGE_BYTES, multiplyPanels, PANEL, panelHeight } from "./tile";

/** The arguments that all kernels here begin with: three addresses, a bias or 0, and the geometry of a group. */
const GROUPS: i32 = 4;
const INPUTS: i32 = 5;
const HEIGHT: i32 = 6;
const WIDTH: i32 = 7;
const OUTPUTS: i32 = 8;
const OUTPUT_HEIGHT: i32 = 9;
const OUTPUT_WIDTH: i32 = 10;
const KERNEL_HEIGHT: i32 = 11;
const KERNEL_WIDTH: i32 = 12;
const STRIDE_Y: i32 = 13;
const STRIDE_X: i32 = 14;
const PAD_Y: i32 = 15;
const PAD_X: i32 = 16;
const DILATION_Y: i32 = 17;
const DILATION_X: i32 = 18;
/** Positions of a block. */
const BLOCK: i32 = 19;
/** Ranges of channels that tasks are split by. */
const RANGES: i32 = 20;

/** Depth of a block: a panel of weights and one of columns of that depth stay in the first-level cache. */
const DEPTH: i32 = 256;

/** The element of a tap at one output position, zero outside of the image. */
// @ts-ignore: decorator
@inline
function tapAt(plane: usize, height: i32, width: i32, y: i32, x: i32): f32 {
  return <u32> y < <u32> height && <u32> x < <u32> width ? load<f32>(at(plane, y * width + x)) : 0;
}

/** Rows [first, first + count) of the columns of an image's group, at `positions` positions from `start` on. */
function packColumns(
  p: usize, source: usize, first: i32, count: i32, start: i32, positions: i32, target: usize, panelRows: i32,
): void {
  const height = word(p, HEIGHT), width = word(p, WIDTH), outputWidth = word(p, OUTPUT_WIDTH);
  const kernelWidth = word(p, KERNEL_WIDTH), taps = word(p, KERNEL_HEIGHT) * kernelWidth;
  const strideY = word(p, STRIDE_Y), strideX = word(p, STRIDE_X);
  const padY = word(p, PAD_Y), padX = word(p, PAD_X), dilationY = word(p, DILATION_Y), dilationX = word(p, DILATION_X);
  const end = start + positions;
  for (let position = start; position < end; position += 4) {
    const oy = position / outputWidth, ox = position - oy * outputWidth, whole = position + 4 <= end && ox + 4 <= outputWidth;
    const offset = position - start;
    let to = at(target, (offset >> 3) * panelRows * PANEL + (offset & 7));
    let c = first / taps, tap = first - c * taps, r = tap / kernelWidth, s = tap - r * kernelWidth;
    let plane = at(source, c * height * width);
    for (let k = 0; k < count; k++) {
      const y = oy * strideY + r * dilationY - padY, x = ox * strideX + s * dilationX - padX;
      if (whole && <u32> y >= <u32> height) v128.store(to, f32x4.splat(0));
      else if (whole && x >= 0 && x + 3 * strideX < width && strideX <= 2) {
        const from = at(plane, y * width + x);
        if (strideX == 1) v128.store(to, v128.load(from));
        else v128.store(to, v128.shuffle<f32>(v128.load(from), v128.load(from, 16), 0, 2, 4, 6));
      } else {
        for (let lane = 0; lane < 4; lane++) {
          const other = position + lane, ly = other / outputWidth, lx = other - ly * outputWidth;
          const value = other < end
            ? tapAt(
              plane, height, width, ly * strideY + r * dilationY - padY, lx * strideX + s * dilationX - padX,
            )
            : 0;
          store<f32>(at(to, lane), value);
        }
      }
      to += PANEL * 4;
      s++;
      if (s == kernelWidth) {
        s = 0;
        r++;
        if (r * kernelWidth == taps) {
          r = 0;
          plane = at(plane, height * width);
        }
      }
    }
  }
}

/** Rows of contiguous positions, packed as columns; zeros after the last position of the last panel. */
function packPositions(
  source: usize, rowStride: i32, count: i32, positions: i32, target: usize, panelRows: i32,
): void {
  for (let position = 0; position < positions; position += PANEL) {
    let from = at(source, position), to = at(target, position * panelRows);
    const left = positions - position;
    for (let k = 0; k < count; k++) {
      if (left >= PANEL) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
      } else for (let lane = 0; lane < PANEL; lane++) store<f32>(at(to, lane), lane < left ? load<f32>(at(from, lane)) : 0);
      from = at(from, rowStride);
      to += PANEL * 4;
    }
  }
}

/** Whether the columns are the image itself. */
function isPointwise(p: usize): bool {
  return word(p, KERNEL_HEIGHT) * word(p, KERNEL_WIDTH) == 1 && word(p, STRIDE_Y) == 1 && word(p, STRIDE_X) == 1 &&
    word(p, PAD_Y) == 0 && word(p, PAD_X) == 0;
}

/** {@link packColumns}, with zeros to the end of the last panel, and the quick way where the columns are the image. */
function pack(
  p: usize, source: usize, first: i32, count: i32, start: i32, positions: i32, target: usize, panelRows: i32,
): void {
  if (isPointwise(p)) {
    const plane = word(p, HEIGHT) * word(p, WIDTH);
    packPositions(at(source, first * plane + start), plane, count, positions, target, panelRows);
    return;
  }
  const rest = positions & 7;
  if (rest > 0 && rest <= 4) clear(at(target, (positions >> 3) * panelRows * PANEL), panelRows * PANEL);
  packColumns(p, source, first, count, start, positions, target, panelRows);
}

/**
 * y = conv(x, w) (+ bias), for one block of positions of one group of one image by one range of its outputs.
 * Arguments: x, packed weights, y, bias or 0, the geometry (its outputs those of a range), block, ranges.
 */
export function convolution(p: usize, task: i32, scratch: usize): void {
  const ranges = word(p, RANGES), block = word(p, BLOCK), groups = word(p, GROUPS), outputs = word(p, OUTPUTS);
  const plane = word(p, OUTPUT_HEIGHT) * word(p, OUTPUT_WIDTH), blocks = (plane + block - 1) / block;
  const range = task % ranges, start = task / ranges % blocks * block, member = task / ranges / blocks;
  const matrix = member % groups * ranges + range, positions = min(block, plane - start);
  const depth = word(p, INPUTS) * word(p, KERNEL_HEIGHT) * word(p, KERNEL_WIDTH);
  const source = at(pointer(p, 0), member * word(p, INPUTS) * word(p, HEIGHT) * word(p, WIDTH));
  const weights = at(pointer(p, 1), matrix * roundUp(outputs, 4) * depth), bias = pointer(p, 3);
  const y = at(pointer(p, 2), (member * ranges + range) * outputs * plane + start);
  const edge = scratch, packed = scratch + EDGE_BYTES;
  if (bias != 0) {
    for (let k = 0; k < outputs; k++) {
      const value = load<f32>(at(bias, matrix * outputs + k));
      for (let i = 0; i < positions; i++) store<f32>(at(y, k * plane + i), value);
    }
  }
  for (let d = 0; d < depth; d += DEPTH) {
    const count = min(DEPTH, depth - d), adding = bias != 0 || d > 0;
    pack(p, source, d, count, start, positions, packed, count);
    for (let i = 0, height = 0; i < outputs; i += height) {
      height = panelHeight(outputs - i);
      const a = at(weights, i * depth + d * height), rows = min(height, outputs - i);
      for (let j = 0; j < positions; j += PANEL) {
        multiplyPanels(
          height, a, at(packed, j * count), count, at(y, i * plane + j), plane, rows, min(PANEL, positions - j), adding,
          edge,
        );
      }
    }
  }
}

/** Adds columns back to where {@link packColumns} takes them from; rows of `columns` are `stride` floats apart. */
function foldColumns(
  p: usize, columns: usize, stride: i32, inputs: i32, start: i32, positions: i32, target: usize,
): void {
  const height = word(p, HEIGHT), width = word(p, WIDTH), outputWidth = word(p, OUTPUT_WIDTH);
  const kernelHeight = word(p, KERNEL_HEIGHT), kernelWidth = word(p, KERNEL_WIDTH);
  const strideY = word(p, STRIDE_Y), strideX = word(p, STRIDE_X);
  const padY = word(p, PAD_Y), padX = word(p, PAD_X), dilationY = word(p, DILATION_Y), dilationX = word(p, DILATION_X);
  const zero = f32x4.splat(0);
  for (let c = 0; c < inputs; c++) {
    const plane = at(target, c * height * width);
    for (let r = 0; r < kernelHeight; r++) {
      for (let s = 0; s < kernelWidth; s++) {
        let position = start, oy = start / outputWidth, ox = start - oy * outputWidth;
        const end = start + positions;
        while (position < end) {
          const y = oy * strideY + r * dilationY - padY, run = min(outputWidth - ox, end - position);
          if (<u32> y < <u32> height) {
            const line = at(plane, y * width), from = at(columns, position - start);
            let x = ox * strideX + s * dilationX - padX, i = 0;
            for (; i < run && x < 0; i++) x += strideX;
            if (strideX == 1) {
              for (; i + 4 <= run && x + 4 <= width; i += 4) {
                const to = at(line, x);
                v128.store(to, f32x4.add(v128.load(to), v128.load(at(from, i))));
                x += 4;
              }
            } else if (strideX == 2) {
              for (; i + 4 <= run && x + 8 <= width; i += 4) {
                const to = at(line, x), v = v128.load(at(from, i));
                v128.store(to, f32x4.add(v128.load(to), v128.shuffle<f32>(v, zero, 0, 4, 1, 5)));
                v128.store(to, f32x4.add(v128.load(to, 16), v128.shuffle<f32>(v, zero, 2, 4, 3, 5)), 16);
                x += 8;
              }
            }
            for (; i < run && x < width; i++) {
              const to = at(line, x);
              store<f32>(to, load<f32>(to) + load<f32>(at(from, i)));
              x += strideX;
            }
          }
          position += run;
          ox = 0;
          oy++;
        }
        columns = at(columns, stride);
      }
    }
  }
}

/**
 * The gradient of the input: columns = wᵀ dy, added back, for one range of the inputs of one group of one image.
 * Arguments: dy, packed transposed weights, dx, 0, the geometry (its inputs those of a range), block, ranges.
 */
export function convolutionInputGradient(p: usize, task: i32, scratch: usize): void {
  const ranges = word(p, RANGES), block = word(p, BLOCK), groups = word(p, GROUPS), outputs = word(p, OUTPUTS);
  const inputs = word(p, INPUTS), plane = word(p, OUTPUT_HEIGHT) * word(p, OUTPUT_WIDTH);
  const range = task % ranges, member = task / ranges, matrix = member % groups * ranges + range;
  const depth = inputs * word(p, KERNEL_HEIGHT) * word(p, KERNEL_WIDTH);
  const size = inputs * word(p, HEIGHT) * word(p, WIDTH);
  const dy = at(pointer(p, 0), member * outputs * plane), weights = at(pointer(p, 1), matrix * roundUp(depth, 4) * outputs);
  const dx = at(pointer(p, 2), task * size), pointwise = isPointwise(p);
  const edge = scratch, packed = scratch + EDGE_BYTES, columns = at(packed, roundUp(block, PANEL) * outputs);
  if (!pointwise) {
    for (let i = 0; i + 4 <= size; i += 4) v128.store(at(dx, i), f32x4.splat(0));
    for (let i = size & ~3; i < size; i++) store<f32>(at(dx, i), 0);
  }
  for (let start = 0; start < plane; start += block) {
    const positions = min(block, plane - start);
    packPositions(at(dy, start), plane, outputs, positions, packed, outputs);
    const c = pointwise ? at(dx, start) : columns, stride = pointwise ? plane : block;
    for (let k = 0; k < outputs; k += DEPTH) {
      const count = min(DEPTH, outputs - k);
      for (let i = 0, height = 0; i < depth; i += height) {
        height = panelHeight(depth - i);
        const a = at(weights, i * outputs + k * height), rows = min(height, depth - i);
        for (let j = 0; j < positions; j += PANEL) {
          multiplyPanels(
            height, a, at(packed, j * outputs + k * PANEL), count, at(c, i * stride + j), stride, rows,
            min(PANEL, positions - j), k > 0, edge,
          );
        }
      }
    }
    if (!pointwise) foldColumns(p, columns, block, inputs, start, positions, dx);
  }
}

/** Further arguments of {@link convolutionWeightGradient}. */
const BATCH: i32 = 21;
const PARTS: i32 = 22;

/**
 * A part of the gradient of the weights: partial[part][group][column row][output], outputs rounded up to 4.
 * Arguments: x, dy, partial, 0, the geometry, block, ranges of outputs, batch, parts. A range is a multiple of 4 outputs.
 */
export function convolutionWeightGradient(p: usize, task: i32, scratch: usize): void {
  const ranges = word(p, RANGES), block = word(p, BLOCK), groups = word(p, GROUPS), outputs = word(p, OUTPUTS);
  const inputs = word(p, INPUTS), plane = word(p, OUTPUT_HEIGHT) * word(p, OUTPUT_WIDTH);
  const batch = word(p, BATCH), parts = word(p, PARTS), part = task / ranges;
  const rangeSize = roundUp((outputs + ranges - 1) / ranges, 4), from = min(outputs, task % ranges * rangeSize);
  const kept = min(rangeSize, outputs - from);
  if (kept <= 0) return;
  const depth = inputs * word(p, KERNEL_HEIGHT) * word(p, KERNEL_WIDTH), size = inputs * word(p, HEIGHT) * word(p, WIDTH);
  const rows = roundUp(depth, 2), gradientRows = roundUp(kept, 4), rounded = roundUp(outputs, 4);
  const firstImage = part * batch / parts, endImage = (part + 1) * batch / parts;
  const spare = scratch, columns = scratch + 64, gradient = at(columns, roundUp(block, PANEL) * rows);
  const step = (<usize> rounded) << 2, aStep = (<usize> (gradientRows * PANEL)) << 2, bStep = (<usize> (rows * PANEL)) << 2;
  for (let group = 0; group < groups; group++) {
    const target = at(pointer(p, 2), ((part * groups + group) * depth) * rounded + from);
    for (let image = firstImage; image < endImage; image++) {
      const member = image * groups + group, x = at(pointer(p, 0), member * size);
      const dy = at(pointer(p, 1), (member * outputs + from) * plane);
      for (let start = 0; start < plane; start += block) {
        const positions = min(block, plane - start), panels = (positions + PANEL - 1) / PANEL;
        const adding = image > firstImage || start > 0;
        pack(p, x, 0, depth, start, positions, columns, rows);
        packPositions(at(dy, start), plane, kept, positions, gradient, gradientRows);
        for (let k = 0; k < gradientRows; k += 4) {
          for (let i = 0; i < rows; i += 2) {
            // The last odd row has no partner in C: its place is spare.
            const place = at(target, i * rounded + k);
            dotPanels(
              at(gradient, k * PANEL), aStep, at(columns, i * PANEL), bStep, panels, place,
              i + 1 == depth ? spare - place : step, adding,
            );
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
      let place = at(pointer(p, 0), (group * depth + d) * rounded + k), sum = v128.load(place);
      for (let part = 1; part < parts; part++) {
        place += partStep;
        sum = f32x4.add(sum, v128.load(place));
      }
      const target = at(pointer(p, 1), (group * outputs + k) * depth + d), count = outputs - k;
      v128.store32_lane(target, sum, 0);
      if (count > 1) v128.store32_lane(target + along, sum, 1);
      if (count > 2) v128.store32_lane(target + 2 * along, sum, 2);
      if (count > 3) v128.store32_lane(target + 3 * along, sum, 3);
    }
  }
}
