/**
 * Convolutions of one input channel a group, directly. The four lanes of a vector are four channels: a band of rows of
 * their planes is interleaved into a padded buffer, where every tap of every stride is one load and one multiply-add.
 * The input's gradient is the same convolution: of the output gradient, spread by the stride, with the kernel reversed.
 */

import { clampVector, hasEpilogue } from "./epilogue";
import {
  at, clear, highHalves, interleaveHigh, interleaveLow, lowHalves, multiplyAdd, pointer, storeLanes, word,
} from "./simd";
import { interleaveKernels, interleaveRows, placePlanes, PLANES_BYTES } from "./interleave";

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
/** Vectors of a row of the buffer, and rows that a band computes. */
const ROW: i32 = 18;
const BAND: i32 = 19;
const BATCH: i32 = 20;
/** Images of a task. */
const IMAGES: i32 = 21;
/** The epilogue, of the forward convolution only, and without a residual. */
const EPILOGUE: i32 = 22;

/** Four neighbouring outputs under one tap. */
// @ts-ignore: decorator
@inline
function addTap(source: usize, step: usize, w: v128, sums: usize): void {
  v128.store(sums, multiplyAdd(w, v128.load(source), v128.load(sums)));
  v128.store(sums, multiplyAdd(w, v128.load(source + step), v128.load(sums, 16)), 16);
  v128.store(sums, multiplyAdd(w, v128.load(source + 2 * step), v128.load(sums, 32)), 32);
  v128.store(sums, multiplyAdd(w, v128.load(source + 3 * step), v128.load(sums, 48)), 48);
}

/**
 * Stores four outputs of four channels, transposed, to planes of `size` bytes: clamped if there is an epilogue, added to
 * the old values if `adding`. A vector may overrun its row, since the next row is stored later.
 */
// @ts-ignore: decorator
@inline
function storeOutputs(
  s0: v128, s1: v128, s2: v128, s3: v128, planes: usize, offset: usize, size: usize, lanes: i32, count: i32, adding: bool,
  epilogue: usize, temp: usize,
): void {
  if (epilogue != 0) {
    const low = v128.load32_splat(epilogue, 4), high = v128.load32_splat(epilogue, 8);
    s0 = clampVector(s0, low, high); s1 = clampVector(s1, low, high);
    s2 = clampVector(s2, low, high); s3 = clampVector(s3, low, high);
  }
  const ab = interleaveLow(s0, s1), cd = interleaveLow(s2, s3), AB = interleaveHigh(s0, s1), CD = interleaveHigh(s2, s3);
  if (!adding && lanes == 4 && offset + 16 <= size) {
    v128.store(load<usize>(planes) + offset, lowHalves(ab, cd));
    v128.store(load<usize>(planes, 4) + offset, highHalves(ab, cd));
    v128.store(load<usize>(planes, 8) + offset, lowHalves(AB, CD));
    v128.store(load<usize>(planes, 12) + offset, highHalves(AB, CD));
    return;
  }
  v128.store(temp, lowHalves(ab, cd));
  v128.store(temp, highHalves(ab, cd), 16);
  v128.store(temp, lowHalves(AB, CD), 32);
  v128.store(temp, highHalves(AB, CD), 48);
  for (let lane = 0; lane < lanes; lane++) {
    const target = load<usize>(planes + (<usize> lane << 2)) + offset, v = v128.load(temp + (<usize> lane << 4));
    storeLanes(target, adding ? f32x4.add(v, v128.load(target)) : v, count);
  }
}

