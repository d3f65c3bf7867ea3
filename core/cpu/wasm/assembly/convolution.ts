/**
 * Convolutions of any kernel, stride, padding, dilation and groups as matrix products (Chellapilla et al. 2006), of
 * which only a block of columns exists at a time, packed in panels of 8 positions: [panel][row][8].
 */

import { hasEpilogue } from "./epilogue";
import { copyPadded } from "./plane";
import { at, clear, firstLanes, interleaveHigh, interleaveLow, pointer, roundUp, word } from "./simd";
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
/** The epilogue, of the convolution alone. */
const EPILOGUE: i32 = 21;

/** Depth of a block: a panel of weights and one of columns of that depth stay in the first-level cache. */
const DEPTH: i32 = 256;

/**
 * Words of an entry of the table of positions: valid lanes, or 4 for neighbours in memory; where each of four lanes is.
 */
const ENTRY: i32 = 5;

/** Floats of a row of a phase plane. */
function phaseStride(p: usize): i32 {
  const reach = (word(p, KERNEL_WIDTH) - 1) * word(p, DILATION_X);
  return roundUp(word(p, OUTPUT_WIDTH) + reach / word(p, STRIDE_X) + 1, 4) + 8;
}

/** Rows of the padded image that positions [start, start + positions) see. */
function phaseRows(p: usize, start: i32, positions: i32): i32 {
  const outputWidth = word(p, OUTPUT_WIDTH), rows = (start + positions - 1) / outputWidth - start / outputWidth;
  return rows * word(p, STRIDE_Y) + (word(p, KERNEL_HEIGHT) - 1) * word(p, DILATION_Y) + 1;
}

/** The bytes of the table of positions. */
function tableBytes(positions: i32): usize {
  return <usize> (roundUp(positions, 4) * ENTRY);
}

/**
 * Fills the table of positions: where each is in a phase plane, in bytes. A phase plane holds every STRIDE_X-th column
 * of the padded image, so that the neighbours of a position under any tap are its neighbours in memory.
 */
function placePositions(p: usize, start: i32, positions: i32, table: usize): void {
  const outputWidth = word(p, OUTPUT_WIDTH), stride = phaseStride(p), step = word(p, STRIDE_Y) * stride;
  const firstRow = start / outputWidth, end = start + positions;
  for (let position = start; position < end; position += 4) {
    const first = position % outputWidth;
    store<i32>(table, first + 4 <= outputWidth && position + 4 <= end ? 4 : min(end - position, 4) - 4);
    for (let lane = 0; lane < 4; lane++) {
      const y = (position + lane) / outputWidth, x = position + lane - y * outputWidth;
      store<i32>(at(table, 1 + lane), ((y - firstRow) * step + x) << 2);
    }
    table += ENTRY * 4;
  }
}

/** Copies the rows of a channel that a block sees into phase planes, `row` being scratch for one row. */
function splitPhases(p: usize, source: usize, firstRow: i32, rows: i32, planes: usize, row: usize): void {
  const height = word(p, HEIGHT), width = word(p, WIDTH), strideX = word(p, STRIDE_X), stride = phaseStride(p);
  const y = firstRow * word(p, STRIDE_Y) - word(p, PAD_Y), padX = word(p, PAD_X);
  if (strideX == 1) {
    copyPadded(source, height, width, y, padX, rows, planes, stride);
    return;
  }
  const phaseStep = rows * stride;
  for (let r = 0; r < rows; r++) {
    copyPadded(source, height, width, y + r, padX, 1, row, strideX * stride);
    const target = at(planes, r * stride);
    if (strideX == 2) {
      for (let x = 0; x < stride; x += 4) {
        const a = v128.load(at(row, 2 * x)), b = v128.load(at(row, 2 * x), 16);
        v128.store(at(target, x), v128.shuffle<f32>(a, b, 0, 2, 4, 6));
        v128.store(at(target, phaseStep + x), v128.shuffle<f32>(a, b, 1, 3, 5, 7));
      }
    } else {
      for (let x = 0; x < strideX * stride; x++) {
        store<f32>(at(target, x % strideX * phaseStep + x / strideX), load<f32>(at(row, x)));
      }
    }
  }
}

