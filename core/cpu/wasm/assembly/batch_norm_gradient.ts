/**
 * The gradients of batch norm: Σ dy and Σ dy·(x - mean) of each channel, in blocks, joined in float64, and then dx.
 * Behind a ReLU, dy counts only where the ReLU's output is positive, and below its ceiling if it has one.
 */

import {
  AFTER_EXTENTS, blockFloats, blockPlanes, blockStart, channelFloats, endChannel, firstChannel, partOf, partsOf, partStart, planeStep, total4,
} from "./channel";
import { at, firstLanes, multiplyAdd, pointer, real, storeLanes, word } from "./simd";

/** Bytes of the two sums, in float64. */
const SUMS_BYTES: usize = 16;

/**
 * How dy counts and what dx is: as the gradient in training, the same behind a ReLU, with constant statistics, or in
 * training behind a ReLU with a ceiling.
 */
const PLAIN: i32 = 0;
const RELU: i32 = 1;
const CONSTANT: i32 = 2;
const BOUNDED_RELU: i32 = 3;

/** The arguments after the extents. */
const DY: i32 = AFTER_EXTENTS;
const OUTPUT: i32 = AFTER_EXTENTS + 1;
const X: i32 = AFTER_EXTENTS + 2;
const MEAN: i32 = AFTER_EXTENTS + 3;
const DEVIATION: i32 = AFTER_EXTENTS + 4;
const GAMMA: i32 = AFTER_EXTENTS + 5;
const DX: i32 = AFTER_EXTENTS + 6;
const D_GAMMA: i32 = AFTER_EXTENTS + 7;
const D_BETA: i32 = AFTER_EXTENTS + 8;
const FORM: i32 = AFTER_EXTENTS + 9;
const EPSILON: i32 = AFTER_EXTENTS + 10;
const CEILING: i32 = AFTER_EXTENTS + 11;
const PARTIAL: i32 = AFTER_EXTENTS + 12;
const JOINED: i32 = AFTER_EXTENTS + 13;

/** Whether dy is masked by the output of an activation. */
// @ts-ignore: decorator
@inline
function masked(form: i32): bool {
  return form == RELU || form == BOUNDED_RELU;
}

/** Four elements of dy, masked. */
// @ts-ignore: decorator
@inline
function counted(dy: usize, output: usize, ceiling: v128, form: i32): v128 {
  let g = v128.load(dy);
  if (masked(form)) {
    const y = v128.load(output);
    g = v128.and(g, f32x4.gt(y, f32x4.splat(0)));
    if (form == BOUNDED_RELU) g = v128.and(g, f32x4.lt(y, ceiling));
  }
  return g;
}

/** Adds Σ dy and Σ dy·(x - mean) of a block to the two float64 at `sums`. */
// @ts-ignore: decorator
@inline
function addSums(
  dy: usize, output: usize, x: usize, planes: i32, step: usize, count: i32, mean: f32, ceiling: v128, form: i32,
  sums: usize,
): void {
  const m = f32x4.splat(mean);
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, q0 = s0, q1 = s0, q2 = s0, q3 = s0;
  for (; planes > 0; planes--) {
    let offset: usize = 0, left = count;
    for (; left >= 16; left -= 16) {
      const a = counted(dy + offset, output + offset, ceiling, form);
      const b = counted(dy + offset + 16, output + offset + 16, ceiling, form);
      const c = counted(dy + offset + 32, output + offset + 32, ceiling, form);
      const d = counted(dy + offset + 48, output + offset + 48, ceiling, form);
      s0 = f32x4.add(s0, a);
      s1 = f32x4.add(s1, b);
      s2 = f32x4.add(s2, c);
      s3 = f32x4.add(s3, d);
      q0 = multiplyAdd(a, f32x4.sub(v128.load(x + offset), m), q0);
      q1 = multiplyAdd(b, f32x4.sub(v128.load(x + offset, 16), m), q1);
      q2 = multiplyAdd(c, f32x4.sub(v128.load(x + offset, 32), m), q2);
      q3 = multiplyAdd(d, f32x4.sub(v128.load(x + offset, 48), m), q3);
      offset += 64;
    }
    for (; left > 0; left -= 4) {
      let a = counted(dy + offset, output + offset, ceiling, form), e = f32x4.sub(v128.load(x + offset), m);
      if (left < 4) {
        a = v128.and(a, firstLanes(left));
        e = v128.and(e, firstLanes(left));
      }
      s0 = f32x4.add(s0, a);
      q0 = multiplyAdd(a, e, q0);
      offset += 16;
    }
    dy += step;
    if (masked(form)) output += step;
    x += step;
  }
  store<f64>(sums, load<f64>(sums) + total4(s0, s1, s2, s3));
  store<f64>(sums, load<f64>(sums, 8) + total4(q0, q1, q2, q3), 8);
}

