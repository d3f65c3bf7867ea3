/**
 * Poolings over windows, and their gradients; a task takes a few planes. Windows that lie inside
 * their rows, one or two columns apart, are computed four at a time; others one by one.
 */

import { at, interleaveHigh, interleaveLow, pointer, real, storeLanes, strided, word } from "./simd";

/** The geometry, from argument 3 on. */
const PLANES: i32 = 3;
/** Planes of a task. */
const GROUP: i32 = 4;
const HEIGHT: i32 = 5;
const WIDTH: i32 = 6;
const OUTPUT_HEIGHT: i32 = 7;
const OUTPUT_WIDTH: i32 = 8;
const KERNEL_HEIGHT: i32 = 9;
const KERNEL_WIDTH: i32 = 10;
const STRIDE_Y: i32 = 11;
const STRIDE_X: i32 = 12;
const PAD_Y: i32 = 13;
const PAD_X: i32 = 14;
/** 1 / (height · width of the window). */
const FACTOR: i32 = 15;
const DILATION_Y: i32 = 16;
const DILATION_X: i32 = 17;

/** Zeros between elements: the first two, and the last two. */
// @ts-ignore: decorator
@inline
export function spreadLow(v: v128): v128 {
  return interleaveLow(v, f32x4.splat(0));
}

// @ts-ignore: decorator
@inline
export function spreadHigh(v: v128): v128 {
  return interleaveHigh(v, f32x4.splat(0));
}

/** The first of the windows that start inside their row. */
// @ts-ignore: decorator
@inline
function firstInside(p: usize): i32 {
  const stride = word(p, STRIDE_X);
  return (word(p, PAD_X) + stride - 1) / stride;
}

/** The end of the windows that are taken four at once. */
function endInside(p: usize): i32 {
  const stride = word(p, STRIDE_X), room = word(p, WIDTH) + word(p, PAD_X) - word(p, KERNEL_WIDTH);
  return stride > 2 || room < 0 ? 0 : min(word(p, OUTPUT_WIDTH), room / stride + 1);
}

/** The first row under a row of windows, and the end of those rows. */
// @ts-ignore: decorator
@inline
function firstRow(p: usize, y: i32): i32 {
  return max(0, y * word(p, STRIDE_Y) - word(p, PAD_Y));
}

// @ts-ignore: decorator
@inline
function endRow(p: usize, y: i32): i32 {
  return min(word(p, HEIGHT), y * word(p, STRIDE_Y) - word(p, PAD_Y) + word(p, KERNEL_HEIGHT));
}

/** The largest elements of four windows whose first column is `column`, and their indices; the first of equals. */
// @ts-ignore: decorator
@inline
function largest4(
  plane: usize, width: i32, row: i32, rows: i32, column: i32, columns: i32, stride: i32, y: usize, index: usize,
  count: i32,
): void {
  const lanes = stride == 1 ? i32x4(0, 1, 2, 3) : i32x4(0, 2, 4, 6), one = i32x4.splat(1);
  let best = strided(at(plane, row * width + column), stride);
  let bestIndex = i32x4.add(i32x4.splat(row * width + column), lanes);
  for (; row < rows; row++) {
    let from = at(plane, row * width + column), here = i32x4.add(i32x4.splat(row * width + column), lanes);
    for (let k = 0; k < columns; k++) {
      const v = strided(from, stride), larger = v128.or(f32x4.gt(v, best), f32x4.ne(v, v));
      best = v128.bitselect(v, best, larger);
      bestIndex = v128.bitselect(here, bestIndex, larger);
      here = i32x4.add(here, one);
      from += 4;
    }
  }
  storeLanes(y, best, count);
  storeLanes(index, bestIndex, count);
}

/** The largest elements of windows [x, end) of a row, and their indices in the plane. */
function largestOfEach(p: usize, plane: usize, oy: i32, x: i32, end: i32, y: usize, index: usize): void {
  const width = word(p, WIDTH), row = firstRow(p, oy), rows = endRow(p, oy);
  for (; x < end; x++) {
    const left = x * word(p, STRIDE_X) - word(p, PAD_X);
    const first = max(0, left), stop = min(width, left + word(p, KERNEL_WIDTH));
    let best = row * width + first, value = load<f32>(at(plane, best));
    for (let r = row; r < rows; r++) {
      for (let c = first; c < stop; c++) {
        const next = load<f32>(at(plane, r * width + c));
        if (next > value || next != next) {
          value = next;
          best = r * width + c;
        }
      }
    }
    store<f32>(at(y, x), value);
    store<i32>(at(index, x), best);
  }
}

/**
 * The largest element of each window, NaN if it holds any, and its index in its plane.
 * Arguments: x, y, indices, the geometry.
 */
