/**
 * Convolutions of any kernel, stride, padding, dilation and groups as matrix products (Chellapilla et al. 2006):
 * their columns, packed in panels of 8 positions, [panel][row][8], a block at a time.
 */

import { copyInto } from "./plane";
import { at, clear, firstLanes, roundUp, word } from "./simd";
import { PANEL } from "./tile";

/** The arguments that all kernels of convolutions begin with: three addresses, a bias or 0, and the geometry of a group. */
export const GROUPS: i32 = 4;
export const INPUTS: i32 = 5;
export const HEIGHT: i32 = 6;
export const WIDTH: i32 = 7;
export const OUTPUTS: i32 = 8;
export const OUTPUT_HEIGHT: i32 = 9;
export const OUTPUT_WIDTH: i32 = 10;
export const KERNEL_HEIGHT: i32 = 11;
export const KERNEL_WIDTH: i32 = 12;
export const STRIDE_Y: i32 = 13;
export const STRIDE_X: i32 = 14;
export const PAD_Y: i32 = 15;
export const PAD_X: i32 = 16;
export const DILATION_Y: i32 = 17;
export const DILATION_X: i32 = 18;
/** Positions of a block. */
export const BLOCK: i32 = 19;
/** Ranges of channels that tasks are split by. */
export const RANGES: i32 = 20;
/** The epilogue, of the forward convolution only. */
export const EPILOGUE: i32 = 21;

/** Depth of a block: a panel of weights and one of columns of that depth stay in the first-level cache. */
export const DEPTH: i32 = 256;

/**
 * Words of an entry of the table of positions: 4 if the four lanes are neighbours in memory, else the number of valid
 * lanes less 4; then the byte offset of each lane.
 */
export const ENTRY: i32 = 5;

/** Floats of a row of a residue plane ({@link placePositions}). */
export function residueStride(p: usize): i32 {
  const reach = (word(p, KERNEL_WIDTH) - 1) * word(p, DILATION_X);
  return roundUp(word(p, OUTPUT_WIDTH) + reach / word(p, STRIDE_X) + 1, 4) + 8;
}

/** Rows of the padded image that positions [start, start + positions) see. */
export function paddedRows(p: usize, start: i32, positions: i32): i32 {
  const outputWidth = word(p, OUTPUT_WIDTH), rows = (start + positions - 1) / outputWidth - start / outputWidth;
  return rows * word(p, STRIDE_Y) + (word(p, KERNEL_HEIGHT) - 1) * word(p, DILATION_Y) + 1;
}

/** The bytes of the table of positions. */
export function tableBytes(positions: i32): usize {
  return <usize> (roundUp(positions, 4) * ENTRY);
}

/**
 * Fills the table of positions: the byte offset of each in a residue plane. A residue plane holds every STRIDE_X-th
 * column of the padded image, so that neighbouring positions are neighbours in memory under every tap.
 */
