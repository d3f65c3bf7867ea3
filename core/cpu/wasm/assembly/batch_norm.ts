/**
 * Batch norm of [N, C, plane]: each channel's mean and squares, summed in blocks around an estimate of the mean, then
 * joined in float64; and the normalisation with its epilogue. Memory is read once for the statistics.
 */

import {
  AFTER_EXTENTS, blockFloats, blockPlanes, blockStart, endChannel, firstChannel, partOf, partsOf, partStart, planeStep, sumBlock, total4,
} from "./channel";
import { at, firstLanes, multiplyAdd, pointer, real, storeLanes, word } from "./simd";

/** Bytes of a part's statistics: count, mean, and sum of the squared deviations from it, in float64. */
const PART_BYTES: usize = 24;

/** The epilogue of the normalisation: none, ReLU, a residual and ReLU, or ReLU up to a ceiling. */
const PLAIN: i32 = 0;
const RELU: i32 = 1;
const RESIDUAL_RELU: i32 = 2;
const BOUNDED_RELU: i32 = 3;

/** Arguments of the kernels in training, after the extents. */
const X: i32 = AFTER_EXTENTS;
const GAMMA: i32 = AFTER_EXTENTS + 1;
const BETA: i32 = AFTER_EXTENTS + 2;
const MEAN: i32 = AFTER_EXTENTS + 3;
const VARIANCE: i32 = AFTER_EXTENTS + 4;
const RESIDUAL: i32 = AFTER_EXTENTS + 5;
const Y: i32 = AFTER_EXTENTS + 6;
const EPSILON: i32 = AFTER_EXTENTS + 7;
const FORM: i32 = AFTER_EXTENTS + 8;
const CEILING: i32 = AFTER_EXTENTS + 9;
const MOMENTUM: i32 = AFTER_EXTENTS + 10;
const BATCH_MEAN: i32 = AFTER_EXTENTS + 11;
const INVERSE_STD: i32 = AFTER_EXTENTS + 12;
const PARTIAL: i32 = AFTER_EXTENTS + 13;
const JOINED: i32 = AFTER_EXTENTS + 14;

/** The address of a part's statistics. */
// @ts-ignore: decorator
@inline
function partial(p: usize, channel: i32, part: i32): usize {
  return pointer(p, PARTIAL) + <usize> (channel * partsOf(p) + part) * PART_BYTES;
}

/** Σ (x - shift) and Σ (x - shift)² of a block, to the two float64 at `sums`. */
function shiftedSums(source: usize, planes: i32, step: usize, count: i32, shift: f32, sums: usize): void {
  const k = f32x4.splat(shift);
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, q0 = s0, q1 = s0, q2 = s0, q3 = s0;
  for (; planes > 0; planes--) {
    let from = source, left = count;
    for (; left >= 16; left -= 16) {
      const a = f32x4.sub(v128.load(from), k), b = f32x4.sub(v128.load(from, 16), k);
      const c = f32x4.sub(v128.load(from, 32), k), d = f32x4.sub(v128.load(from, 48), k);
      s0 = f32x4.add(s0, a);
      s1 = f32x4.add(s1, b);
      s2 = f32x4.add(s2, c);
      s3 = f32x4.add(s3, d);
      q0 = multiplyAdd(a, a, q0);
      q1 = multiplyAdd(b, b, q1);
      q2 = multiplyAdd(c, c, q2);
      q3 = multiplyAdd(d, d, q3);
      from += 64;
    }
    for (; left > 0; left -= 4) {
      let a = f32x4.sub(v128.load(from), k);
      if (left < 4) a = v128.and(a, firstLanes(left));
      s0 = f32x4.add(s0, a);
      q0 = multiplyAdd(a, a, q0);
      from += 16;
    }
    source += step;
  }
  store<f64>(sums, total4(s0, s1, s2, s3));
  store<f64>(sums, total4(q0, q1, q2, q3), 8);
}

/** Adds the statistics of other elements to those at `target` (Chan et al. 1983, equation 2.1). */
// @ts-ignore: decorator
@inline
function join(target: usize, count: f64, mean: f64, squares: f64): void {
  const before = load<f64>(target), difference = mean - load<f64>(target, 8), total = before + count;
  store<f64>(target, total);
  store<f64>(target, load<f64>(target, 8) + difference * count / total, 8);
  store<f64>(target, load<f64>(target, 16) + squares + difference * difference * (before * count / total), 16);
}

