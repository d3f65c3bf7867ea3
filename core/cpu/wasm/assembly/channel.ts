/**
 * How the elements of a channel of [N, C, plane] are visited: in blocks that a float sums up well and the first-level
 * cache holds, each a piece of one plane or several images' small planes. A task takes a part of the blocks of a group
 * of channels.
 */

import { firstLanes, laneSum, word } from "./simd";

/** The extents, the first arguments of every kernel that visits channels. */
const BATCH: i32 = 0;
const CHANNELS: i32 = 1;
const PLANE: i32 = 2;
/** Floats of a piece, and pieces of a plane. */
const PIECE: i32 = 3;
const PIECES: i32 = 4;
/** Planes of a block. */
const PLANES: i32 = 5;
/** Blocks of a channel, and parts that they are split into. */
const BLOCKS: i32 = 6;
const PARTS: i32 = 7;
/** Channels of a task. */
const GROUP: i32 = 8;
/** The number of the first argument after the extents. */
export const AFTER_EXTENTS: i32 = 9;

/** Elements of a channel. */
// @ts-ignore: decorator
@inline
export function channelFloats(p: usize): i32 {
  return word(p, BATCH) * word(p, PLANE);
}

// @ts-ignore: decorator
@inline
export function partsOf(p: usize): i32 {
  return word(p, PARTS);
}

/** The part of a task. */
// @ts-ignore: decorator
@inline
export function partOf(p: usize, task: i32): i32 {
  return task % word(p, PARTS);
}

/** The first channel of a task. */
// @ts-ignore: decorator
@inline
export function firstChannel(p: usize, task: i32): i32 {
  return task / word(p, PARTS) * word(p, GROUP);
}

/** The end of the channels of a task. */
// @ts-ignore: decorator
@inline
export function endChannel(p: usize, task: i32): i32 {
  return min(word(p, CHANNELS), firstChannel(p, task) + word(p, GROUP));
}

/** The first block of a part. */
// @ts-ignore: decorator
@inline
export function partStart(p: usize, part: i32): i32 {
  return <i32> (<i64> part * word(p, BLOCKS) / word(p, PARTS));
}

/** Floats from the start of the tensor to a channel's block. */
// @ts-ignore: decorator
@inline
export function blockStart(p: usize, channel: i32, block: i32): i32 {
  const pieces = word(p, PIECES), image = block / pieces * word(p, PLANES);
  return (image * word(p, CHANNELS) + channel) * word(p, PLANE) + block % pieces * word(p, PIECE);
}

/** Planes of a block. */
// @ts-ignore: decorator
@inline
export function blockPlanes(p: usize, block: i32): i32 {
  const planes = word(p, PLANES);
  return min(planes, word(p, BATCH) - block / word(p, PIECES) * planes);
}

/** Floats of each plane of a block. */
// @ts-ignore: decorator
@inline
export function blockFloats(p: usize, block: i32): i32 {
  const piece = word(p, PIECE);
  return min(piece, word(p, PLANE) - block % word(p, PIECES) * piece);
}

/** Bytes from a plane of a block to the next. */
// @ts-ignore: decorator
@inline
export function planeStep(p: usize): usize {
  return <usize> (word(p, CHANNELS) * word(p, PLANE)) << 2;
}

/** The sum of the lanes of four accumulators. */
// @ts-ignore: decorator
@inline
export function total4(a: v128, b: v128, c: v128, d: v128): f64 {
  return <f64> laneSum(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
}

/** The sum of `planes` runs of `count` floats, `step` bytes apart. */
export function sumBlock(source: usize, planes: i32, step: usize, count: i32): f64 {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  for (; planes > 0; planes--) {
    let from = source, left = count;
    for (; left >= 16; left -= 16) {
      s0 = f32x4.add(s0, v128.load(from));
      s1 = f32x4.add(s1, v128.load(from, 16));
      s2 = f32x4.add(s2, v128.load(from, 32));
      s3 = f32x4.add(s3, v128.load(from, 48));
      from += 64;
    }
    for (; left >= 4; left -= 4) {
      s0 = f32x4.add(s0, v128.load(from));
      from += 16;
    }
    if (left > 0) s1 = f32x4.add(s1, v128.and(v128.load(from), firstLanes(left)));
    source += step;
  }
  return total4(s0, s1, s2, s3);
}
