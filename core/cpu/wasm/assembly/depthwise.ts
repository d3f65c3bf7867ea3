/**
 * Convolutions of one input channel a group, directly: a plane is copied to a padded one, and four outputs of a row are
 * computed at once. The input's gradient is such a convolution of the spread-out output gradient.
 */

import { at, clear, laneSum, multiplyAdd, pointer, roundUp, storeLanes, strided, word } from "./simd";
import { copyPadded } from "./plane";

/** The geometry, from argument 4 on; `multiplier` outputs share an input. */
const CHANNELS: i32 = 4;
const MULTIPLIER: i32 = 5;
const HEIGHT: i32 = 6;
const WIDTH: i32 = 7;
const OUTPUT_HEIGHT: i32 = 8;
const OUTPUT_WIDTH: i32 = 9;
const KERNEL_HEIGHT: i32 = 10;
const KERNEL_WIDTH: i32 = 11;
const STRIDE_Y: i32 = 12;
const STRIDE_X: i32 = 13;
const PAD_Y: i32 = 14;
const PAD_X: i32 = 15;
const DILATION_Y: i32 = 16;
const DILATION_X: i32 = 17;
/** Floats of a row, and rows, of the padded plane. */
const PLANE_STRIDE: i32 = 18;
const PLANE_ROWS: i32 = 19;

/** Three rows of three taps. */
// @ts-ignore: decorator
@inline
function taps3(
  source: usize, row: usize, stride: i32, start: v128,
  w0: v128, w1: v128, w2: v128, w3: v128, w4: v128, w5: v128, w6: v128, w7: v128, w8: v128,
): v128 {
  let sum = start, other = f32x4.mul(strided(source, stride), w0);
  sum = multiplyAdd(strided(source + 4, stride), w1, sum);
  other = multiplyAdd(strided(source + 8, stride), w2, other);
  source += row;
  sum = multiplyAdd(strided(source, stride), w3, sum);
  other = multiplyAdd(strided(source + 4, stride), w4, other);
  sum = multiplyAdd(strided(source + 8, stride), w5, sum);
  source += row;
  other = multiplyAdd(strided(source, stride), w6, other);
  sum = multiplyAdd(strided(source + 4, stride), w7, sum);
  other = multiplyAdd(strided(source + 8, stride), w8, other);
  return f32x4.add(sum, other);
}

/** A plane's convolution from a padded plane; `flipped` reads the kernel backwards; `adding` adds to what is there. */
function convolvePlane(
  plane: usize, stride: i32, kernel: usize, kernelHeight: i32, kernelWidth: i32, flipped: bool, strideY: i32, strideX: i32,
  dilationY: i32, dilationX: i32, target: usize, height: i32, width: i32, bias: f32, adding: bool,
): void {
  const taps = kernelHeight * kernelWidth, row = (<usize> stride) << 2, start = f32x4.splat(bias);
  const fast = kernelHeight == 3 && kernelWidth == 3 && dilationY == 1 && dilationX == 1 && strideX <= 2;
  if (fast) {
    const last = flipped ? 8 : 0, along = flipped ? -1 : 1;
    const w0 = v128.load32_splat(at(kernel, last)), w1 = v128.load32_splat(at(kernel, last + along));
    const w2 = v128.load32_splat(at(kernel, last + 2 * along)), w3 = v128.load32_splat(at(kernel, last + 3 * along));
    const w4 = v128.load32_splat(at(kernel, 4)), w5 = v128.load32_splat(at(kernel, last + 5 * along));
    const w6 = v128.load32_splat(at(kernel, last + 6 * along)), w7 = v128.load32_splat(at(kernel, last + 7 * along));
    const w8 = v128.load32_splat(at(kernel, last + 8 * along));
    for (let y = 0; y < height; y++) {
      let source = at(plane, y * strideY * stride), place = at(target, y * width);
      for (let x = width; x > 0; x -= 4) {
        let sum = strideX == 1
          ? taps3(source, row, 1, start, w0, w1, w2, w3, w4, w5, w6, w7, w8)
          : taps3(source, row, 2, start, w0, w1, w2, w3, w4, w5, w6, w7, w8);
        if (adding) sum = f32x4.add(sum, v128.load(place));
        storeLanes(place, sum, x);
        place += 16;
        source += <usize> strideX << 4;
      }
    }
    return;
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x += 4) {
      const place = at(target, y * width + x);
      let sum = start;
      for (let r = 0; r < kernelHeight; r++) {
        const line = at(plane, (y * strideY + r * dilationY) * stride + x * strideX);
        for (let s = 0; s < kernelWidth; s++) {
          const tap = r * kernelWidth + s, w = v128.load32_splat(at(kernel, flipped ? taps - 1 - tap : tap));
          sum = multiplyAdd(strided(at(line, s * dilationX), strideX), w, sum);
        }
      }
      if (adding) sum = f32x4.add(sum, v128.load(place));
      storeLanes(place, sum, width - x);
    }
  }
}