/** Writes both sums of a part of a channel. */
function partSums(p: usize, channel: i32, part: i32, target: usize): void {
  const step = planeStep(p), end = partStart(p, part + 1), form = word(p, FORM);
  const mean = load<f32>(at(pointer(p, MEAN), channel)), ceiling = f32x4.splat(real(p, CEILING));
  memory.fill(target, 0, SUMS_BYTES);
  for (let block = partStart(p, part); block < end; block++) {
    const start = blockStart(p, channel, block), planes = blockPlanes(p, block), floats = blockFloats(p, block);
    const dy = at(pointer(p, DY), start), x = at(pointer(p, X), start);
    const output = at(pointer(p, OUTPUT), start);
    if (form == RELU) addSums(dy, output, x, planes, step, floats, mean, ceiling, RELU, target);
    else if (form == BOUNDED_RELU) addSums(dy, output, x, planes, step, floats, mean, ceiling, BOUNDED_RELU, target);
    else addSums(dy, 0, x, planes, step, floats, mean, ceiling, PLAIN, target);
  }
}

/** dx = scale·dy + slope·(x - mean) + offset of a run of elements; without slope and offset if statistics are constant. */
// @ts-ignore: decorator
@inline
function gradientRun(
  dy: usize, output: usize, x: usize, dx: usize, left: i32, mean: v128, scale: v128, slope: v128, offset: v128,
  ceiling: v128, form: i32,
): void {
  for (; left >= 8; left -= 8) {
    v128.store(dx, gradientOf(dy, output, x, mean, scale, slope, offset, ceiling, form));
    v128.store(dx, gradientOf(dy + 16, output + 16, x + 16, mean, scale, slope, offset, ceiling, form), 16);
    dy += 32;
    if (masked(form)) output += 32;
    if (form != CONSTANT) x += 32;
    dx += 32;
  }
  for (; left > 0; left -= 4) {
    storeLanes(dx, gradientOf(dy, output, x, mean, scale, slope, offset, ceiling, form), left);
    dy += 16;
    if (masked(form)) output += 16;
    if (form != CONSTANT) x += 16;
    dx += 16;
  }
}

/** Four elements of dx. */
// @ts-ignore: decorator
@inline
function gradientOf(
  dy: usize, output: usize, x: usize, mean: v128, scale: v128, slope: v128, offset: v128, ceiling: v128, form: i32,
): v128 {
  const g = counted(dy, output, ceiling, form);
  if (form == CONSTANT) return f32x4.mul(g, scale);
  return multiplyAdd(g, scale, multiplyAdd(f32x4.sub(v128.load(x), mean), slope, offset));
}

/** 1/√(variance + ε) of a channel. */
// @ts-ignore: decorator
@inline
function deviationOf(p: usize, channel: i32): f64 {
  const value = <f64> load<f32>(at(pointer(p, DEVIATION), channel));
  return word(p, FORM) == CONSTANT ? 1 / sqrt<f64>(value + <f64> real(p, EPSILON)) : value;
}

/** Writes the gradients of gamma and beta from a channel's sums. */
function finishSums(p: usize, channel: i32, sums: usize): void {
  store<f32>(at(pointer(p, D_GAMMA), channel), <f32> (load<f64>(sums, 8) * deviationOf(p, channel)));
  store<f32>(at(pointer(p, D_BETA), channel), <f32> load<f64>(sums));
}