/** Rows [first, first + count) of the columns of an image's group, at `positions` positions from `start` on. */
function packColumns(
  p: usize, source: usize, first: i32, count: i32, start: i32, positions: i32, target: usize, panelFloats: i32, work: usize,
): void {
  const kernelWidth = word(p, KERNEL_WIDTH), taps = word(p, KERNEL_HEIGHT) * kernelWidth, strideX = word(p, STRIDE_X);
  const stride = phaseStride(p), rows = phaseRows(p, start, positions), quads = (positions + 3) >> 2;
  const planes = work + tableBytes(positions), row = at(planes, strideX * rows * stride);
  const dilationY = word(p, DILATION_Y), dilationX = word(p, DILATION_X), panelStep = (<usize> panelFloats) << 2;
  for (let k = 0, channel = -1; k < count; k++) {
    const c = (first + k) / taps, tap = first + k - c * taps, r = tap / kernelWidth, s = tap - r * kernelWidth;
    if (c != channel) {
      channel = c;
      const plane = at(source, c * word(p, HEIGHT) * word(p, WIDTH));
      splitPhases(p, plane, start / word(p, OUTPUT_WIDTH), rows, planes, row);
    }
    const reach = s * dilationX, phase = reach % strideX;
    const base = at(planes, (phase * rows + r * dilationY) * stride + reach / strideX);
    let entry = work, to = at(target, k * PANEL), even: usize = 0;
    for (let quad = 0; quad < quads; quad++) {
      const kind = load<i32>(entry);
      if (kind == 4) v128.store(to + even, v128.load(base + load<u32>(entry, 4)));
      else {
        for (let lane = 0; lane < 4; lane++) {
          store<f32>(at(to + even, lane), lane < kind + 4 ? load<f32>(base + load<u32>(at(entry, 1 + lane))) : 0);
        }
      }
      entry += ENTRY * 4;
      to += even == 0 ? 0 : panelStep;
      even ^= 16;
    }
  }
}

