/**
 * Depthwise convolutions of 3x3 kernels and padding 1: of stride 1 and its gradients, and the input gradient of
 * stride 2. The lanes of a vector are neighbours of a row, so that planes are read in place. Four rows by four columns of
 * outputs are computed at once, or two rows where two are left. Where tiles do not divide a plane, the last ones overlap
 * those before, with the same results. Low planes go by columns (`depthwise3x3_columns.ts`). Sums of the forward pass and
 * of input gradients have the order of `depthwise.ts`.
 */

import { addSums, convolveColumns, LOW, sumColumns } from "./depthwise3x3_columns";
import { clampVector, hasEpilogue } from "./epilogue";
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
/** Bytes of a kernel and a bias, in scratch memory before a row of zeros. */
const HEAD_BYTES: usize = 64;
/** Bytes of nine vectors of sums, in scratch memory before a row of zeros. */
const SUMS_BYTES: usize = 144;
/** Positions that are summed up before the sums are: a long sum in float32 is less exact. */
const SUMMED: i32 = 1024;

/** Four rows, or two, of four outputs from the rows of inputs that they see; beyond the left and the right edge of a plane lie zeros. */
// @ts-ignore: decorator
@inline
function tile(
  r0: usize, r1: usize, r2: usize, r3: usize, r4: usize, r5: usize, four: bool, left: bool, right: bool, head: usize,
  w0: v128, w1: v128, w2: v128, w3: v128, w4: v128, w5: v128, w6: v128, w7: v128, w8: v128,
  target: usize, step: usize, epilogue: usize,
): void {
  const zero = f32x4.splat(0);
  let s0 = v128.load32_splat(head, 36), s1 = s0, s2 = s0, s3 = s0, l = zero, c = zero, r = zero;
c = v128.load(r0); l = left ? v128.shuffle<f32>(zero, c, 3, 4, 5, 6) : v128.load(r0 - 4);
  s0 = multiplyAdd(l, w0, s0);
  s0 = multiplyAdd(c, w1, s0);
  r = right ? v128.shuffle<f32>(c, zero, 1, 2, 3, 4) : v128.load(r0, 4);
  s0 = multiplyAdd(r, w2, s0);
  c = v128.load(r1); l = left ? v128.shuffle<f32>(zero, c, 3, 4, 5, 6) : v128.load(r1 - 4);
  s0 = multiplyAdd(l, w3, s0); s1 = multiplyAdd(l, w0, s1);
  s0 = multiplyAdd(c, w4, s0); s1 = multiplyAdd(c, w1, s1);
  r = right ? v128.shuffle<f32>(c, zero, 1, 2, 3, 4) : v128.load(r1, 4);
  s0 = multiplyAdd(r, w5, s0); s1 = multiplyAdd(r, w2, s1);
  c = v128.load(r2); l = left ? v128.shuffle<f32>(zero, c, 3, 4, 5, 6) : v128.load(r2 - 4);
  s0 = multiplyAdd(l, w6, s0); s1 = multiplyAdd(l, w3, s1); if (four) { s2 = multiplyAdd(l, w0, s2); }
  s0 = multiplyAdd(c, w7, s0); s1 = multiplyAdd(c, w4, s1); if (four) { s2 = multiplyAdd(c, w1, s2); }
  r = right ? v128.shuffle<f32>(c, zero, 1, 2, 3, 4) : v128.load(r2, 4);
  s0 = multiplyAdd(r, w8, s0); s1 = multiplyAdd(r, w5, s1); if (four) { s2 = multiplyAdd(r, w2, s2); }
  c = v128.load(r3); l = left ? v128.shuffle<f32>(zero, c, 3, 4, 5, 6) : v128.load(r3 - 4);
  s1 = multiplyAdd(l, w6, s1); if (four) { s2 = multiplyAdd(l, w3, s2); s3 = multiplyAdd(l, w0, s3); }
  s1 = multiplyAdd(c, w7, s1); if (four) { s2 = multiplyAdd(c, w4, s2); s3 = multiplyAdd(c, w1, s3); }
  r = right ? v128.shuffle<f32>(c, zero, 1, 2, 3, 4) : v128.load(r3, 4);
  s1 = multiplyAdd(r, w8, s1); if (four) { s2 = multiplyAdd(r, w5, s2); s3 = multiplyAdd(r, w2, s3); }
  if (four) {
    c = v128.load(r4); l = left ? v128.shuffle<f32>(zero, c, 3, 4, 5, 6) : v128.load(r4 - 4);
    s2 = multiplyAdd(l, w6, s2); s3 = multiplyAdd(l, w3, s3);
    s2 = multiplyAdd(c, w7, s2); s3 = multiplyAdd(c, w4, s3);
    r = right ? v128.shuffle<f32>(c, zero, 1, 2, 3, 4) : v128.load(r4, 4);
    s2 = multiplyAdd(r, w8, s2); s3 = multiplyAdd(r, w5, s3);
    c = v128.load(r5); l = left ? v128.shuffle<f32>(zero, c, 3, 4, 5, 6) : v128.load(r5 - 4);
    s3 = multiplyAdd(l, w6, s3);
    s3 = multiplyAdd(c, w7, s3);
    r = right ? v128.shuffle<f32>(c, zero, 1, 2, 3, 4) : v128.load(r5, 4);
    s3 = multiplyAdd(r, w8, s3);
  }
  if (epilogue != 0) {
    const low = v128.load32_splat(epilogue, 4), high = v128.load32_splat(epilogue, 8);
    s0 = clampVector(s0, low, high); s1 = clampVector(s1, low, high);
    s2 = clampVector(s2, low, high); s3 = clampVector(s3, low, high);
  }
  v128.store(target, s0); target += step;
  v128.store(target, s1); target += step;
  if (!four) return;
  v128.store(target, s2); target += step;
  v128.store(target, s3);
}