export function placePositions(p: usize, start: i32, positions: i32, table: usize): void {
  const outputWidth = word(p, OUTPUT_WIDTH), stride = residueStride(p), step = word(p, STRIDE_Y) * stride;
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

/** Whether the four positions of each entry of a table are neighbours. */
export function hasWholeQuads(table: usize, quads: i32): bool {
  for (let quad = 0; quad < quads; quad++) if (load<i32>(at(table, quad * ENTRY)) != 4) return false;
  return true;
}

/**
 * Copies rows [first, first + rows) of an image plane into the residue planes of stride 2, which are zero elsewhere: in
 * rows outside the image and where columns are padding.
 */
function splitInTwo(
  source: usize, height: i32, width: i32, first: i32, padX: i32, rows: i32, planes: usize, stride: i32,
): void {
  // The image's own even columns are odd behind a padding of odd width.
  const residueStep = rows * stride, swap = padX & 1, end = padX + width, zero = f32x4.splat(0);
  const evens = at(planes, (padX >> 1) + swap * residueStep), odds = at(planes, ((padX + 1) >> 1) + (1 - swap) * residueStep);
  for (let r = max(0, -first); r < min(rows, height - first); r++) {
    let from = at(source, (first + r) * width), even = at(evens, r * stride), odd = at(odds, r * stride);
    for (let x = 0; x < width; x += 8) {
      const a = v128.load(from), b = v128.load(from, 16);
      v128.store(even, v128.shuffle<f32>(a, b, 0, 2, 4, 6));
      v128.store(odd, v128.shuffle<f32>(a, b, 1, 3, 5, 7));
      from += 32;
      even += 16;
      odd += 16;
    }
    v128.store(at(planes, r * stride + ((end + 1) >> 1)), zero);
    v128.store(at(planes, residueStep + r * stride + (end >> 1)), zero);
  }
}

/**
 * Copies the rows of a channel that a block sees into residue planes, which of strides up to 2 are zero elsewhere. `row` is
 * scratch for one row.
 */
function splitResidues(p: usize, source: usize, firstRow: i32, rows: i32, planes: usize, row: usize): void {
  const height = word(p, HEIGHT), width = word(p, WIDTH), strideX = word(p, STRIDE_X), stride = residueStride(p);
  const y = firstRow * word(p, STRIDE_Y) - word(p, PAD_Y), padX = word(p, PAD_X);
  if (strideX == 1) {
    copyInto(source, height, width, y, padX, rows, planes, stride);
    return;
  }
  if (strideX == 2) {
    splitInTwo(source, height, width, y, padX, rows, planes, stride);
    return;
  }
  const residueStep = rows * stride;
  for (let r = 0; r < rows; r++) {
    clear(row, strideX * stride);
    copyInto(source, height, width, y + r, padX, 1, row, strideX * stride);
    const target = at(planes, r * stride);
    for (let x = 0; x < strideX * stride; x++) {
      store<f32>(at(target, x % strideX * residueStep + x / strideX), load<f32>(at(row, x)));
    }
  }
}

/** Rows [first, first + count) of the columns of an image's group, at `positions` positions from `start` on. */
function packColumns(
  p: usize, source: usize, first: i32, count: i32, start: i32, positions: i32, target: usize, panelFloats: i32, work: usize,
): void {
  const kernelWidth = word(p, KERNEL_WIDTH), taps = word(p, KERNEL_HEIGHT) * kernelWidth, strideX = word(p, STRIDE_X);
  const stride = residueStride(p), rows = paddedRows(p, start, positions), quads = (positions + 3) >> 2;
  const planes = work + tableBytes(positions), row = at(planes, strideX * rows * stride);
  const dilationY = word(p, DILATION_Y), dilationX = word(p, DILATION_X), panelStep = (<usize> panelFloats) << 2;
  const areWhole = (quads & 1) == 0 && hasWholeQuads(work, quads);
  if (strideX <= 2) clear(planes, strideX * rows * stride);
  for (let k = 0, channel = -1; k < count; k++) {
    const c = (first + k) / taps, tap = first + k - c * taps, r = tap / kernelWidth, s = tap - r * kernelWidth;
    if (c != channel) {
      channel = c;
      const plane = at(source, c * word(p, HEIGHT) * word(p, WIDTH));
      splitResidues(p, plane, start / word(p, OUTPUT_WIDTH), rows, planes, row);
    }
    const reach = s * dilationX, residue = reach % strideX;
    const base = at(planes, (residue * rows + r * dilationY) * stride + reach / strideX);
    let entry = work, to = at(target, k * PANEL), even: usize = 0;
    if (areWhole) {
      for (let quad = 0; quad < quads; quad += 2) {
        v128.store(to, v128.load(base + load<u32>(entry, 4)));
        v128.store(to, v128.load(base + load<u32>(entry, 4 + ENTRY * 4)), 16);
        entry += 2 * ENTRY * 4;
        to += panelStep;
      }
      continue;
    }
    for (let quad = 0; quad < quads; quad++) {
      const kind = load<i32>(entry);
      if (kind == 4) v128.store(to + even, v128.load(base + load<u32>(entry, 4)));
      else if (kind == 0) {
        let v = v128.load32_zero(base + load<u32>(entry, 4));
        v = v128.load32_lane(base + load<u32>(entry, 8), v, 1);
        v = v128.load32_lane(base + load<u32>(entry, 12), v, 2);
        v128.store(to + even, v128.load32_lane(base + load<u32>(entry, 16), v, 3));
      } else {
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
export function packPositions(
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
export function isPointwise(p: usize): bool {
  // Of a 1x1 kernel and stride 1, sizes are the same if there is no padding.
  return word(p, KERNEL_HEIGHT) * word(p, KERNEL_WIDTH) == 1 && word(p, STRIDE_Y) == 1 && word(p, STRIDE_X) == 1 &&
    word(p, OUTPUT_HEIGHT) == word(p, HEIGHT) && word(p, OUTPUT_WIDTH) == word(p, WIDTH);
}

/** {@link packColumns}, with zeros to the end of the last panel, and the quick way where the columns are the image. */
export function pack(
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
