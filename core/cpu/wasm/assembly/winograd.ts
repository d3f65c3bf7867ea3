/**
 * 3x3 convolutions of stride 1 by Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2015), and their weight
 * gradients by F(3x3, 4x4), which shares the transform of the input.
 *
 * The four lanes of a vector are four tiles. A task takes whole bands of tile rows: for each channel it copies a band
 * into a padded plane and transforms its tiles into panels of 8; 36 small matrix products follow, and their transforms
 * back.
 */

import { clampVector, hasEpilogue } from "./epilogue";
import { copyInto } from "./plane";
import { at, clear, pointer, roundUp, storeLanes, word } from "./simd";
import { multiplyTiles, PANEL, panelHeight, panelStart } from "./tile";
import { sumPanels, turnPanels } from "./turned_panels";
import {
  OUTPUT_BYTES, POINTS, TEMP_BYTES, transformGradient, transformInput, transformOutput, weightGradientTransform,
  weightTransform,
} from "./winograd_transforms";

/** Bytes of the 36 products of four tiles. */
const UNIT_BYTES: usize = 36 * 16;

/**
 * Floats from one point to the next in a panel [point][rows][8] of transformed tiles. It is no power of two: else the
 * 36 streams of a transform would share one set of the cache.
 */
// @ts-ignore: decorator
@inline
function pointStride(rows: i32): i32 {
  return rows * PANEL + 16;
}

/** Floats from an output's products to the next's, for `columns` tiles: [column / 4][point][4]. */
// @ts-ignore: decorator
@inline
function productStride(columns: i32): i32 {
  return columns * POINTS + 16;
}

/** Weight `tap` of four neighbouring inputs, `step` bytes apart; zero from `count` on. */
// @ts-ignore: decorator
@inline
function gatherTap(source: usize, step: usize, tap: usize, count: i32): v128 {
  let v = v128.load32_zero(source + tap);
  if (count > 1) v = v128.load32_lane(source + step + tap, v, 1);
  if (count > 2) v = v128.load32_lane(source + 2 * step + tap, v, 2);
  if (count > 3) v = v128.load32_lane(source + 3 * step + tap, v, 3);
  return v;
}

/**
 * Transforms the kernels of one panel of outputs a task, into panels [point][panel][inputs][rows].
 * Arguments: weights, target, outputs, inputs, floats from an output's kernel to the next, from an input's, rotated.
 */
export function winogradWeights(p: usize, task: i32, scratch: usize): void {
  const outputs = word(p, 2), inputs = word(p, 3), outputStride = word(p, 4), inputStride = word(p, 5);
  const rotated = word(p, 6) != 0;
  const first = panelStart(outputs, task), height = panelHeight(outputs - first), step = (<usize> inputStride) << 2;
  const pointStep = (<usize> (roundUp(outputs, 4) * inputs)) << 2, panel = at(pointer(p, 1), first * inputs);
  const rowsDone = scratch, whole = scratch + TEMP_BYTES;
  for (let row = 0; row < height; row++) {
    for (let input = 0; input < inputs; input += 4) {
      const count = min(4, inputs - input);
      if (first + row >= outputs) clear(whole, POINTS * 4);
      else {
        const source = at(pointer(p, 0), (first + row) * outputStride + input * inputStride);
        for (let r = 0; r < 3; r++) {
          const tap = <usize> (rotated ? 32 - 12 * r : 12 * r), along = <usize> (rotated ? <isize> -4 : 4);
          weightTransform(
            gatherTap(source, step, tap, count), gatherTap(source, step, tap + along, count),
            gatherTap(source, step, tap + 2 * along, count), rowsDone + 96 * r, 16,
          );
        }
        for (let column: usize = 0; column < 96; column += 16) {
          weightTransform(
            v128.load(rowsDone + column), v128.load(rowsDone + column, 96), v128.load(rowsDone + column, 192),
            whole + column, 96,
          );
        }
      }
      let target = at(panel, input * height + row);
      const along = (<usize> height) << 2;
      for (let point = 0; point < POINTS; point++) {
        const v = v128.load(at(whole, 4 * point));
        v128.store32_lane(target, v, 0);
        if (count > 1) v128.store32_lane(target + along, v, 1);
        if (count > 2) v128.store32_lane(target + 2 * along, v, 2);
        if (count > 3) v128.store32_lane(target + 3 * along, v, 3);
        target += pointStep;
      }
    }
  }
}