/** Writes the statistics of a part of a channel. */
function partStatistics(p: usize, channel: i32, part: i32, target: usize, sums: usize): void {
  const step = planeStep(p), first = partStart(p, part), end = partStart(p, part + 1);
  memory.fill(target, 0, PART_BYTES);
  for (let block = first; block < end; block++) {
    const source = at(pointer(p, X), blockStart(p, channel, block)), planes = blockPlanes(p, block);
    const floats = blockFloats(p, block), count = <f64> (planes * floats);
    // A block's sums are small, so exact, around the mean of the blocks before it.
    const shift = <f32> (block == first ? sumBlock(source, planes, step, floats) / count : load<f64>(target, 8));
    shiftedSums(source, planes, step, floats, shift, sums);
    const offset = load<f64>(sums) / count;
    join(target, count, <f64> shift + offset, load<f64>(sums, 8) - offset * offset * count);
  }
}

/** y of four elements. */
// @ts-ignore: decorator
@inline
function normalized(
  x: usize, other: usize, mean: v128, scale: v128, shift: v128, ceiling: v128, form: i32,
): v128 {
  let v = multiplyAdd(f32x4.sub(v128.load(x), mean), scale, shift);
  if (form == RESIDUAL_RELU) v = f32x4.add(v, v128.load(other));
  // A pseudo-maximum or minimum gives its first operand where none is less: NaN stays.
  if (form != PLAIN) v = f32x4.pmax(v, f32x4.splat(0));
  if (form == BOUNDED_RELU) v = f32x4.pmin(v, ceiling);
  return v;
}

/** y of a run of elements. */
// @ts-ignore: decorator
@inline
function normalizeRun(
  x: usize, other: usize, y: usize, left: i32, mean: v128, scale: v128, shift: v128, ceiling: v128, form: i32,
): void {
  for (; left >= 16; left -= 16) {
    v128.store(y, normalized(x, other, mean, scale, shift, ceiling, form));
    v128.store(y, normalized(x + 16, other + 16, mean, scale, shift, ceiling, form), 16);
    v128.store(y, normalized(x + 32, other + 32, mean, scale, shift, ceiling, form), 32);
    v128.store(y, normalized(x + 48, other + 48, mean, scale, shift, ceiling, form), 48);
    x += 64;
    if (form == RESIDUAL_RELU) other += 64;
    y += 64;
  }
  for (; left > 0; left -= 4) {
    storeLanes(y, normalized(x, other, mean, scale, shift, ceiling, form), left);
    x += 16;
    if (form == RESIDUAL_RELU) other += 16;
    y += 16;
  }
}

/** y of a part of a channel, from the last block to the first, since the blocks summed last may still be in a cache. */
function normalizePart(p: usize, channel: i32, part: i32, mean: f64, deviation: f64): void {
  const form = word(p, FORM), residual = pointer(p, RESIDUAL), step = planeStep(p), first = partStart(p, part);
  const gain = deviation * <f64> load<f32>(at(pointer(p, GAMMA), channel));
  // The mean's rounding error in float32 goes into the shift.
  const rest = (mean - <f64> <f32> mean) * gain;
  const m = f32x4.splat(<f32> mean), scale = f32x4.splat(<f32> gain);
  const shift = f32x4.splat(<f32> (<f64> load<f32>(at(pointer(p, BETA), channel)) - rest));
  const ceiling = f32x4.splat(real(p, CEILING));
  for (let block = partStart(p, part + 1) - 1; block >= first; block--) {
    const start = blockStart(p, channel, block), floats = blockFloats(p, block);
    let x = at(pointer(p, X), start), y = at(pointer(p, Y), start), other = at(residual, start);
    for (let plane = blockPlanes(p, block); plane > 0; plane--) {
      if (form == PLAIN) normalizeRun(x, 0, y, floats, m, scale, shift, ceiling, PLAIN);
      else if (form == RELU) normalizeRun(x, 0, y, floats, m, scale, shift, ceiling, RELU);
      else if (form == RESIDUAL_RELU) normalizeRun(x, other, y, floats, m, scale, shift, ceiling, RESIDUAL_RELU);
      else normalizeRun(x, 0, y, floats, m, scale, shift, ceiling, BOUNDED_RELU);
      x += step;
      y += step;
      other += step;
    }
  }
}

