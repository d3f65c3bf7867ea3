/** Sums and means of channels, and the means' gradient, spread to all positions. */

import {
  AFTER_EXTENTS, blockFloats, blockPlanes, blockStart, endChannel, firstChannel, partOf, partsOf, partStart, planeStep,
  sumBlock,
} from "./channel";
import { at, pointer, real, storeLanes, word } from "./simd";

/** The sum of a part of a channel. */
function partSum(p: usize, x: usize, channel: i32, part: i32): f64 {
  const step = planeStep(p), end = partStart(p, part + 1);
  let sum: f64 = 0;
  for (let block = partStart(p, part); block < end; block++) {
    sum += sumBlock(at(x, blockStart(p, channel, block)), blockPlanes(p, block), step, blockFloats(p, block));
  }
  return sum;
}

/** Σ x of a part of a group of channels a task, in float64. Arguments: the extents, x, sums [C, parts] of float64. */
export function channelPartSums(p: usize, task: i32, _scratch: usize): void {
  const part = partOf(p, task), end = endChannel(p, task), x = pointer(p, AFTER_EXTENTS);
  for (let channel = firstChannel(p, task); channel < end; channel++) {
    const sum = partSum(p, x, channel, part);
    store<f64>(pointer(p, AFTER_EXTENTS + 1) + <usize> (channel * partsOf(p) + part) * 8, sum);
  }
}

/** Joins parts. Arguments: sums [C, parts] of float64, y, channels, parts, channels a task, factor. */
export function channelSumJoin(p: usize, task: i32, _scratch: usize): void {
  const parts = word(p, 3), group = word(p, 4), end = min(word(p, 2), (task + 1) * group);
  for (let channel = task * group; channel < end; channel++) {
    let from = pointer(p, 0) + <usize> (channel * parts) * 8, sum: f64 = 0;
    for (let part = 0; part < parts; part++) {
      sum += load<f64>(from);
      from += 8;
    }
    store<f32>(at(pointer(p, 1), channel), <f32> (sum * <f64> real(p, 5)));
  }
}

/** y = factor·Σ x of a group of whole channels a task. Arguments: the extents, x, y, factor. */
export function channelSums(p: usize, task: i32, _scratch: usize): void {
  const end = endChannel(p, task), factor = <f64> real(p, AFTER_EXTENTS + 2);
  for (let channel = firstChannel(p, task); channel < end; channel++) {
    const sum = partSum(p, pointer(p, AFTER_EXTENTS), channel, 0);
    store<f32>(at(pointer(p, AFTER_EXTENTS + 1), channel), <f32> (sum * factor));
  }
}

/** Σ x of a few columns a task, in float64. Arguments: x, y, rows, columns, columns a task (a multiple of 4). */
export function columnSums(p: usize, task: i32, _scratch: usize): void {
  const rows = word(p, 2), columns = word(p, 3), width = word(p, 4), end = min(columns, (task + 1) * width);
  const step = (<usize> columns) << 2;
  for (let column = task * width; column < end; column += 4) {
    let from = at(pointer(p, 0), column), low = f64x2.splat(0), high = low;
    for (let row = 0; row < rows; row++) {
      const v = v128.load(from);
      low = f64x2.add(low, f64x2.promote_low_f32x4(v));
      high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f64>(v, v, 1, 1)));
      from += step;
    }
    const sums = v128.shuffle<f64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
    storeLanes(at(pointer(p, 1), column), sums, end - column);
  }
}

/** Fills planes with factor·dy of each. Arguments: dy, dx, planes, floats of a plane, planes a task, factor. */
export function spreadPlanes(p: usize, task: i32, _scratch: usize): void {
  const plane = word(p, 3), group = word(p, 4), end = min(word(p, 2), (task + 1) * group);
  let target = at(pointer(p, 1), task * group * plane);
  for (let i = task * group; i < end; i++) {
    const value = f32x4.splat(load<f32>(at(pointer(p, 0), i)) * real(p, 5)), stop = at(target, plane);
    for (; target + 16 <= stop; target += 16) v128.store(target, value);
    if (target < stop) storeLanes(target, value, <i32> (stop - target) >> 2);
    target = stop;
  }
}