/** Rows of contiguous positions, packed as columns; zeros after the last position of the last panel. */
function packPositions(
  source: usize, rowStride: i32, count: i32, positions: i32, target: usize, panelFloats: i32,
): void {
  for (let position = 0; position < positions; position += PANEL) {
    let from = at(source, position), to = at(target, position / PANEL * panelFloats);
    const left = positions - position;
    if (left >= PANEL) {
      for (let k = 0; k < count; k++) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        from = at(from, rowStride);
        to += PANEL * 4;
      }
    } else {
      const low = firstLanes(left), high = firstLanes(left - 4);
      for (let k = 0; k < count; k++) {
        v128.store(to, v128.and(v128.load(from), low));
        v128.store(to, v128.and(v128.load(from, 16), high), 16);
        from = at(from, rowStride);
        to += PANEL * 4;
      }
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
  p: usize, source: usize, first: i32, count: i32, start: i32, positions: i32, target: usize, panelFloats: i32, work: usize,
): void {
  if (isPointwise(p)) {
    const plane = word(p, HEIGHT) * word(p, WIDTH);
    packPositions(at(source, first * plane + start), plane, count, positions, target, panelFloats);
    return;
  }
  const rest = positions & 7;
  if (rest > 0 && rest <= 4) clear(at(target, (positions >> 3) * panelFloats), panelFloats);
  packColumns(p, source, first, count, start, positions, target, panelFloats, work);
}

/**
 * y = conv(x, w) (+ bias), for one block of positions of one group of one image by one range of its outputs.
 * Arguments: x, packed weights, y, bias or 0, the geometry (its outputs those of a range), block, ranges, the epilogue.
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
  const edge = scratch, packed = scratch + EDGE_BYTES, work = at(packed, min(DEPTH, depth) * block);
  const shifts = bias != 0 ? at(bias, matrix * outputs) : 0, other = pointer(p, EPILOGUE), gap = other - pointer(p, 2);
  const following = bias != 0 || hasEpilogue(at(p, EPILOGUE)) ? at(p, EPILOGUE) : 0;
  placePositions(p, start, positions, work);
  for (let d = 0; d < depth; d += DEPTH) {
    const count = min(DEPTH, depth - d), epilogue = d + count == depth ? following : 0;
    pack(p, source, d, count, start, positions, packed, count * PANEL, work);
    for (let i = 0, height = 0; i < outputs; i += height) {
      height = panelHeight(outputs - i);
      const a = at(weights, i * depth + d * height), rows = min(height, outputs - i);
      const shift = bias != 0 ? at(shifts, i) : 0;
      for (let j = 0; j < positions; j += PANEL) {
        const c = at(y, i * plane + j);
        multiplyPanels(
          height, a, at(packed, j * count), count, c, plane, rows, min(PANEL, positions - j), d > 0, edge, shift,
          other != 0 ? c + gap : 0, epilogue,
        );
      }
    }
  }
}

/** Adds columns back to where {@link packColumns} takes them from; rows of `columns` are `stride` floats apart. */
function foldColumns(
  p: usize, columns: usize, columnStride: i32, inputs: i32, start: i32, positions: i32, target: usize, work: usize,
): void {
  const height = word(p, HEIGHT), width = word(p, WIDTH), strideX = word(p, STRIDE_X), padX = word(p, PAD_X);
  const kernelHeight = word(p, KERNEL_HEIGHT), kernelWidth = word(p, KERNEL_WIDTH);
  const stride = phaseStride(p), rows = phaseRows(p, start, positions), quads = (positions + 3) >> 2;
  const planes = work + tableBytes(positions), row = at(planes, strideX * rows * stride), phaseStep = rows * stride;
  const dilationY = word(p, DILATION_Y), dilationX = word(p, DILATION_X);
  const firstRow = start / word(p, OUTPUT_WIDTH) * word(p, STRIDE_Y) - word(p, PAD_Y);
  for (let c = 0; c < inputs; c++) {
    clear(planes, strideX * phaseStep);
    for (let r = 0; r < kernelHeight; r++) {
      for (let s = 0; s < kernelWidth; s++) {
        const reach = s * dilationX, base = at(planes, (reach % strideX * rows + r * dilationY) * stride + reach / strideX);
        let entry = work, from = columns;
        for (let quad = 0; quad < quads; quad++) {
          const kind = load<i32>(entry);
          if (kind == 4) {
            const to = base + load<u32>(entry, 4);
            v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
          } else {
            for (let lane = 0; lane < kind + 4; lane++) {
              const to = base + load<u32>(at(entry, 1 + lane));
              store<f32>(to, load<f32>(to) + load<f32>(at(from, lane)));
            }
          }
          entry += ENTRY * 4;
          from += 16;
        }
        columns = at(columns, columnStride);
      }
    }
    for (let r = max(0, -firstRow); r < min(rows, height - firstRow); r++) {
      const phases = at(planes, r * stride);
      let padded = row;
      if (strideX == 1) padded = phases;
      else if (strideX == 2) {
        for (let x = 0; x < stride; x += 4) {
          const even = v128.load(at(phases, x)), odd = v128.load(at(phases, phaseStep + x));
          v128.store(at(row, 2 * x), interleaveLow(even, odd));
          v128.store(at(row, 2 * x), interleaveHigh(even, odd), 16);
        }
      } else {
        for (let x = 0; x < strideX * stride; x++) {
          store<f32>(at(row, x), load<f32>(at(phases, x % strideX * phaseStep + x / strideX)));
        }
      }
      const line = at(target, (c * height + firstRow + r) * width), end = min(width, strideX * stride - padX);
      let x = 0;
      for (; x + 4 <= end; x += 4) {
        v128.store(at(line, x), f32x4.add(v128.load(at(line, x)), v128.load(at(padded, padX + x))));
      }
      for (; x < end; x++) store<f32>(at(line, x), load<f32>(at(line, x)) + load<f32>(at(padded, padX + x)));
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
  const edge = scratch, packed = scratch + EDGE_BYTES, columns = at(packed, block * outputs), work = at(columns, block * depth);
  if (!pointwise) {
    for (let i = 0; i + 4 <= size; i += 4) v128.store(at(dx, i), f32x4.splat(0));
    for (let i = size & ~3; i < size; i++) store<f32>(at(dx, i), 0);
  }
  for (let start = 0; start < plane; start += block) {
    const positions = min(block, plane - start);
    packPositions(at(dy, start), plane, outputs, positions, packed, outputs * PANEL);
    const c = pointwise ? at(dx, start) : columns, stride = pointwise ? plane : block;
    for (let k = 0; k < outputs; k += DEPTH) {
      const count = min(DEPTH, outputs - k);
      for (let i = 0, height = 0; i < depth; i += height) {
        height = panelHeight(depth - i);
        const a = at(weights, i * outputs + k * height), rows = min(height, depth - i);
        for (let j = 0; j < positions; j += PANEL) {
          multiplyPanels(
            height, a, at(packed, j * outputs + k * PANEL), count, at(c, i * stride + j), stride, rows,
            min(PANEL, positions - j), k > 0, edge, 0, 0, 0,
          );
        }
      }
    }
    if (pointwise) continue;
    placePositions(p, start, positions, work);
    foldColumns(p, columns, block, inputs, start, positions, dx, work);
  }
}

/** Floats between the panels of a weight gradient. */
const PANEL_GAP: i32 = 16;

/** Further arguments of {@link convolutionWeightGradient}. */
const BATCH: i32 = 21;
const PARTS: i32 = 22;
const RANGE_SIZE: i32 = 23;

/**
 * A part of the gradient of the weights: partial[part][group][column row][output], outputs rounded up to 4.
 * Arguments: x, dy, partial, 0, the geometry, block, ranges of outputs, batch, parts, outputs of a
 * range, a multiple of 4.
 */
export function convolutionWeightGradient(p: usize, task: i32, scratch: usize): void {
  const ranges = word(p, RANGES), block = word(p, BLOCK), groups = word(p, GROUPS), outputs = word(p, OUTPUTS);
  const inputs = word(p, INPUTS), plane = word(p, OUTPUT_HEIGHT) * word(p, OUTPUT_WIDTH);
  const batch = word(p, BATCH), parts = word(p, PARTS), part = task / ranges;
  const from = task % ranges * word(p, RANGE_SIZE), kept = min(word(p, RANGE_SIZE), outputs - from);
  const depth = inputs * word(p, KERNEL_HEIGHT) * word(p, KERNEL_WIDTH), size = inputs * word(p, HEIGHT) * word(p, WIDTH);
  const rows = min(DEPTH, roundUp(depth, 2)), gradientRows = roundUp(kept, 4), rounded = roundUp(outputs, 4);
  const firstImage = part * batch / parts, endImage = (part + 1) * batch / parts;
  // Panels are not a power of two apart, or a sum over them would use one set of the cache.
  const columnFloats = rows * PANEL + PANEL_GAP, gradientFloats = gradientRows * PANEL + PANEL_GAP;
  const spare = scratch, columns = scratch + 64, gradient = at(columns, block / PANEL * columnFloats);
  const work = at(gradient, block / PANEL * gradientFloats), pointwise = isPointwise(p);
  const step = (<usize> rounded) << 2, aStep = (<usize> gradientFloats) << 2, bStep = (<usize> columnFloats) << 2;
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
          packPositions(
            at(pointer(p, 1), (((image + k) * groups + group) * outputs + from) * plane + start), plane, kept, positions,
            at(gradient, k * imagePanels * gradientFloats), gradientFloats,
          );
        }
        for (let d = 0; d < depth; d += DEPTH) {
          const count = min(DEPTH, depth - d);
          for (let k = 0; k < images; k++) {
            pack(
              p, at(pointer(p, 0), ((image + k) * groups + group) * size), d, count, start, positions,
              at(columns, k * imagePanels * columnFloats), columnFloats, work,
            );
          }
          for (let k = 0; k < gradientRows; k += 4) {
            for (let i = 0; i < count; i += 2) {
              // The last odd row has no partner in C: its place is spare.
              const place = at(target, (d + i) * rounded + k);
              dotPanels(
                at(gradient, k * PANEL), aStep, at(columns, i * PANEL), bStep, images * imagePanels, place,
                i + 1 == count ? spare - place : step, adding,
              );
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