/** Four rows, or two, of outputs, the first at `top`. `head` holds the kernel and the bias, `zeros` a row of zeros. */
// @ts-ignore: decorator
@inline
function convolveRows(
  plane: usize, height: i32, width: i32, top: i32, four: bool, head: usize, zeros: usize, result: usize,
  epilogue: usize, w0: v128, w1: v128, w2: v128, w3: v128, w4: v128, w5: v128, w6: v128, w7: v128, w8: v128,
): void {
  const step = (<usize> width) << 2, last = (<usize> (width - 4)) << 2, target = result + <usize> top * step;
  const r1 = plane + <usize> top * step, r2 = r1 + step, r0 = top == 0 ? zeros : r1 - step;
  const r3 = top + 2 == height ? zeros : r2 + step, r4 = r3 + step, r5 = top + 4 == height ? zeros : r4 + step;
  if (width == 4) {
    tile(r0, r1, r2, r3, r4, r5, four, true, true, head, w0, w1, w2, w3, w4, w5, w6, w7, w8, target, step, epilogue);
    return;
  }
  tile(r0, r1, r2, r3, r4, r5, four, true, false, head, w0, w1, w2, w3, w4, w5, w6, w7, w8, target, step, epilogue);
  for (let x: usize = 16; x < last; x += 16) {
    tile(
      r0 + x, r1 + x, r2 + x, r3 + x, r4 + x, r5 + x, four, false, false, head, w0, w1, w2, w3, w4, w5, w6, w7, w8,
      target + x, step, epilogue,
    );
  }
  tile(
    r0 + last, r1 + last, r2 + last, r3 + last, r4 + last, r5 + last, four, false, true, head, w0, w1, w2, w3, w4, w5,
    w6, w7, w8, target + last, step, epilogue,
  );
}