/** Rows of outputs of a 3x3 kernel; `step` is the stride in bytes along a row, `down` from a row to the next. */
function convolveStrided3(
  band: usize, line: usize, down: usize, step: usize, kernel: usize, bias: v128, planes: usize, first: usize, size: usize,
  lanes: i32, width: i32, rows: i32, adding: bool, epilogue: usize, temp: usize,
): void {
  const w0 = v128.load(kernel), w1 = v128.load(kernel, 16), w2 = v128.load(kernel, 32), w3 = v128.load(kernel, 48);
  const w4 = v128.load(kernel, 64), w5 = v128.load(kernel, 80), w6 = v128.load(kernel, 96), w7 = v128.load(kernel, 112);
  const w8 = v128.load(kernel, 128), step2 = 2 * step, step3 = 3 * step;
  for (; rows > 0; rows--) {
    let source = band, offset = first;
    for (let left = width; left > 0; left -= 4) {
      let s0 = bias, s1 = bias, s2 = bias, s3 = bias, a = source, b = a + step, c = a + step2, d = a + step3;
      s0 = multiplyAdd(w0, v128.load(a), s0); s1 = multiplyAdd(w0, v128.load(b), s1);
      s2 = multiplyAdd(w0, v128.load(c), s2); s3 = multiplyAdd(w0, v128.load(d), s3);
      s0 = multiplyAdd(w1, v128.load(a, 16), s0); s1 = multiplyAdd(w1, v128.load(b, 16), s1);
      s2 = multiplyAdd(w1, v128.load(c, 16), s2); s3 = multiplyAdd(w1, v128.load(d, 16), s3);
      s0 = multiplyAdd(w2, v128.load(a, 32), s0); s1 = multiplyAdd(w2, v128.load(b, 32), s1);
      s2 = multiplyAdd(w2, v128.load(c, 32), s2); s3 = multiplyAdd(w2, v128.load(d, 32), s3);
      a += line; b += line; c += line; d += line;
      s0 = multiplyAdd(w3, v128.load(a), s0); s1 = multiplyAdd(w3, v128.load(b), s1);
      s2 = multiplyAdd(w3, v128.load(c), s2); s3 = multiplyAdd(w3, v128.load(d), s3);
      s0 = multiplyAdd(w4, v128.load(a, 16), s0); s1 = multiplyAdd(w4, v128.load(b, 16), s1);
      s2 = multiplyAdd(w4, v128.load(c, 16), s2); s3 = multiplyAdd(w4, v128.load(d, 16), s3);
      s0 = multiplyAdd(w5, v128.load(a, 32), s0); s1 = multiplyAdd(w5, v128.load(b, 32), s1);
      s2 = multiplyAdd(w5, v128.load(c, 32), s2); s3 = multiplyAdd(w5, v128.load(d, 32), s3);
      a += line; b += line; c += line; d += line;
      s0 = multiplyAdd(w6, v128.load(a), s0); s1 = multiplyAdd(w6, v128.load(b), s1);
      s2 = multiplyAdd(w6, v128.load(c), s2); s3 = multiplyAdd(w6, v128.load(d), s3);
      s0 = multiplyAdd(w7, v128.load(a, 16), s0); s1 = multiplyAdd(w7, v128.load(b, 16), s1);
      s2 = multiplyAdd(w7, v128.load(c, 16), s2); s3 = multiplyAdd(w7, v128.load(d, 16), s3);
      s0 = multiplyAdd(w8, v128.load(a, 32), s0); s1 = multiplyAdd(w8, v128.load(b, 32), s1);
      s2 = multiplyAdd(w8, v128.load(c, 32), s2); s3 = multiplyAdd(w8, v128.load(d, 32), s3);
      storeOutputs(s0, s1, s2, s3, planes, offset, size, lanes, left, adding, epilogue, temp);
      source += 4 * step;
      offset += 16;
    }
    band += down;
    first += (<usize> width) << 2;
  }
}

