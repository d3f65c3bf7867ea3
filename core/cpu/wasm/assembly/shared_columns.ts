/**
 * Convolutions of few or small planes as products of weights and columns which all ranges of outputs share: they are
 * packed in a stage before. 1x1 convolutions count the positions of all images as one row, so that panels of 8 are full.
 */

import {
  BLOCK, DEPTH, GROUPS, HEIGHT, INPUTS, KERNEL_HEIGHT, KERNEL_WIDTH, OUTPUT_HEIGHT, OUTPUT_WIDTH, pack, packPositions,
  placePositions, WIDTH,
} from "./convolution_columns";
import { clampOne, hasEpilogue } from "./epilogue";
import { at, pointer, roundUp, word } from "./simd";
import { multiplyPanels, multiplyTiles, PANEL, panelHeight } from "./tile";

/**
 * Packs a block of depth of a block of positions of one group of one image a task. Arguments: x, target, two zeros, the
 * geometry, block.
 */
export function packSharedColumns(p: usize, task: i32, scratch: usize): void {
  const block = word(p, BLOCK), plane = word(p, OUTPUT_HEIGHT) * word(p, OUTPUT_WIDTH);
  const depth = word(p, INPUTS) * word(p, KERNEL_HEIGHT) * word(p, KERNEL_WIDTH);
  const blocks = (plane + block - 1) / block, parts = (depth + DEPTH - 1) / DEPTH;
  const d = task % parts * DEPTH, start = task / parts % blocks * block, member = task / parts / blocks;
  const count = min(DEPTH, depth - d), positions = min(block, plane - start), panels = roundUp(positions, PANEL);
  const source = at(pointer(p, 0), member * word(p, INPUTS) * word(p, HEIGHT) * word(p, WIDTH));
  const target = at(pointer(p, 1), (member * roundUp(plane, PANEL) + start) * depth + d * panels);
  placePositions(p, start, positions, scratch);
  pack(p, source, d, count, start, positions, target, count * PANEL, scratch);
}

/**
 * Packs a block of depth of a block of positions of all images a task. Arguments: x, target, channels, positions of an
 * image, images, block.
 */
export function packSharedPositions(p: usize, task: i32, _scratch: usize): void {
  const depth = word(p, 2), plane = word(p, 3), total = plane * word(p, 4), block = word(p, 5);
  const parts = (depth + DEPTH - 1) / DEPTH, d = task % parts * DEPTH, start = task / parts * block;
  const count = min(DEPTH, depth - d), end = min(total, start + block);
  let target = at(pointer(p, 1), start * depth + d * roundUp(end - start, PANEL));
  for (let position = start; position < end; position += PANEL) {
    const image = position / plane, offset = position - image * plane;
    const source = at(pointer(p, 0), (image * depth + d) * plane + offset);
    if (offset + PANEL <= plane || position + PANEL > total && offset + (total - position) <= plane) {
      packPositions(source, plane, count, min(PANEL, total - position), target, 0);
    } else {
      for (let lane = 0; lane < PANEL; lane++) {
        const index = position + lane, inside = index < total, own = index / plane;
        let from = at(pointer(p, 0), (own * depth + d) * plane + index - own * plane), to = at(target, lane);
        for (let k = 0; k < count; k++) {
          store<f32>(to, inside ? load<f32>(from) : 0);
          from = at(from, plane);
          to += PANEL * 4;
        }
      }
    }
    target = at(target, count * PANEL);
  }
}

/** The geometry of the product, from argument 4 on; its outputs are those of a range. */
const OUTPUTS: i32 = 5;
const PLANE: i32 = 6;
/** Images whose positions are one row. */
const IMAGES: i32 = 7;
const PRODUCT_DEPTH: i32 = 8;
const PRODUCT_BLOCK: i32 = 9;
const RANGES: i32 = 10;
const EPILOGUE: i32 = 11;

/** Adds a tile whose positions lie in several images to y; `row` is its first row, `position` its first column. */
function joinTile(
  tile: usize, y: usize, imageStride: i32, plane: i32, rows: i32, position: i32, columns: i32, adding: bool,
  bias: usize, gap: usize, hasResidual: bool, epilogue: usize,
): void {
  for (let column = 0; column < columns; column++) {
    const image = (position + column) / plane;
    let c = at(y, image * imageStride + position + column - image * plane), from = at(tile, column);
    for (let r = 0; r < rows; r++) {
      let value = load<f32>(from);
      if (adding) value += load<f32>(c);
      if (epilogue != 0) {
        if (bias != 0) value += load<f32>(at(bias, r));
        if (hasResidual) value += load<f32>(c + gap);
        value = clampOne(value, epilogue);
      }
      store<f32>(c, value);
      from += PANEL * 4;
      c = at(c, plane);
    }
  }
}

/**
 * y = columns by weights (+ bias), for one block of positions by one range of outputs. Arguments: packed columns, packed
 * weights, y, bias or 0, groups, outputs, plane, images, depth, block, ranges, the epilogue.
 */
export function sharedColumns(p: usize, task: i32, scratch: usize): void {
  const groups = word(p, GROUPS), outputs = word(p, OUTPUTS), plane = word(p, PLANE), total = plane * word(p, IMAGES);
  const depth = word(p, PRODUCT_DEPTH), block = word(p, PRODUCT_BLOCK), ranges = word(p, RANGES);
  const blocks = (total + block - 1) / block, range = task % ranges, start = task / ranges % blocks * block;
  const member = task / ranges / blocks, matrix = member % groups * ranges + range, positions = min(block, total - start);
  const panels = roundUp(positions, PANEL), bias = pointer(p, 3), shifts = bias != 0 ? at(bias, matrix * outputs) : 0;
  const columns = at(pointer(p, 0), (member * roundUp(total, PANEL) + start) * depth);
  const weights = at(pointer(p, 1), matrix * roundUp(outputs, 4) * depth);
  const y = at(pointer(p, 2), (member * ranges + range) * outputs * plane), imageStride = ranges * outputs * plane;
  const residual = pointer(p, EPILOGUE), gap = residual - pointer(p, 2);
  const lastEpilogue = bias != 0 || hasEpilogue(at(p, EPILOGUE)) ? at(p, EPILOGUE) : 0;
  for (let d = 0; d < depth; d += DEPTH) {
    const count = min(DEPTH, depth - d), epilogue = d + count == depth ? lastEpilogue : 0;
    for (let i = 0, height = 0; i < outputs; i += height) {
      height = panelHeight(outputs - i);
      const a = at(weights, i * depth + d * height), rows = min(height, outputs - i);
      const shift = bias != 0 ? at(shifts, i) : 0;
      for (let j = 0, width = 0; j < positions; j += width) {
        const b = at(columns, d * panels + j * count), position = start + j, left = positions - j;
        const image = position / plane, offset = position - image * plane, inside = plane - offset;
        const line = at(y, i * plane);
        // Up to the panel that lies in two images.
        width = left <= inside ? left : inside & -PANEL;
        if (width > 0) {
          const c = at(line, image * imageStride + offset);
          multiplyPanels(
            height, a, b, count, c, plane, rows, width, d > 0, scratch, shift, residual != 0 ? c + gap : 0, epilogue,
          );
        } else {
          width = min(PANEL, left);
          multiplyTiles(1, height, a, b, 0, count, scratch, PANEL * 4, 16, 0);
          joinTile(
            scratch, line, imageStride, plane, rows, position, width, d > 0, shift, gap, residual != 0, epilogue,
          );
        }
      }
    }
  }
}