export function maxPool(p: usize, task: i32, _scratch: usize): void {
  const width = word(p, WIDTH), height = word(p, OUTPUT_HEIGHT), outputs = word(p, OUTPUT_WIDTH);
  const group = word(p, GROUP), stride = word(p, STRIDE_X), columns = word(p, KERNEL_WIDTH);
  const inside = firstInside(p), stop = endInside(p);
  const end = min(word(p, PLANES), (task + 1) * group);
  for (let i = task * group; i < end; i++) {
    const plane = at(pointer(p, 0), i * word(p, HEIGHT) * width);
    for (let oy = 0; oy < height; oy++) {
      const first = (i * height + oy) * outputs, y = at(pointer(p, 1), first), index = at(pointer(p, 2), first);
      const row = firstRow(p, oy), rows = endRow(p, oy);
      largestOfEach(p, plane, oy, 0, min(inside, outputs), y, index);
      for (let x = inside; x < stop; x += 4) {
        const column = x * stride - word(p, PAD_X);
        if (stride == 1) largest4(plane, width, row, rows, column, columns, 1, at(y, x), at(index, x), stop - x);
        else largest4(plane, width, row, rows, column, columns, 2, at(y, x), at(index, x), stop - x);
      }
      largestOfEach(p, plane, oy, max(inside, stop), outputs, y, index);
    }
  }
}

/** The first row or column of a window beginning at `begin` that is one of the input's. */
// @ts-ignore: decorator
@inline
function firstDilated(begin: i32, dilation: i32): i32 {
  return begin >= 0 ? begin : begin + (dilation - 1 - begin) / dilation * dilation;
}

/** {@link maxPool} of windows whose elements are apart. Arguments: x, y, indices, the geometry, 0, dilations. */
export function dilatedMaxPool(p: usize, task: i32, _scratch: usize): void {
  const height = word(p, HEIGHT), width = word(p, WIDTH), rows = word(p, OUTPUT_HEIGHT), columns = word(p, OUTPUT_WIDTH);
  const down = word(p, DILATION_Y), right = word(p, DILATION_X), group = word(p, GROUP);
  const spanY = (word(p, KERNEL_HEIGHT) - 1) * down + 1, spanX = (word(p, KERNEL_WIDTH) - 1) * right + 1;
  const end = min(word(p, PLANES), (task + 1) * group);
  for (let i = task * group; i < end; i++) {
    const plane = at(pointer(p, 0), i * height * width);
    for (let oy = 0; oy < rows; oy++) {
      const top = oy * word(p, STRIDE_Y) - word(p, PAD_Y), bottom = min(height, top + spanY);
      const firstY = firstDilated(top, down);
      for (let ox = 0; ox < columns; ox++) {
        const left = ox * word(p, STRIDE_X) - word(p, PAD_X), stop = min(width, left + spanX);
        const firstX = firstDilated(left, right), output = (i * rows + oy) * columns + ox;
        let best = firstY * width + firstX, value = load<f32>(at(plane, best));
        for (let y = firstY; y < bottom; y += down) {
          for (let x = firstX; x < stop; x += right) {
            const next = load<f32>(at(plane, y * width + x));
            if (next > value || next != next) {
              value = next;
              best = y * width + x;
            }
          }
        }
        store<f32>(at(pointer(p, 1), output), value);
        store<i32>(at(pointer(p, 2), output), best);
      }
    }
  }
}

/** Output gradients added up where the largest elements were. Arguments: dy, indices, dx, the geometry. */
export function maxPoolGradient(p: usize, task: i32, _scratch: usize): void {
  const floats = word(p, HEIGHT) * word(p, WIDTH), outputs = word(p, OUTPUT_HEIGHT) * word(p, OUTPUT_WIDTH);
  const group = word(p, GROUP), end = min(word(p, PLANES), (task + 1) * group);
  for (let i = task * group; i < end; i++) {
    const dx = at(pointer(p, 2), i * floats), dy = at(pointer(p, 0), i * outputs);
    const indices = at(pointer(p, 1), i * outputs);
    memory.fill(dx, 0, (<usize> floats) << 2);
    for (let k = 0; k < outputs; k++) {
      const index = load<u32>(at(indices, k));
      // The indices are data: one outside the plane must not reach other memory.
      if (index >= <u32> floats) continue;
      const target = dx + ((<usize> index) << 2);
      store<f32>(target, load<f32>(target) + load<f32>(at(dy, k)));
    }
  }
}

/** The sums of four windows, row by row. */
// @ts-ignore: decorator
@inline
function sums4(plane: usize, width: i32, row: i32, rows: i32, column: i32, columns: i32, stride: i32): v128 {
  let sum = f32x4.splat(0);
  for (; row < rows; row++) {
    let from = at(plane, row * width + column), line = strided(from, stride);
    for (let k = 1; k < columns; k++) {
      from += 4;
      line = f32x4.add(line, strided(from, stride));
    }
    sum = f32x4.add(sum, line);
  }
  return sum;
}