/** One output plane a task. Arguments: x, weights, y, bias or 0, the geometry. */
export function depthwise(p: usize, task: i32, scratch: usize): void {
  const multiplier = word(p, MULTIPLIER), outputs = word(p, CHANNELS) * multiplier, output = task % outputs;
  const height = word(p, HEIGHT), width = word(p, WIDTH), stride = word(p, PLANE_STRIDE);
  const kernelHeight = word(p, KERNEL_HEIGHT), kernelWidth = word(p, KERNEL_WIDTH);
  const bias = pointer(p, 3), outputHeight = word(p, OUTPUT_HEIGHT), outputWidth = word(p, OUTPUT_WIDTH);
  copyPadded(
    at(pointer(p, 0), task / multiplier * height * width), height, width, -word(p, PAD_Y), word(p, PAD_X),
    word(p, PLANE_ROWS), scratch, stride,
  );
  convolvePlane(
    scratch, stride, at(pointer(p, 1), output * kernelHeight * kernelWidth), kernelHeight, kernelWidth, false,
    word(p, STRIDE_Y), word(p, STRIDE_X), word(p, DILATION_Y), word(p, DILATION_X),
    at(pointer(p, 2), task * outputHeight * outputWidth), outputHeight, outputWidth,
    bias != 0 ? load<f32>(at(bias, output)) : 0, false,
  );
}

/**
 * One input plane a task, from the output gradient spread out by the stride; the plane's rows and padding are those of the
 * transposed convolution. Arguments: dy, weights, dx, 0, the geometry.
 */
export function depthwiseInputGradient(p: usize, task: i32, scratch: usize): void {
  const multiplier = word(p, MULTIPLIER), channel = task % word(p, CHANNELS);
  const height = word(p, HEIGHT), width = word(p, WIDTH), stride = word(p, PLANE_STRIDE);
  const kernelHeight = word(p, KERNEL_HEIGHT), kernelWidth = word(p, KERNEL_WIDTH);
  const outputHeight = word(p, OUTPUT_HEIGHT), outputWidth = word(p, OUTPUT_WIDTH);
  const strideY = word(p, STRIDE_Y), strideX = word(p, STRIDE_X), padY = word(p, PAD_Y), padX = word(p, PAD_X);
  const rows = word(p, PLANE_ROWS);
  for (let k = 0; k < multiplier; k++) {
    const dy = at(pointer(p, 0), (task * multiplier + k) * outputHeight * outputWidth);
    if (strideY == 1 && strideX == 1) copyPadded(dy, outputHeight, outputWidth, -padY, padX, rows, scratch, stride);
    else {
      clear(scratch, rows * stride);
      for (let y = 0; y < outputHeight; y++) {
        let place = at(scratch, (padY + y * strideY) * stride + padX);
        for (let x = 0; x < outputWidth; x++) {
          store<f32>(place, load<f32>(at(dy, y * outputWidth + x)));
          place = at(place, strideX);
        }
      }
    }
    convolvePlane(
      scratch, stride, at(pointer(p, 1), (channel * multiplier + k) * kernelHeight * kernelWidth), kernelHeight,
      kernelWidth, true, 1, 1, word(p, DILATION_Y), word(p, DILATION_X), at(pointer(p, 2), task * height * width), height,
      width, 0, k > 0,
    );
  }
}