/** Writes the byte offset of each tile of a band in its plane; lanes without a tile get `spare`. */
function placeTiles(offsets: usize, lanes: i32, tilesY: i32, tilesX: i32, stride: i32, spare: i32): void {
  for (let lane = 0; lane < lanes; lane++) {
    const y = lane / tilesX, x = lane - y * tilesX;
    store<i32>(at(offsets, lane), y < tilesY ? (4 * y * stride + 4 * x) << 2 : spare);
  }
}

/** Writes three words a tile: the byte offset of its outputs from the band's first, their row and their column. */
function placeOutputs(table: usize, lanes: i32, tilesX: i32, outputWidth: i32): void {
  for (let lane = 0; lane < lanes; lane++) {
    const y = lane / tilesX, x = lane - y * tilesX;
    store<i32>(table, (4 * y * outputWidth + 4 * x) << 2);
    store<i32>(table, 4 * y, 4);
    store<i32>(table, 4 * x, 8);
    table += 12;
  }
}

/** Whether the four tiles at an entry lie inside of the plane. */
// @ts-ignore: decorator
@inline
function areWhole(entry: usize, rowsLeft: i32, width: i32): bool {
  // The last has the largest row.
  return load<i32>(entry, 40) + 4 <= rowsLeft && load<i32>(entry, 8) + 4 <= width && load<i32>(entry, 20) + 4 <= width &&
    load<i32>(entry, 32) + 4 <= width && load<i32>(entry, 44) + 4 <= width;
}

/** A sum, where what was at the mask is positive; of no mask, the sum. */
// @ts-ignore: decorator
@inline
function masked(sum: v128, mask: usize): v128 {
  return mask == 0 ? sum : v128.and(sum, f32x4.gt(v128.load(mask), f32x4.splat(0)));
}

/**
 * The convolution of whole bands by a range of outputs.
 * Arguments: input, transformed weights, output, bias or 0, inputs, height, width, outputs, output height, output width,
 * vertical padding, horizontal padding, tile rows of a band, bands of an image, bands in all, bands of a task, ranges of
 * outputs, panels of a range, the epilogue, and what must be positive where the result is not to be 0, or 0.
 */