/** dx of a part of a channel from the sums of the whole one. */
function differentiatePart(p: usize, channel: i32, part: i32, sums: usize): void {
  const form = word(p, FORM), step = planeStep(p), first = partStart(p, part), count = <f64> channelFloats(p);
  const deviation = deviationOf(p, channel), gain = deviation * <f64> load<f32>(at(pointer(p, GAMMA), channel));
  const mean = f32x4.splat(load<f32>(at(pointer(p, MEAN), channel))), scale = f32x4.splat(<f32> gain);
  const offset = f32x4.splat(<f32> (-gain * load<f64>(sums) / count));
  const slope = f32x4.splat(<f32> (-gain * deviation * deviation * load<f64>(sums, 8) / count));
  const ceiling = f32x4.splat(real(p, CEILING));
  // From the last block to the first: the blocks summed last may still be in a cache.
  for (let block = partStart(p, part + 1) - 1; block >= first; block--) {
    const start = blockStart(p, channel, block), floats = blockFloats(p, block);
    let dy = at(pointer(p, DY), start), x = at(pointer(p, X), start), dx = at(pointer(p, DX), start);
    let output = at(pointer(p, OUTPUT), start);
    for (let plane = blockPlanes(p, block); plane > 0; plane--) {
      if (form == PLAIN) gradientRun(dy, 0, x, dx, floats, mean, scale, slope, offset, ceiling, PLAIN);
      else if (form == RELU) gradientRun(dy, output, x, dx, floats, mean, scale, slope, offset, ceiling, RELU);
      else if (form == CONSTANT) gradientRun(dy, 0, 0, dx, floats, mean, scale, slope, offset, ceiling, CONSTANT);
      else gradientRun(dy, output, x, dx, floats, mean, scale, slope, offset, ceiling, BOUNDED_RELU);
      dy += step;
      output += step;
      x += step;
      dx += step;
    }
  }
}

/**
 * The gradient of a group of whole channels a task. Arguments: the extents, dy, ReLU's output, x, mean,
 * 1/√(variance + ε), gamma, dx, dGamma, dBeta, form (0 plain, 1 behind a ReLU, 2 constant statistics, with the variance
 * in place of 1/√(variance + ε), 3 behind a ReLU with a ceiling), epsilon, ceiling.
 */
export function batchNormGradient(p: usize, task: i32, scratch: usize): void {
  const end = endChannel(p, task);
  for (let channel = firstChannel(p, task); channel < end; channel++) {
    partSums(p, channel, 0, scratch);
    finishSums(p, channel, scratch);
    differentiatePart(p, channel, 0, scratch);
  }
}

/** The sums of a part of channels a task. Arguments: those of batchNormGradient, sums [C, parts] and [C]. */
export function batchNormGradientSums(p: usize, task: i32, _scratch: usize): void {
  const part = partOf(p, task), end = endChannel(p, task);
  for (let channel = firstChannel(p, task); channel < end; channel++) {
    partSums(p, channel, part, pointer(p, PARTIAL) + <usize> (channel * partsOf(p) + part) * SUMS_BYTES);
  }
}

/** Joins the sums of a channel a task. Arguments: those of batchNormGradientSums. */
export function batchNormGradientJoin(p: usize, task: i32, _scratch: usize): void {
  const parts = partsOf(p), target = pointer(p, JOINED) + <usize> task * SUMS_BYTES;
  let from = pointer(p, PARTIAL) + <usize> (task * parts) * SUMS_BYTES, sum: f64 = 0, product: f64 = 0;
  for (let part = 0; part < parts; part++) {
    sum += load<f64>(from);
    product += load<f64>(from, 8);
    from += SUMS_BYTES;
  }
  store<f64>(target, sum);
  store<f64>(target, product, 8);
  finishSums(p, task, target);
}

/** The gradient of a part of channels a task, from the joined sums. Arguments: those of batchNormGradientSums. */
export function batchNormGradientApply(p: usize, task: i32, _scratch: usize): void {
  const end = endChannel(p, task);
  for (let channel = firstChannel(p, task); channel < end; channel++) {
    differentiatePart(p, channel, partOf(p, task), pointer(p, JOINED) + <usize> channel * SUMS_BYTES);
  }
}