/** Rows of outputs of a 3x3 kernel of stride 1, where neighbours share their inputs. */
function convolveDense3(
  band: usize, line: usize, kernel: usize, bias: v128, planes: usize, first: usize, size: usize, lanes: i32, width: i32,
  rows: i32, adding: bool, epilogue: usize, temp: usize,
): void {
  const w0 = v128.load(kernel), w1 = v128.load(kernel, 16), w2 = v128.load(kernel, 32), w3 = v128.load(kernel, 48);
  const w4 = v128.load(kernel, 64), w5 = v128.load(kernel, 80), w6 = v128.load(kernel, 96), w7 = v128.load(kernel, 112);
  const w8 = v128.load(kernel, 128);
  for (; rows > 0; rows--) {
    let source = band, offset = first;
    for (let left = width; left > 0; left -= 4) {
      let s0 = bias, s1 = bias, s2 = bias, s3 = bias, from = source, x = v128.load(from);
      s0 = multiplyAdd(x, w0, s0); x = v128.load(from, 16);
      s0 = multiplyAdd(x, w1, s0); s1 = multiplyAdd(x, w0, s1); x = v128.load(from, 32);
      s0 = multiplyAdd(x, w2, s0); s1 = multiplyAdd(x, w1, s1); s2 = multiplyAdd(x, w0, s2); x = v128.load(from, 48);
      s1 = multiplyAdd(x, w2, s1); s2 = multiplyAdd(x, w1, s2); s3 = multiplyAdd(x, w0, s3); x = v128.load(from, 64);
      s2 = multiplyAdd(x, w2, s2); s3 = multiplyAdd(x, w1, s3); x = v128.load(from, 80);
      s3 = multiplyAdd(x, w2, s3); from += line; x = v128.load(from);
      s0 = multiplyAdd(x, w3, s0); x = v128.load(from, 16);
      s0 = multiplyAdd(x, w4, s0); s1 = multiplyAdd(x, w3, s1); x = v128.load(from, 32);
      s0 = multiplyAdd(x, w5, s0); s1 = multiplyAdd(x, w4, s1); s2 = multiplyAdd(x, w3, s2); x = v128.load(from, 48);
      s1 = multiplyAdd(x, w5, s1); s2 = multiplyAdd(x, w4, s2); s3 = multiplyAdd(x, w3, s3); x = v128.load(from, 64);
      s2 = multiplyAdd(x, w5, s2); s3 = multiplyAdd(x, w4, s3); x = v128.load(from, 80);
      s3 = multiplyAdd(x, w5, s3); from += line; x = v128.load(from);
      s0 = multiplyAdd(x, w6, s0); x = v128.load(from, 16);
      s0 = multiplyAdd(x, w7, s0); s1 = multiplyAdd(x, w6, s1); x = v128.load(from, 32);
      s0 = multiplyAdd(x, w8, s0); s1 = multiplyAdd(x, w7, s1); s2 = multiplyAdd(x, w6, s2); x = v128.load(from, 48);
      s1 = multiplyAdd(x, w8, s1); s2 = multiplyAdd(x, w7, s2); s3 = multiplyAdd(x, w6, s3); x = v128.load(from, 64);
      s2 = multiplyAdd(x, w8, s2); s3 = multiplyAdd(x, w7, s3); x = v128.load(from, 80);
      s3 = multiplyAdd(x, w8, s3);
      storeOutputs(s0, s1, s2, s3, planes, offset, size, lanes, left, adding, epilogue, temp);
      source += 64;
      offset += 16;
    }
    band += line;
    first += (<usize> width) << 2;
  }
}

/** A row of outputs of any kernel. */
function convolveRow(
  p: usize, source: usize, line: usize, step: usize, kernel: usize, bias: v128, planes: usize, offset: usize, size: usize,
  lanes: i32, width: i32, adding: bool, epilogue: usize, temp: usize,
): void {
  const kernelHeight = word(p, KERNEL_HEIGHT), kernelWidth = word(p, KERNEL_WIDTH);
  const down = <usize> word(p, DILATION_Y) * line, right = <usize> word(p, DILATION_X) << 4;
  for (; width > 0; width -= 4) {
    v128.store(temp, bias); v128.store(temp, bias, 16); v128.store(temp, bias, 32); v128.store(temp, bias, 48);
    let w = kernel;
    for (let r = 0; r < kernelHeight; r++) {
      for (let s = 0; s < kernelWidth; s++) {
        addTap(source + <usize> r * down + <usize> s * right, step, v128.load(w), temp);
        w += 16;
      }
    }
    storeOutputs(
      v128.load(temp), v128.load(temp, 16), v128.load(temp, 32), v128.load(temp, 48), planes, offset, size, lanes, width,
      adding, epilogue, temp,
    );
    source += 4 * step;
    offset += 16;
  }
}

