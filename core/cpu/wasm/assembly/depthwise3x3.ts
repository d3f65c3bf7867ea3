/**
 * Depthwise convolutions of 3x3 kernels and padding 1: of stride 1 and its gradients, and the input gradient of stride
 * 2. The lanes of a vector are neighbours of a row, so that planes are read in place. Sums of the forward pass and of
 * input gradients have the order of `depthwise.ts`.
 */

import { convolvePlanes } from "./depthwise3x3_columns";
import { sumPlanes } from "./depthwise3x3_sums";
import { hasEpilogue } from "./epilogue";
import {
  at, clear, firstLanes, interleaveHigh, interleaveLow, laneSum, multiplyAdd, pointer, roundUp, word,
} from "./simd";

const CHANNELS: i32 = 4;
/** Outputs that share an input. */
const MULTIPLIER: i32 = 5;
const HEIGHT: i32 = 6;
const WIDTH: i32 = 7;
const BATCH: i32 = 8;
/** Images of a task. */
const IMAGES: i32 = 9;
/** Whether kernels are read backwards. */
const FLIPPED: i32 = 10;
const EPILOGUE: i32 = 11;

/** Channels of a task. */
const TOGETHER: i32 = 4;
/** Bytes of nine vectors of sums, in scratch memory before a row of zeros. */
const SUMS_BYTES: usize = 144;
/** Positions that are summed up before the sums are: a long sum in float32 is less exact. */
const SUMMED: i32 = 1024;

/**
 * Four outputs of some images a task. Arguments: x, weights, y, bias or 0, the geometry, the epilogue. The input
 * gradient is the same convolution of the output's gradient.
 */
export function depthwise3x3(p: usize, task: i32, _scratch: usize): void {
  const multiplier = word(p, MULTIPLIER), channels = word(p, CHANNELS), outputs = channels * multiplier;
  const groups = (outputs + TOGETHER - 1) / TOGETHER, first = task % groups * TOGETHER;
  const image = task / groups * word(p, IMAGES), images = min(word(p, BATCH), image + word(p, IMAGES));
  const height = word(p, HEIGHT), width = word(p, WIDTH), size = height * width;
  const epilogue = hasEpilogue(at(p, EPILOGUE)) ? at(p, EPILOGUE) : 0, bias = pointer(p, 3);
  for (let output = first; output < min(outputs, first + TOGETHER); output++) {
    convolvePlanes(
      at(pointer(p, 0), (image * channels + output / multiplier) * size), (<usize> (channels * size)) << 2,
      at(pointer(p, 2), (image * outputs + output) * size), (<usize> (outputs * size)) << 2, images - image, height, width,
      at(pointer(p, 1), 9 * output), word(p, FLIPPED) != 0,
      bias == 0 ? f32x4.splat(0) : v128.load32_splat(at(bias, output)), epilogue,
    );
  }
}

/** Copies a row of dy, and a zero behind it; beyond the last row there are zeros. */
function copyRow(plane: usize, height: i32, width: i32, y: i32, target: usize): void {
  if (y >= height) {
    clear(target, width + 1);
    return;
  }
  const end = at(target, width);
  let source = at(plane, y * width);
  for (; target < end; target += 16) {
    v128.store(target, v128.load(source));
    source += 16;
  }
  store<f32>(end, 0);
}

