/** Convolutions and the gradient of their input as products of weights and blocks of columns. */

import {
  BLOCK, DEPTH, DILATION_X, DILATION_Y, ENTRY, EPILOGUE, GROUPS, hasWholeQuads, HEIGHT, INPUTS, isPointwise,
  KERNEL_HEIGHT, KERNEL_WIDTH, OUTPUT_HEIGHT, OUTPUT_WIDTH, OUTPUTS, pack, packPositions, PAD_X, PAD_Y, paddedRows,
  placePositions, RANGES, residueStride, STRIDE_X, STRIDE_Y, tableBytes, WIDTH,
} from "./convolution_columns";
import { hasEpilogue } from "./epilogue";
import { at, clear, interleaveHigh, interleaveLow, pointer, roundUp, word } from "./simd";
import { EDGE_BYTES, multiplyColumns, multiplyPanels, PANEL, panelHeight } from "./tile";

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
  const shifts = bias != 0 ? at(bias, matrix * outputs) : 0;
  const residual = pointer(p, EPILOGUE), gap = residual - pointer(p, 2);
  const lastEpilogue = bias != 0 || hasEpilogue(at(p, EPILOGUE)) ? at(p, EPILOGUE) : 0;
  placePositions(p, start, positions, work);
  for (let d = 0; d < depth; d += DEPTH) {
    const count = min(DEPTH, depth - d), epilogue = d + count == depth ? lastEpilogue : 0;
    pack(p, source, d, count, start, positions, packed, count * PANEL, work);
    for (let i = 0, height = 0; i < outputs; i += height) {
      height = panelHeight(outputs - i);
      const a = at(weights, i * depth + d * height), rows = min(height, outputs - i);
      const shift = bias != 0 ? at(shifts, i) : 0, c = at(y, i * plane);
      multiplyPanels(
        height, a, packed, count, c, plane, rows, positions, d > 0, edge, shift, residual != 0 ? c + gap : 0, epilogue,
      );
    }
  }
}

/** Adds a row of two residues, behind a padding of `padX` columns, to `count` elements. */
function joinTwo(residues: usize, residueStep: i32, padX: i32, count: i32, target: usize): void {
  // The row's own even columns are odd behind a padding of odd width.
  const swap = padX & 1, evens = at(residues, (padX >> 1) + swap * residueStep);
  const odds = at(residues, ((padX + 1) >> 1) + (1 - swap) * residueStep);
  let x = 0;
  for (; x + 8 <= count; x += 8) {
    const even = v128.load(at(evens, x >> 1)), odd = v128.load(at(odds, x >> 1)), to = at(target, x);
    v128.store(to, f32x4.add(v128.load(to), interleaveLow(even, odd)));
    v128.store(to, f32x4.add(v128.load(to, 16), interleaveHigh(even, odd)), 16);
  }
  for (; x < count; x++) {
    const to = at(target, x);
    store<f32>(to, load<f32>(to) + load<f32>(at((x & 1) == 0 ? evens : odds, x >> 1)));
  }
}

/** Adds columns back to the elements that {@link packColumns} reads; rows of `columns` are `stride` floats apart. */
function foldColumns(
  p: usize, columns: usize, columnStride: i32, inputs: i32, start: i32, positions: i32, target: usize, work: usize,
): void {
  const height = word(p, HEIGHT), width = word(p, WIDTH), strideX = word(p, STRIDE_X), padX = word(p, PAD_X);
  const kernelHeight = word(p, KERNEL_HEIGHT), kernelWidth = word(p, KERNEL_WIDTH);
  const stride = residueStride(p), rows = paddedRows(p, start, positions), quads = (positions + 3) >> 2;
  const planes = work + tableBytes(positions), row = at(planes, strideX * rows * stride), residueStep = rows * stride;
  const dilationY = word(p, DILATION_Y), dilationX = word(p, DILATION_X);
  const firstRow = start / word(p, OUTPUT_WIDTH) * word(p, STRIDE_Y) - word(p, PAD_Y), areWhole = hasWholeQuads(work, quads);
  for (let c = 0; c < inputs; c++) {
    clear(planes, strideX * residueStep);
    for (let r = 0; r < kernelHeight; r++) {
      for (let s = 0; s < kernelWidth; s++) {
        const reach = s * dilationX, base = at(planes, (reach % strideX * rows + r * dilationY) * stride + reach / strideX);
        let entry = work, from = columns;
        if (areWhole) {
          for (let quad = 0; quad < quads; quad++) {
            const to = base + load<u32>(entry, 4);
            v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
            entry += ENTRY * 4;
            from += 16;
          }
          columns = at(columns, columnStride);
          continue;
        }
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
      const residues = at(planes, r * stride);
      const line = at(target, (c * height + firstRow + r) * width), end = min(width, strideX * stride - padX);
      if (strideX == 2) {
        joinTwo(residues, residueStep, padX, end, line);
        continue;
      }
      let padded = row;
      if (strideX == 1) padded = residues;
      else {
        for (let x = 0; x < strideX * stride; x++) {
          store<f32>(at(row, x), load<f32>(at(residues, x % strideX * residueStep + x / strideX)));
        }
      }
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
        multiplyColumns(
          height, a, at(packed, k * PANEL), PANEL * 4, <usize> (PANEL * outputs) << 2, count, at(c, i * stride), stride,
          rows, positions, k > 0, edge, 0, 0, 0,
        );
      }
    }
    if (pointwise) continue;
    placePositions(p, start, positions, work);
    foldColumns(p, columns, block, inputs, start, positions, dx, work);
  }
}