/** Rows of outputs, from an interleaved band. */
function convolveBand(
  p: usize, buffer: usize, kernel: usize, bias: v128, strideY: i32, strideX: i32, planes: usize, size: i32, first: i32,
  rows: i32, width: i32, lanes: i32, adding: bool, epilogue: usize, temp: usize,
): void {
  const line = <usize> word(p, ROW) << 4, step = <usize> strideX << 4, bytes = <usize> size << 2;
  const fast = word(p, KERNEL_HEIGHT) == 3 && word(p, KERNEL_WIDTH) == 3 && word(p, DILATION_Y) == 1 &&
    word(p, DILATION_X) == 1;
  const down = <usize> strideY * line, offset = (<usize> (first * width)) << 2;
  if (fast && strideX == 1 && strideY == 1) {
    convolveDense3(buffer, line, kernel, bias, planes, offset, bytes, lanes, width, rows, adding, epilogue, temp);
  } else if (fast) {
    convolveStrided3(
      buffer, line, down, step, kernel, bias, planes, offset, bytes, lanes, width, rows, adding, epilogue, temp,
    );
  } else {
    for (let r = 0; r < rows; r++) {
      convolveRow(
        p, buffer + <usize> r * down, line, step, kernel, bias, planes, offset + (<usize> (r * width) << 2), bytes, lanes,
        width, adding, epilogue, temp,
      );
    }
  }
}

/** Rows of the buffer under `rows` rows of outputs. */
// @ts-ignore: decorator
@inline
function bandRows(p: usize, rows: i32, strideY: i32): i32 {
  return (rows - 1) * strideY + (word(p, KERNEL_HEIGHT) - 1) * word(p, DILATION_Y) + 1;
}

/** Four outputs of some images a task. Arguments: x, weights, y, bias or 0, the geometry, the epilogue. */
export function depthwise(p: usize, task: i32, scratch: usize): void {
  const multiplier = word(p, MULTIPLIER), outputs = word(p, CHANNELS) * multiplier, quads = (outputs + 3) >> 2;
  const images = word(p, IMAGES), image = task / quads * images, end = min(word(p, BATCH), image + images);
  const first = task % quads * 4, lanes = min(4, outputs - first);
  const height = word(p, HEIGHT), width = word(p, WIDTH), band = word(p, BAND), strideY = word(p, STRIDE_Y);
  const outputHeight = word(p, OUTPUT_HEIGHT), outputWidth = word(p, OUTPUT_WIDTH);
  const taps = word(p, KERNEL_HEIGHT) * word(p, KERNEL_WIDTH), bias = pointer(p, 3);
  const sources = scratch, targets = sources + PLANES_BYTES, temp = targets + PLANES_BYTES, kernel = temp + 64;
  const buffer = at(kernel, 4 * taps), epilogue = hasEpilogue(at(p, EPILOGUE)) ? at(p, EPILOGUE) : 0;
  interleaveKernels(pointer(p, 1), outputs, first, 1, taps, false, kernel);
  let shift = f32x4.splat(0);
  if (bias != 0) {
    for (let lane = 0; lane < lanes; lane++) store<f32>(at(temp, lane), load<f32>(at(bias, first + lane)));
    shift = v128.load(temp);
  }
  clear(buffer, 4 * bandRows(p, min(band, outputHeight), strideY) * word(p, ROW));
  for (let n = image; n < end; n++) {
    placePlanes(sources, pointer(p, 0), n, outputs, first, 1, multiplier, height * width, word(p, CHANNELS));
    placePlanes(targets, pointer(p, 2), n, outputs, first, 1, 1, outputHeight * outputWidth, outputs);
    for (let y = 0; y < outputHeight; y += band) {
      const rows = min(band, outputHeight - y);
      interleaveRows(
        sources, height, width, y * strideY, bandRows(p, rows, strideY), word(p, PAD_Y), word(p, PAD_X), 1, 1, buffer,
        word(p, ROW),
      );
      convolveBand(
        p, buffer, kernel, shift, strideY, word(p, STRIDE_X), targets, outputHeight * outputWidth, y, rows, outputWidth,
        lanes, false, epilogue, temp,
      );
    }
  }
}