/** A plane. */
function convolvePlane(
  plane: usize, height: i32, width: i32, head: usize, zeros: usize, result: usize, epilogue: usize,
): void {
  const w0 = v128.load32_splat(head), w1 = v128.load32_splat(head, 4), w2 = v128.load32_splat(head, 8);
  const w3 = v128.load32_splat(head, 12), w4 = v128.load32_splat(head, 16), w5 = v128.load32_splat(head, 20);
  const w6 = v128.load32_splat(head, 24), w7 = v128.load32_splat(head, 28), w8 = v128.load32_splat(head, 32);
  for (let y = 0; y < height; y += 4) {
    if (height - y == 2) {
      convolveRows(
        plane, height, width, y, false, head, zeros, result, epilogue, w0, w1, w2, w3, w4, w5, w6, w7, w8,
      );
    } else {
      convolveRows(
        plane, height, width, min(y, height - 4), true, head, zeros, result, epilogue, w0, w1, w2, w3, w4, w5, w6, w7,
        w8,
      );
    }
  }
}

/** Places a channel's kernel, and its bias behind it. */
function placeHead(p: usize, channel: i32, head: usize): void {
  const kernel = at(pointer(p, 1), 9 * channel), bias = pointer(p, 3), flipped = word(p, FLIPPED) != 0;
  for (let tap = 0; tap < 9; tap++) store<f32>(at(head, tap), load<f32>(at(kernel, flipped ? 8 - tap : tap)));
  store<f32>(at(head, 9), bias == 0 ? 0 : load<f32>(at(bias, channel)));
}

/**
 * Four outputs of some images a task. Arguments: x, weights, y, bias or 0, the geometry, the epilogue. The input gradient
 * is the same convolution of the output's gradient.
 */