/** Two rows of inputs from two rows of dy, by the kernel read backwards. */
function spreadRows(above: usize, below: usize, kernel: usize, target: usize, width: i32): void {
  const w8 = v128.load32_splat(kernel), w7 = v128.load32_splat(kernel, 4), w6 = v128.load32_splat(kernel, 8);
  const w5 = v128.load32_splat(kernel, 12), w4 = v128.load32_splat(kernel, 16), w3 = v128.load32_splat(kernel, 20);
  const w2 = v128.load32_splat(kernel, 24), w1 = v128.load32_splat(kernel, 28), w0 = v128.load32_splat(kernel, 32);
  const zero = f32x4.splat(0), step = (<usize> width) << 2;
  for (let x = 0; x < width; x += 8) {
    const left = min(x, width - 8), from = (<usize> left) << 1, out = target + ((<usize> left) << 2);
    const a = v128.load(above + from), b = v128.load(above + from, 4);
    let even = multiplyAdd(a, w4, zero), odd = multiplyAdd(b, w5, multiplyAdd(a, w3, zero));
    v128.store(out, interleaveLow(even, odd));
    v128.store(out, interleaveHigh(even, odd), 16);
    const c = v128.load(below + from), d = v128.load(below + from, 4);
    even = multiplyAdd(c, w7, multiplyAdd(a, w1, zero));
    odd = multiplyAdd(d, w8, multiplyAdd(c, w6, multiplyAdd(b, w2, multiplyAdd(a, w0, zero))));
    v128.store(out + step, interleaveLow(even, odd));
    v128.store(out + step, interleaveHigh(even, odd), 16);
  }
}

/**
 * The input gradient of stride 2, padding 1 and even planes, four channels of some images a task: no zeros between the
 * elements of dy are multiplied. Arguments: dy, weights, dx, 0, the geometry of dy.
 */
export function depthwise3x3Spread(p: usize, task: i32, scratch: usize): void {
  const channels = word(p, CHANNELS), groups = (channels + TOGETHER - 1) / TOGETHER, first = task % groups * TOGETHER;
  const image = task / groups * word(p, IMAGES), images = min(word(p, BATCH), image + word(p, IMAGES));
  const height = word(p, HEIGHT), width = word(p, WIDTH), line = (<usize> roundUp(width + 1, 4)) << 2;
  for (let channel = first; channel < min(channels, first + TOGETHER); channel++) {
    const kernel = at(pointer(p, 1), 9 * channel);
    for (let n = image; n < images; n++) {
      const plane = at(pointer(p, 0), (n * channels + channel) * height * width);
      const result = at(pointer(p, 2), (n * channels + channel) * 4 * height * width);
      copyRow(plane, height, width, 0, scratch);
      for (let y = 0; y < height; y++) {
        const above = scratch + <usize> (y & 1) * line, below = scratch + <usize> (1 - (y & 1)) * line;
        copyRow(plane, height, width, y + 1, below);
        spreadRows(above, below, kernel, at(result, 4 * y * width), 2 * width);
      }
    }
  }
}

/**
 * The weight gradients of four outputs a task: sums over planes of a few images, then over these sums in order,
 * then over lanes. Arguments: x, dy, dw, 0, the geometry.
 */
export function depthwise3x3WeightGradient(p: usize, task: i32, scratch: usize): void {
  const multiplier = word(p, MULTIPLIER), channels = word(p, CHANNELS), outputs = channels * multiplier;
  const height = word(p, HEIGHT), width = word(p, WIDTH), size = height * width, batch = word(p, BATCH);
  const sums = scratch, zeros = scratch + SUMS_BYTES + 16, together = max(1, SUMMED / size);
  const xStep = (<usize> (channels * size)) << 2, dyStep = (<usize> (outputs * size)) << 2;
  clear(scratch + SUMS_BYTES, width + 8);
  for (let output = task * TOGETHER; output < min(outputs, (task + 1) * TOGETHER); output++) {
    clear(sums, 36);
    const x = at(pointer(p, 0), output / multiplier * size), dy = at(pointer(p, 1), output * size);
    for (let n = 0; n < batch; n += together) {
      const from = x + <usize> n * xStep, gradient = dy + <usize> n * dyStep, images = min(together, batch - n);
      sumPlanes(from, xStep, gradient, dyStep, images, height, width, zeros, sums);
    }
    for (let tap = 0; tap < 9; tap++) {
      store<f32>(at(pointer(p, 2), 9 * output + tap), laneSum(v128.load(at(sums, 4 * tap))));
    }
  }
}