/**
 * Four inputs of some images a task; the padding is that of the transposed convolution.
 * Arguments: dy, weights, dx, 0, the geometry.
 */
export function depthwiseInputGradient(p: usize, task: i32, scratch: usize): void {
  const multiplier = word(p, MULTIPLIER), channels = word(p, CHANNELS), quads = (channels + 3) >> 2;
  const images = word(p, IMAGES), image = task / quads * images, end = min(word(p, BATCH), image + images);
  const first = task % quads * 4, lanes = min(4, channels - first);
  const height = word(p, HEIGHT), width = word(p, WIDTH), band = word(p, BAND), outputs = channels * multiplier;
  const outputHeight = word(p, OUTPUT_HEIGHT), outputWidth = word(p, OUTPUT_WIDTH);
  const taps = word(p, KERNEL_HEIGHT) * word(p, KERNEL_WIDTH);
  const sources = scratch, targets = sources + PLANES_BYTES, temp = targets + PLANES_BYTES, kernel = temp + 64;
  const buffer = at(kernel, 4 * taps);
  clear(buffer, 4 * bandRows(p, min(band, height), 1) * word(p, ROW));
  for (let k = 0; k < multiplier; k++) {
    const output = first * multiplier + k;
    interleaveKernels(pointer(p, 1), outputs, output, multiplier, taps, true, kernel);
    for (let n = image; n < end; n++) {
      placePlanes(sources, pointer(p, 0), n, outputs, output, multiplier, 1, outputHeight * outputWidth, outputs);
      placePlanes(targets, pointer(p, 2), n, channels, first, 1, 1, height * width, channels);
      for (let y = 0; y < height; y += band) {
        const rows = min(band, height - y);
        interleaveRows(
          sources, outputHeight, outputWidth, y, bandRows(p, rows, 1), word(p, PAD_Y), word(p, PAD_X), word(p, STRIDE_Y),
          word(p, STRIDE_X), buffer, word(p, ROW),
        );
        convolveBand(
          p, buffer, kernel, f32x4.splat(0), 1, 1, targets, height * width, y, rows, width, lanes, k > 0, 0, temp,
        );
      }
    }
  }
}

/** Adds rows of dy times each tap to nine sums. */
function sumRows3(
  band: usize, line: usize, down: usize, step: usize, dy: usize, width: i32, rows: i32, sums: usize,
): void {
  let s0 = v128.load(sums), s1 = v128.load(sums, 16), s2 = v128.load(sums, 32), s3 = v128.load(sums, 48);
  let s4 = v128.load(sums, 64), s5 = v128.load(sums, 80), s6 = v128.load(sums, 96), s7 = v128.load(sums, 112);
  let s8 = v128.load(sums, 128);
  const line2 = 2 * line;
  for (; rows > 0; rows--) {
    let source = band;
    for (let left = width; left > 0; left--) {
      const g = v128.load(dy), second = source + line, third = source + line2;
      s0 = multiplyAdd(g, v128.load(source), s0);
      s1 = multiplyAdd(g, v128.load(source, 16), s1);
      s2 = multiplyAdd(g, v128.load(source, 32), s2);
      s3 = multiplyAdd(g, v128.load(second), s3);
      s4 = multiplyAdd(g, v128.load(second, 16), s4);
      s5 = multiplyAdd(g, v128.load(second, 32), s5);
      s6 = multiplyAdd(g, v128.load(third), s6);
      s7 = multiplyAdd(g, v128.load(third, 16), s7);
      s8 = multiplyAdd(g, v128.load(third, 32), s8);
      source += step;
      dy += 16;
    }
    band += down;
  }
  v128.store(sums, s0); v128.store(sums, s1, 16); v128.store(sums, s2, 32); v128.store(sums, s3, 48);
  v128.store(sums, s4, 64); v128.store(sums, s5, 80); v128.store(sums, s6, 96); v128.store(sums, s7, 112);
  v128.store(sums, s8, 128);
}