/** The lanes of nine sums, of which `dy` times each tap of a row of outputs is added. */
// @ts-ignore: decorator
@inline
function rowSums3(
  line: usize, row: usize, dy: usize, count: i32, stride: i32, sums: usize,
): void {
  let s0 = v128.load(sums), s1 = v128.load(sums, 16), s2 = v128.load(sums, 32), s3 = v128.load(sums, 48);
  let s4 = v128.load(sums, 64), s5 = v128.load(sums, 80), s6 = v128.load(sums, 96), s7 = v128.load(sums, 112);
  let s8 = v128.load(sums, 128);
  for (; count > 0; count -= 4) {
    const g = v128.load(dy), second = line + row, third = second + row;
    s0 = multiplyAdd(g, strided(line, stride), s0);
    s1 = multiplyAdd(g, strided(line + 4, stride), s1);
    s2 = multiplyAdd(g, strided(line + 8, stride), s2);
    s3 = multiplyAdd(g, strided(second, stride), s3);
    s4 = multiplyAdd(g, strided(second + 4, stride), s4);
    s5 = multiplyAdd(g, strided(second + 8, stride), s5);
    s6 = multiplyAdd(g, strided(third, stride), s6);
    s7 = multiplyAdd(g, strided(third + 4, stride), s7);
    s8 = multiplyAdd(g, strided(third + 8, stride), s8);
    dy += 16;
    line += <usize> stride << 4;
  }
  v128.store(sums, s0); v128.store(sums, s1, 16); v128.store(sums, s2, 32); v128.store(sums, s3, 48);
  v128.store(sums, s4, 64); v128.store(sums, s5, 80); v128.store(sums, s6, 96); v128.store(sums, s7, 112);
  v128.store(sums, s8, 128);
}

/**
 * The kernel's gradient of one output a task, over all images in order.
 * Arguments: x, dy, dw, 0, the geometry, batch.
 */
export function depthwiseWeightGradient(p: usize, task: i32, scratch: usize): void {
  const multiplier = word(p, MULTIPLIER), channels = word(p, CHANNELS), batch = word(p, 20);
  const height = word(p, HEIGHT), width = word(p, WIDTH), stride = word(p, PLANE_STRIDE), rows = word(p, PLANE_ROWS);
  const kernelHeight = word(p, KERNEL_HEIGHT), kernelWidth = word(p, KERNEL_WIDTH), taps = kernelHeight * kernelWidth;
  const outputHeight = word(p, OUTPUT_HEIGHT), outputWidth = word(p, OUTPUT_WIDTH);
  const strideY = word(p, STRIDE_Y), strideX = word(p, STRIDE_X);
  const dilationY = word(p, DILATION_Y), dilationX = word(p, DILATION_X);
  const fast = kernelHeight == 3 && kernelWidth == 3 && dilationY == 1 && dilationX == 1 && strideX <= 2;
  const gradientStride = roundUp(outputWidth, 4) + 4, sums = scratch, plane = at(sums, taps * 4);
  const gradient = at(plane, rows * stride);
  clear(sums, taps * 4);
  for (let image = 0; image < batch; image++) {
    const input = image * channels + task / multiplier, output = image * channels * multiplier + task;
    copyPadded(
      at(pointer(p, 0), input * height * width), height, width, -word(p, PAD_Y), word(p, PAD_X), rows, plane, stride,
    );
    copyPadded(
      at(pointer(p, 1), output * outputHeight * outputWidth), outputHeight, outputWidth, 0, 0, outputHeight, gradient,
      gradientStride,
    );
    for (let y = 0; y < outputHeight; y++) {
      const dy = at(gradient, y * gradientStride), line = at(plane, y * strideY * stride), row = (<usize> stride) << 2;
      if (fast) {
        if (strideX == 1) rowSums3(line, row, dy, outputWidth, 1, sums);
        else rowSums3(line, row, dy, outputWidth, 2, sums);
        continue;
      }
      for (let tap = 0; tap < taps; tap++) {
        const r = tap / kernelWidth, s = tap - r * kernelWidth, place = at(sums, tap * 4);
        const from = at(line, r * dilationY * stride + s * dilationX);
        let sum = v128.load(place);
        for (let x = 0; x < outputWidth; x += 4) {
          sum = multiplyAdd(v128.load(at(dy, x)), strided(at(from, x * strideX), strideX), sum);
        }
        v128.store(place, sum);
      }
    }
  }
  for (let tap = 0; tap < taps; tap++) {
    store<f32>(at(pointer(p, 2), task * taps + tap), laneSum(v128.load(at(sums, tap * 4))));
  }
}