export function winograd(p: usize, task: i32, scratch: usize): void {
  const x = pointer(p, 0), weights = pointer(p, 1), y = pointer(p, 2), bias = pointer(p, 3);
  const inputs = word(p, 4), height = word(p, 5), width = word(p, 6);
  const outputs = word(p, 7), outputHeight = word(p, 8), outputWidth = word(p, 9);
  const padY = word(p, 10), padX = word(p, 11), bandRows = word(p, 12), imageBands = word(p, 13);
  const bands = word(p, 14), taskBands = word(p, 15), ranges = word(p, 16), rangePanels = word(p, 17);
  const residual = pointer(p, 18), gap = residual - y, mask = pointer(p, 21), maskGap = mask - y;
  const isPlain = mask == 0 && !hasEpilogue(at(p, 18)), low = v128.load32_splat(at(p, 19)), high = v128.load32_splat(at(p, 20));
  const firstBand = task / ranges * taskBands, bandCount = min(taskBands, bands - firstBand), range = task % ranges;
  const from = panelStart(outputs, range * rangePanels), to = min(outputs, panelStart(outputs, (range + 1) * rangePanels));

  const tilesX = (outputWidth + 3) >> 2, lanes = roundUp(bandRows * tilesX, 4), columns = roundUp(bandCount * lanes, PANEL);
  const stride = 4 * tilesX + 8, planeRows = 4 * bandRows + 2;
  const offsets = scratch, outputTable = at(offsets, lanes), temp = at(outputTable, 3 * lanes);
  const plane = temp + OUTPUT_BYTES;
  const v = at(plane, planeRows * stride), vStride = pointStride(inputs), vStep = (<usize> vStride) << 2;
  const products = at(v, columns / PANEL * POINTS * vStride), mStride = productStride(columns);
  placeTiles(offsets, lanes, bandRows, tilesX, stride, 0);
  placeOutputs(outputTable, lanes, tilesX, outputWidth);

  for (let band = 0; band < bandCount; band++) {
    const image = (firstBand + band) / imageBands, firstRow = (firstBand + band) % imageBands * bandRows * 4 - padY;
    clear(plane, planeRows * stride);
    for (let c = 0; c < inputs; c++) {
      copyInto(at(x, (image * inputs + c) * height * width), height, width, firstRow, padX, planeRows, plane, stride);
      for (let lane = 0; lane < lanes; lane += 4) {
        const o = at(offsets, lane), column = band * lanes + lane;
        transformInput(
          plane + load<u32>(o), plane + load<u32>(o, 4), plane + load<u32>(o, 8), plane + load<u32>(o, 12),
          (<usize> stride) << 2, at(v, (column >> 3) * POINTS * vStride + c * PANEL + (column & 7)), vStep,
        );
      }
    }
  }

  const uStride = roundUp(outputs, 4) * inputs, mStep = (<usize> mStride) << 2, panelStep = <usize> POINTS * vStep;
  for (let point = 0; point < POINTS; point++) {
    const u = at(weights, point * uStride), m = at(products, point * 4);
    for (let i = from, rows = 0; i < to; i += rows) {
      rows = panelHeight(outputs - i);
      multiplyTiles(
        (columns + PANEL - 1) / PANEL, rows, at(u, i * inputs), at(v, point * vStride), panelStep, inputs,
        m + <usize> (i - from) * mStep, mStep, UNIT_BYTES, 2 * UNIT_BYTES,
      );
    }
  }

  for (let band = 0; band < bandCount; band++) {
    const image = (firstBand + band) / imageBands, firstRow = (firstBand + band) % imageBands * bandRows * 4;
    const rowsLeft = min(4 * bandRows, outputHeight - firstRow), step = (<usize> outputWidth) << 2;
    for (let k = from; k < to; k++) {
      const target = at(y, ((image * outputs + k) * outputHeight + firstRow) * outputWidth);
      const shift = f32x4.splat(bias != 0 ? load<f32>(at(bias, k)) : 0);
      for (let lane = 0; lane < lanes; lane += 4) {
        const source = at(products, (k - from) * mStride + (band * lanes + lane) * POINTS);
        let entry = outputTable + <usize> (12 * lane), tile = temp;
        if (isPlain && areWhole(entry, rowsLeft, outputWidth)) {
          transformOutput(
            source, target + load<u32>(entry), target + load<u32>(entry, 12), target + load<u32>(entry, 24),
            target + load<u32>(entry, 36), step, shift,
          );
          continue;
        }
        transformOutput(source, temp, temp + 16, temp + 32, temp + 48, 64, shift);
        for (let q = 0; q < 4; q++) {
          const rows = rowsLeft - load<i32>(entry, 4), count = outputWidth - load<i32>(entry, 8);
          if (rows <= 0) break;
          let output = target + load<u32>(entry), other = mask != 0 ? output + maskGap : 0;
          if (rows >= 4 && count >= 4) {
            let v0 = v128.load(tile), v1 = v128.load(tile, 64), v2 = v128.load(tile, 128), v3 = v128.load(tile, 192);
            if (residual != 0) {
              const from = output + gap;
              v0 = f32x4.add(v0, v128.load(from)); v1 = f32x4.add(v1, v128.load(from + step));
              v2 = f32x4.add(v2, v128.load(from + 2 * step)); v3 = f32x4.add(v3, v128.load(from + 3 * step));
            }
            if (mask != 0) {
              v0 = masked(v0, other); v1 = masked(v1, other + step);
              v2 = masked(v2, other + 2 * step); v3 = masked(v3, other + 3 * step);
            }
            v128.store(output, clampVector(v0, low, high));
            v128.store(output + step, clampVector(v1, low, high));
            v128.store(output + 2 * step, clampVector(v2, low, high));
            v128.store(output + 3 * step, clampVector(v3, low, high));
          } else {
            for (let r = 0; r < min(4, rows); r++) {
              let v = v128.load(tile + <usize> r * 64);
              if (residual != 0) v = f32x4.add(v, v128.load(output + gap));
              storeLanes(output, clampVector(masked(v, other), low, high), count);
              output += step;
              if (mask != 0) other += step;
            }
          }
          tile += 16;
          entry += 12;
        }
      }
    }
  }
}