export function depthwise3x3(p: usize, task: i32, scratch: usize): void {
  const multiplier = word(p, MULTIPLIER), channels = word(p, CHANNELS), outputs = channels * multiplier;
  const groups = (outputs + TOGETHER - 1) / TOGETHER, first = task % groups * TOGETHER;
  const image = task / groups * word(p, IMAGES), images = min(word(p, BATCH), image + word(p, IMAGES));
  const height = word(p, HEIGHT), width = word(p, WIDTH), size = height * width;
  const epilogue = hasEpilogue(at(p, EPILOGUE)) ? at(p, EPILOGUE) : 0, head = scratch, zeros = scratch + HEAD_BYTES;
  clear(zeros, width);
  for (let output = first; output < min(outputs, first + TOGETHER); output++) {
    placeHead(p, output, head);
    for (let n = image; n < images; n++) {
      const plane = at(pointer(p, 0), (n * channels + output / multiplier) * size);
      const result = at(pointer(p, 2), (n * outputs + output) * size);
      if (height <= LOW) convolveColumns(plane, height, width, head, result, epilogue);
      else convolvePlane(plane, height, width, head, zeros, result, epilogue);
    }
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

/** Two rows of inputs from two rows of dy; `head` holds the kernel read backwards. */
function spreadRows(above: usize, below: usize, head: usize, target: usize, width: i32): void {
  const w0 = v128.load32_splat(head), w1 = v128.load32_splat(head, 4), w2 = v128.load32_splat(head, 8);
  const w3 = v128.load32_splat(head, 12), w4 = v128.load32_splat(head, 16), w5 = v128.load32_splat(head, 20);
  const w6 = v128.load32_splat(head, 24), w7 = v128.load32_splat(head, 28), w8 = v128.load32_splat(head, 32);
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
  const head = scratch, buffer = scratch + HEAD_BYTES;
  for (let channel = first; channel < min(channels, first + TOGETHER); channel++) {
    placeHead(p, channel, head);
    for (let n = image; n < images; n++) {
      const plane = at(pointer(p, 0), (n * channels + channel) * height * width);
      const result = at(pointer(p, 2), (n * channels + channel) * 4 * height * width);
      copyRow(plane, height, width, 0, buffer);
      for (let y = 0; y < height; y++) {
        const above = buffer + <usize> (y & 1) * line, below = buffer + <usize> (1 - (y & 1)) * line;
        copyRow(plane, height, width, y + 1, below);
        spreadRows(above, below, head, at(result, 4 * y * width), 2 * width);
      }
    }
  }
}

/**
 * Adds the gradients of a kernel from planes of some images to nine vectors of sums, whose lanes are to be added up. Two
 * rows of dy by four
 * columns meet four rows of x; beyond the edges lie zeros.
 */
function sumPlanes(
  x0: usize, xStep: usize, dy: usize, dyStep: usize, images: i32, height: i32, width: i32, zeros: usize, sums: usize,
): void {
  const zero = f32x4.splat(0), all = i32x4.splat(-1), step = (<usize> width) << 2, last = (<usize> (width - 4)) << 2;
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero, s7 = zero, s8 = zero, v = zero;
  for (; images > 0; images--) {
    for (let y = 0; y < height; y += 2) {
      const r1 = x0 + <usize> y * step, r0 = y == 0 ? zeros : r1 - step, from = dy + <usize> y * step;
      const r2 = y + 1 < height ? r1 + step : zeros, r3 = y + 2 < height ? r2 + step : zeros;
      const next = y + 1 < height ? from + step : zeros;
      let low = i32x4(0, -1, -1, -1), high = all;
      for (let x: usize = 0;; x += 16) {
        const ends = x >= last, done = x - last;
        if (ends) {
          x = last;
          high = i32x4(-1, -1, -1, 0);
        }
        let g0 = v128.load(from + x), g1 = v128.load(next + x);
        if (ends) {
          // The columns before were summed already.
          const rest = v128.not(firstLanes(<i32> (done >> 2)));
          g0 = v128.and(g0, rest); g1 = v128.and(g1, rest);
        }
        v = v128.and(v128.load(r0 + x - 4), low);
        s0 = multiplyAdd(g0, v, s0);
        v = v128.load(r0 + x);
        s1 = multiplyAdd(g0, v, s1);
        v = v128.and(v128.load(r0 + x, 4), high);
        s2 = multiplyAdd(g0, v, s2);
        v = v128.and(v128.load(r1 + x - 4), low);
        s3 = multiplyAdd(g0, v, s3); s0 = multiplyAdd(g1, v, s0);
        v = v128.load(r1 + x);
        s4 = multiplyAdd(g0, v, s4); s1 = multiplyAdd(g1, v, s1);
        v = v128.and(v128.load(r1 + x, 4), high);
        s5 = multiplyAdd(g0, v, s5); s2 = multiplyAdd(g1, v, s2);
        v = v128.and(v128.load(r2 + x - 4), low);
        s6 = multiplyAdd(g0, v, s6); s3 = multiplyAdd(g1, v, s3);
        v = v128.load(r2 + x);
        s7 = multiplyAdd(g0, v, s7); s4 = multiplyAdd(g1, v, s4);
        v = v128.and(v128.load(r2 + x, 4), high);
        s8 = multiplyAdd(g0, v, s8); s5 = multiplyAdd(g1, v, s5);
        v = v128.and(v128.load(r3 + x - 4), low);
        s6 = multiplyAdd(g1, v, s6);
        v = v128.load(r3 + x);
        s7 = multiplyAdd(g1, v, s7);
        v = v128.and(v128.load(r3 + x, 4), high);
        s8 = multiplyAdd(g1, v, s8);
        if (ends) break;
        low = all;
      }
    }
    x0 += xStep;
    dy += dyStep;
  }
  addSums(sums, s0, s1, s2, s3, s4, s5, s6, s7, s8);
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
      if (height <= LOW) sumColumns(from, xStep, gradient, dyStep, images, height, width, sums);
      else sumPlanes(from, xStep, gradient, dyStep, images, height, width, zeros, sums);
    }
    for (let tap = 0; tap < 9; tap++) {
      store<f32>(at(pointer(p, 2), 9 * output + tap), laneSum(v128.load(at(sums, 4 * tap))));
    }
  }
}