/** Writes a channel's batch and running statistics; and its mean and 1/√(variance + ε), in float64, to `target`. */
function finishStatistics(p: usize, channel: i32, statistics: usize, target: usize): void {
  const count = load<f64>(statistics), mean = load<f64>(statistics, 8);
  const squares = max<f64>(load<f64>(statistics, 16), 0);
  const deviation = 1 / sqrt<f64>(squares / count + <f64> real(p, EPSILON)), momentum = <f64> real(p, MOMENTUM);
  const runningMean = at(pointer(p, MEAN), channel), runningVariance = at(pointer(p, VARIANCE), channel);
  store<f32>(at(pointer(p, BATCH_MEAN), channel), <f32> mean);
  store<f32>(at(pointer(p, INVERSE_STD), channel), <f32> deviation);
  store<f32>(runningMean, <f32> ((1 - momentum) * <f64> load<f32>(runningMean) + momentum * mean));
  store<f32>(
    runningVariance,
    <f32> ((1 - momentum) * <f64> load<f32>(runningVariance) + momentum * squares / (count - 1)),
  );
  store<f64>(target, mean);
  store<f64>(target, deviation, 8);
}

/**
 * Batch norm of a group of whole channels a task. Arguments: the extents, x, gamma, beta, running mean, running
 * variance, residual, y, epsilon, form (0 plain, 1 with ReLU, 2 with the residual and ReLU, 3 with ReLU up to the
 * ceiling), ceiling, momentum, batch mean, 1/√(variance + ε).
 */
export function batchNorm(p: usize, task: i32, scratch: usize): void {
  const end = endChannel(p, task);
  for (let channel = firstChannel(p, task); channel < end; channel++) {
    partStatistics(p, channel, 0, scratch, scratch + PART_BYTES);
    finishStatistics(p, channel, scratch, scratch);
    normalizePart(p, channel, 0, load<f64>(scratch), load<f64>(scratch, 8));
  }
}

/** The statistics of a part of channels a task. Arguments: those of batchNorm, statistics [C, parts] and [C]. */
export function batchNormStatistics(p: usize, task: i32, scratch: usize): void {
  const part = partOf(p, task), end = endChannel(p, task);
  for (let channel = firstChannel(p, task); channel < end; channel++) {
    partStatistics(p, channel, part, partial(p, channel, part), scratch);
  }
}

/** Writes the joined statistics of a channel's parts. */
// @ts-ignore: decorator
@inline
function joinParts(p: usize, channel: i32, target: usize): void {
  const parts = partsOf(p);
  memory.fill(target, 0, PART_BYTES);
  for (let part = 0; part < parts; part++) {
    const from = partial(p, channel, part);
    join(target, load<f64>(from), load<f64>(from, 8), load<f64>(from, 16));
  }
}

/** Joins the statistics of a channel a task. Arguments: those of batchNormStatistics. */
export function batchNormJoin(p: usize, task: i32, scratch: usize): void {
  joinParts(p, task, scratch);
  finishStatistics(p, task, scratch, pointer(p, JOINED) + (<usize> task << 4));
}

/**
 * The mean and the biased variance of a channel a task, to where batch norm puts the batch's mean and 1/√(variance + ε).
 * Arguments: those of batchNormStatistics.
 */
export function batchNormMoments(p: usize, task: i32, scratch: usize): void {
  joinParts(p, task, scratch);
  store<f32>(at(pointer(p, BATCH_MEAN), task), <f32> load<f64>(scratch, 8));
  store<f32>(at(pointer(p, INVERSE_STD), task), <f32> (max<f64>(load<f64>(scratch, 16), 0) / load<f64>(scratch)));
}

/** A part of the channels of batch norm a task, from the joined statistics. Arguments: those of batchNormStatistics. */
export function batchNormApply(p: usize, task: i32, _scratch: usize): void {
  const end = endChannel(p, task);
  for (let channel = firstChannel(p, task); channel < end; channel++) {
    const from = pointer(p, JOINED) + (<usize> channel << 4);
    normalizePart(p, channel, partOf(p, task), load<f64>(from), load<f64>(from, 8));
  }
}

/** Batch norm by the running statistics, a part of channels a task. Arguments: those of batchNorm up to the ceiling. */
export function batchNormInference(p: usize, task: i32, _scratch: usize): void {
  const end = endChannel(p, task);
  for (let channel = firstChannel(p, task); channel < end; channel++) {
    const variance = <f64> load<f32>(at(pointer(p, VARIANCE), channel)) + <f64> real(p, EPSILON);
    normalizePart(p, channel, partOf(p, task), <f64> load<f32>(at(pointer(p, MEAN), channel)), 1 / sqrt<f64>(variance));
  }
}