/**
 * A part of the weight gradient, transformed: partial[part][point][input][output], outputs rounded up to 4.
 * Arguments: input, output gradient, partial, inputs, height, width, outputs, output height, output width, vertical
 * padding, horizontal padding, tile rows of a band, bands of an image, bands in all, bands at a time, parts, ranges of
 * outputs, outputs of a range.
 */
export function winogradWeightGradient(p: usize, task: i32, scratch: usize): void {
  const x = pointer(p, 0), dy = pointer(p, 1), partial = pointer(p, 2);
  const inputs = word(p, 3), height = word(p, 4), width = word(p, 5);
  const outputs = word(p, 6), outputHeight = word(p, 7), outputWidth = word(p, 8);
  const padY = word(p, 9), padX = word(p, 10), bandRows = word(p, 11), imageBands = word(p, 12);
  const bands = word(p, 13), groupBands = word(p, 14), parts = word(p, 15), ranges = word(p, 16), rangeSize = word(p, 17);
  const part = task / ranges, from = task % ranges * rangeSize, to = min(outputs, from + rangeSize);
  const firstBand = <i32> (<i64> part * bands / parts), endBand = <i32> (<i64> (part + 1) * bands / parts);

  const tilesX = (outputWidth + 3) >> 2, lanes = roundUp(bandRows * tilesX, 4);
  const stride = 4 * tilesX + 8, planeRows = 4 * bandRows + 2;
  const rows = roundUp(inputs, 4), gradientRows = roundUp(to - from, 4), maxColumns = roundUp(groupBands * lanes, PANEL);
  const offsets = scratch, gradientOffsets = at(offsets, lanes);
  // Four more rows, which stay zero: lanes without a tile read them.
  const plane = at(gradientOffsets, lanes), v = at(plane, (planeRows + 4) * stride);
  const vStride = pointStride(rows), gStride = pointStride(gradientRows);
  const g = at(v, maxColumns / PANEL * POINTS * vStride), vStep = (<usize> vStride) << 2, gStep = (<usize> gStride) << 2;
  const rowStep = (<usize> stride) << 2, spare = (planeRows * stride) << 2;
  placeTiles(offsets, lanes, bandRows, tilesX, stride, 0);
  placeTiles(gradientOffsets, lanes, bandRows, tilesX, stride, spare);
  clear(plane + spare, 4 * stride);
  const pStride = inputs * roundUp(outputs, 4), target = at(partial, part * POINTS * pStride);
  const pStep = (<usize> roundUp(outputs, 4)) << 2;

  for (let group = firstBand; group < endBand; group += groupBands) {
    const count = min(groupBands, endBand - group), columns = count * lanes, panels = (columns + PANEL - 1) / PANEL;
    if ((columns & 7) != 0) {
      // Lanes that no tile fills take part in the sums.
      clear(at(v, (panels - 1) * POINTS * vStride), POINTS * vStride);
      clear(at(g, (panels - 1) * POINTS * gStride), POINTS * gStride);
    }
    for (let band = 0; band < count; band++) {
      const image = (group + band) / imageBands, firstRow = (group + band) % imageBands * bandRows * 4;
      clear(plane, planeRows * stride);
      for (let c = 0; c < inputs; c++) {
        const source = at(x, (image * inputs + c) * height * width);
        copyInto(source, height, width, firstRow - padY, padX, planeRows, plane, stride);
        for (let lane = 0; lane < lanes; lane += 4) {
          const o = at(offsets, lane), column = band * lanes + lane;
          transformInput(
            plane + load<u32>(o), plane + load<u32>(o, 4), plane + load<u32>(o, 8), plane + load<u32>(o, 12),
            rowStep, at(v, (column >> 3) * POINTS * vStride + c * PANEL + (column & 7)), vStep,
          );
        }
      }
      clear(plane, planeRows * stride);
      for (let k = from; k < to; k++) {
        const source = at(dy, (image * outputs + k) * outputHeight * outputWidth);
        copyInto(source, outputHeight, outputWidth, firstRow, 0, 4 * bandRows, plane, stride);
        for (let lane = 0; lane < lanes; lane += 4) {
          const o = at(gradientOffsets, lane), column = band * lanes + lane;
          transformGradient(
            plane + load<u32>(o), plane + load<u32>(o, 4), plane + load<u32>(o, 8), plane + load<u32>(o, 12),
            rowStep, at(g, (column >> 3) * POINTS * gStride + (k - from) * PANEL + (column & 7)), gStep,
          );
        }
      }
    }
    const adding = group > firstBand, vPanel = <usize> POINTS * vStep, gPanel = <usize> POINTS * gStep;
    for (let point = 0; point < POINTS; point++) {
      const a = at(g, point * gStride), b = at(v, point * vStride), c = at(target, point * pStride + from);
      turnPanels(a, gradientRows, gPanel, panels);
      turnPanels(b, rows, vPanel, panels);
      for (let i = 0; i < inputs; i += 8) {
        for (let k = 0; k < gradientRows; k += 4) {
          sumPanels(
            at(a, k * PANEL), gPanel, at(b, i * PANEL), vPanel, panels, c + <usize> i * pStep + (<usize> k << 2), pStep,
            inputs - i, adding,
          );
        }
      }
    }
  }
}

