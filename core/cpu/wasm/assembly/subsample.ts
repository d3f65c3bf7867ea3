/** Every stride-th position of planes, channels of zeros after them, and the gradient; a task takes a few planes. */

import { spreadHigh, spreadLow } from "./pool";
import { at, pointer, storeLanes, strided, word } from "./simd";

/** The geometry, from argument 2 on: the inputs are the channels of the larger planes, the outputs of the smaller. */
const PLANES: i32 = 2;
/** Planes of a task. */
const GROUP: i32 = 3;
const INPUTS: i32 = 4;
const OUTPUTS: i32 = 5;
const HEIGHT: i32 = 6;
const WIDTH: i32 = 7;
const OUTPUT_HEIGHT: i32 = 8;
const OUTPUT_WIDTH: i32 = 9;
const STRIDE_Y: i32 = 10;
const STRIDE_X: i32 = 11;

/** Takes every stride-th element. */
function takeRow(x: usize, y: usize, count: i32, stride: i32): void {
  if (stride <= 2) {
    for (; count > 0; count -= 4) {
      storeLanes(y, stride == 1 ? strided(x, 1) : strided(x, 2), count);
      x += <usize> stride << 4;
      y += 16;
    }
    return;
  }
  for (let i = 0; i < count; i++) store<f32>(at(y, i), load<f32>(at(x, i * stride)));
}

/** The planes of y, `planes` in all. Arguments: x, y, the geometry. */
export function subsample(p: usize, task: i32, _scratch: usize): void {
  const group = word(p, GROUP), end = min(word(p, PLANES), (task + 1) * group), width = word(p, WIDTH);
  const outputs = word(p, OUTPUTS), outputHeight = word(p, OUTPUT_HEIGHT), outputWidth = word(p, OUTPUT_WIDTH);
  const floats = outputHeight * outputWidth;
  for (let i = task * group; i < end; i++) {
    const y = at(pointer(p, 1), i * floats), channel = i % outputs, inputs = word(p, INPUTS);
    if (channel >= inputs) {
      memory.fill(y, 0, (<usize> floats) << 2);
      continue;
    }
    const x = at(pointer(p, 0), (i / outputs * inputs + channel) * word(p, HEIGHT) * width);
    for (let row = 0; row < outputHeight; row++) {
      const from = at(x, row * word(p, STRIDE_Y) * width);
      takeRow(from, at(y, row * outputWidth), outputWidth, word(p, STRIDE_X));
    }
  }
}

/** Writes elements to every stride-th position of a row of zeros. */
function putRow(dy: usize, dx: usize, count: i32, stride: i32): void {
  if (stride == 1) {
    for (; count > 0; count -= 4) {
      storeLanes(dx, v128.load(dy), count);
      dy += 16;
      dx += 16;
    }
    return;
  }
  // Eight elements are written: the last may lie outside the row unless another follows.
  for (; stride == 2 && count > 4; count -= 4) {
    const v = v128.load(dy);
    v128.store(dx, spreadLow(v));
    v128.store(dx, spreadHigh(v), 16);
    dy += 16;
    dx += 32;
  }
  for (let i = 0; i < count; i++) store<f32>(at(dx, i * stride), load<f32>(at(dy, i)));
}

/** The planes of dx, `planes` in all. Arguments: dy, dx, the geometry. */
export function subsampleGradient(p: usize, task: i32, _scratch: usize): void {
  const group = word(p, GROUP), end = min(word(p, PLANES), (task + 1) * group), width = word(p, WIDTH);
  const inputs = word(p, INPUTS), outputHeight = word(p, OUTPUT_HEIGHT), outputWidth = word(p, OUTPUT_WIDTH);
  const floats = word(p, HEIGHT) * width;
  for (let i = task * group; i < end; i++) {
    const dx = at(pointer(p, 1), i * floats), plane = i / inputs * word(p, OUTPUTS) + i % inputs;
    const dy = at(pointer(p, 0), plane * outputHeight * outputWidth);
    memory.fill(dx, 0, (<usize> floats) << 2);
    for (let row = 0; row < outputHeight; row++) {
      const target = at(dx, row * word(p, STRIDE_Y) * width);
      putRow(at(dy, row * outputWidth), target, outputWidth, word(p, STRIDE_X));
    }
  }
}