/**
 * The kernels' gradients of four outputs a task: sums over a band, then over bands and images in order.
 * Arguments: x, dy, dw, 0, the geometry, batch.
 */
export function depthwiseWeightGradient(p: usize, task: i32, scratch: usize): void {
  const multiplier = word(p, MULTIPLIER), channels = word(p, CHANNELS), outputs = channels * multiplier;
  const first = 4 * task, lanes = min(4, outputs - first), band = word(p, BAND), row = word(p, ROW);
  const height = word(p, HEIGHT), width = word(p, WIDTH), strideY = word(p, STRIDE_Y), strideX = word(p, STRIDE_X);
  const outputHeight = word(p, OUTPUT_HEIGHT), outputWidth = word(p, OUTPUT_WIDTH);
  const kernelWidth = word(p, KERNEL_WIDTH), taps = word(p, KERNEL_HEIGHT) * kernelWidth;
  const dilationY = word(p, DILATION_Y), dilationX = word(p, DILATION_X);
  const fast = kernelWidth == 3 && taps == 9 && dilationY == 1 && dilationX == 1;
  const sources = scratch, totals = sources + PLANES_BYTES, sums = at(totals, 4 * taps), dy = at(sums, 4 * taps);
  const buffer = dy + (<usize> (band * outputWidth) << 4), line = <usize> row << 4, step = <usize> strideX << 4;
  clear(totals, 4 * taps);
  clear(buffer, 4 * bandRows(p, min(band, outputHeight), strideY) * row);
  for (let image = 0; image < word(p, BATCH); image++) {
    for (let y = 0; y < outputHeight; y += band) {
      const rows = min(band, outputHeight - y);
      placePlanes(sources, pointer(p, 1), image, outputs, first, 1, 1, outputHeight * outputWidth, outputs);
      interleaveRows(sources, outputHeight, outputWidth, y, rows, 0, 0, 1, 1, dy, outputWidth);
      placePlanes(sources, pointer(p, 0), image, outputs, first, 1, multiplier, height * width, channels);
      interleaveRows(
        sources, height, width, y * strideY, bandRows(p, rows, strideY), word(p, PAD_Y), word(p, PAD_X), 1, 1, buffer, row,
      );
      clear(sums, 4 * taps);
      if (fast) sumRows3(buffer, line, <usize> strideY * line, step, dy, outputWidth, rows, sums);
      else {
        for (let r = 0; r < rows; r++) {
          const source = buffer + <usize> (r * strideY) * line, gradient = dy + (<usize> (r * outputWidth) << 4);
          for (let tap = 0; tap < taps; tap++) {
            const down = tap / kernelWidth, right = tap - down * kernelWidth, total = at(sums, 4 * tap);
            const from = source + <usize> (down * dilationY) * line + (<usize> (right * dilationX) << 4);
            let sum = v128.load(total);
            for (let x = 0; x < outputWidth; x++) {
              sum = multiplyAdd(v128.load(gradient + (<usize> x << 4)), v128.load(from + <usize> x * step), sum);
            }
            v128.store(total, sum);
          }
        }
      }
      for (let tap = 0; tap < taps; tap++) {
        const total = at(totals, 4 * tap);
        v128.store(total, f32x4.add(v128.load(total), v128.load(at(sums, 4 * tap))));
      }
    }
  }
  for (let lane = 0; lane < lanes; lane++) {
    for (let tap = 0; tap < taps; tap++) {
      store<f32>(at(pointer(p, 2), (first + lane) * taps + tap), load<f32>(at(totals, 4 * tap + lane)));
    }
  }
}