/**
 * Adds the parts of the weight gradient up and transforms them back; a task an input channel.
 * Arguments: partial, target [outputs, inputs, 3, 3], inputs, outputs, parts.
 */
export function winogradWeightGradientSum(p: usize, task: i32, scratch: usize): void {
  const inputs = word(p, 2), outputs = word(p, 3), parts = word(p, 4), rounded = roundUp(outputs, 4);
  const pointStep = (<usize> (inputs * rounded)) << 2, partStep = <usize> POINTS * pointStep;
  const sums = scratch, rowsDone = sums + TEMP_BYTES, whole = rowsDone + TEMP_BYTES;
  for (let k = 0; k < outputs; k += 4) {
    const source = at(pointer(p, 0), task * rounded + k), count = min(4, outputs - k);
    for (let point = 0; point < POINTS; point++) {
      let from = source + <usize> point * pointStep, sum = v128.load(from);
      for (let part = 1; part < parts; part++) {
        from += partStep;
        sum = f32x4.add(sum, v128.load(from));
      }
      v128.store(at(sums, 4 * point), sum);
    }
    for (let row: usize = 0; row < 6; row++) {
      const m = sums + 96 * row;
      weightGradientTransform(
        v128.load(m), v128.load(m, 16), v128.load(m, 32), v128.load(m, 48), v128.load(m, 64), v128.load(m, 80),
        rowsDone + 48 * row, 16,
      );
    }
    for (let column: usize = 0; column < 48; column += 16) {
      const m = rowsDone + column;
      weightGradientTransform(
        v128.load(m), v128.load(m, 48), v128.load(m, 96), v128.load(m, 144), v128.load(m, 192), v128.load(m, 240),
        whole + column, 48,
      );
    }
    let target = at(pointer(p, 1), (k * inputs + task) * 9);
    const along = (<usize> (inputs * 9)) << 2;
    for (let tap: usize = 0; tap < 9; tap++) {
      const v = v128.load(whole + 16 * tap);
      v128.store32_lane(target, v, 0);
      if (count > 1) v128.store32_lane(target + along, v, 1);
      if (count > 2) v128.store32_lane(target + 2 * along, v, 2);
      if (count > 3) v128.store32_lane(target + 3 * along, v, 3);
      target += 4;
    }
  }
}