/** The means of windows [x, end) of a row. */
function meanOfEach(p: usize, plane: usize, oy: i32, x: i32, end: i32, y: usize): void {
  const width = word(p, WIDTH), row = firstRow(p, oy), rows = endRow(p, oy);
  for (; x < end; x++) {
    const left = x * word(p, STRIDE_X) - word(p, PAD_X);
    const first = max(0, left), stop = min(width, left + word(p, KERNEL_WIDTH));
    let sum: f64 = 0;
    for (let r = row; r < rows; r++) {
      for (let c = first; c < stop; c++) sum += <f64> load<f32>(at(plane, r * width + c));
    }
    store<f32>(at(y, x), <f32> sum * real(p, FACTOR));
  }
}

/** The mean of each window; what lies outside counts as zeros. Arguments: x, y, 0, the geometry, factor. */
export function averagePool(p: usize, task: i32, _scratch: usize): void {
  const width = word(p, WIDTH), height = word(p, OUTPUT_HEIGHT), outputs = word(p, OUTPUT_WIDTH);
  const group = word(p, GROUP), stride = word(p, STRIDE_X), columns = word(p, KERNEL_WIDTH);
  const inside = firstInside(p), stop = endInside(p);
  const end = min(word(p, PLANES), (task + 1) * group), factor = f32x4.splat(real(p, FACTOR));
  for (let i = task * group; i < end; i++) {
    const plane = at(pointer(p, 0), i * word(p, HEIGHT) * width);
    for (let oy = 0; oy < height; oy++) {
      const y = at(pointer(p, 1), (i * height + oy) * outputs), row = firstRow(p, oy), rows = endRow(p, oy);
      meanOfEach(p, plane, oy, 0, min(inside, outputs), y);
      for (let x = inside; x < stop; x += 4) {
        const column = x * stride - word(p, PAD_X);
        const sum = stride == 1
          ? sums4(plane, width, row, rows, column, columns, 1)
          : sums4(plane, width, row, rows, column, columns, 2);
        storeLanes(at(y, x), f32x4.mul(sum, factor), stop - x);
      }
      meanOfEach(p, plane, oy, max(inside, stop), outputs, y);
    }
  }
}

/** Adds `count` elements by `factor` to every stride-th element from `target` on. */
function addSpread(dy: usize, count: i32, factor: f32, target: usize, stride: i32): void {
  const step = (<usize> stride) << 2, scale = f32x4.splat(factor);
  if (stride == 1) {
    for (; count >= 4; count -= 4) {
      v128.store(target, f32x4.add(v128.load(target), f32x4.mul(v128.load(dy), scale)));
      dy += 16;
      target += 16;
    }
  } else if (stride == 2) {
    // Eight elements are written: the last may lie outside the row unless another window follows.
    for (; count > 4; count -= 4) {
      const v = f32x4.mul(v128.load(dy), scale);
      v128.store(target, f32x4.add(v128.load(target), spreadLow(v)));
      v128.store(target, f32x4.add(v128.load(target, 16), spreadHigh(v)), 16);
      dy += 16;
      target += 32;
    }
  }
  for (; count > 0; count--) {
    store<f32>(target, load<f32>(target) + load<f32>(dy) * factor);
    dy += 4;
    target += step;
  }
}

/** Output gradients by the factor, added up over the windows. Arguments: dy, dx, 0, the geometry, factor. */
export function averagePoolGradient(p: usize, task: i32, _scratch: usize): void {
  const width = word(p, WIDTH), floats = word(p, HEIGHT) * width, group = word(p, GROUP), padding = word(p, PAD_X);
  const height = word(p, OUTPUT_HEIGHT), outputs = word(p, OUTPUT_WIDTH), stride = word(p, STRIDE_X);
  const end = min(word(p, PLANES), (task + 1) * group), factor = real(p, FACTOR);
  for (let i = task * group; i < end; i++) {
    const dx = at(pointer(p, 1), i * floats);
    memory.fill(dx, 0, (<usize> floats) << 2);
    for (let oy = 0; oy < height; oy++) {
      const dy = at(pointer(p, 0), (i * height + oy) * outputs), rows = endRow(p, oy);
      for (let row = firstRow(p, oy); row < rows; row++) {
        for (let k = 0; k < word(p, KERNEL_WIDTH); k++) {
          // The windows whose column k exists.
          const shift = k - padding, first = shift >= 0 ? 0 : (stride - 1 - shift) / stride;
          const room = width - 1 - shift, count = (room < 0 ? 0 : min(outputs, room / stride + 1)) - first;
          addSpread(at(dy, first), count, factor, at(dx, row * width + first * stride + shift), stride);
        }
      }
    }
  }
}
