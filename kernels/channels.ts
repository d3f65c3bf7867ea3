/** How the CPU kernels split work over channels and planes; `core/cpu/wasm/assembly/channel.ts` has the other side. */

import type { CpuStages } from "../core/mod.ts";

/** Floats of a block: summed in float32 without loss, and held by the first-level cache. */
const BLOCK = 4096;
/** The least floats of a block that are worth joining in float64, where images have so many together. */
const LEAST_BLOCK = 256;
/** Tasks that keep many threads busy to the end. */
const TASKS = 32;
/** The least floats of a task that are worth its start, and the most: few pages, that stay in the second-level cache. */
const LEAST_TASK = 8192, MOST_TASK = 32_768;
/** The least floats of an image that a task reads from end to end: strides over pages are slow. */
const RUN = 1024;

/** A tensor [N, C, plane]. */
export interface ChannelExtents {
  /** The images N. */
  readonly batch: number;
  /** The channels C. */
  readonly channels: number;
  /** Positions of a plane. */
  readonly plane: number;
}

/** A split of a tensor's channels into tasks. */
export interface ChannelSplit {
  /** Parts of a channel, each a task's; if there is only one, a task sees whole channels. */
  readonly parts: number;
  /** The number of tasks. */
  readonly tasks: number;
  /** The first arguments of the kernels. */
  readonly arguments: readonly number[];
}

/**
 * Splits a tensor into groups of channels and ranges of images; by its shape alone, so that sums do not depend on the
 * number of threads.
 */
export function splitChannels({ batch, channels, plane }: ChannelExtents): ChannelSplit {
  const piece = Math.ceil(plane / Math.ceil(plane / BLOCK) / 16) * 16, pieces = Math.ceil(plane / piece);
  const task = Math.min(MOST_TASK, Math.max(LEAST_TASK, Math.ceil(batch * channels * plane / TASKS)));
  let images = Math.min(batch, Math.ceil(LEAST_BLOCK / plane));
  let group = Math.min(channels, Math.max(Math.ceil(RUN / plane), Math.floor(task / (images * plane))));
  if (group === channels) images = Math.min(batch, Math.max(images, Math.floor(task / (channels * plane))));
  const groups = Math.ceil(channels / group), planes = Math.max(1, Math.min(images, Math.floor(BLOCK / plane)));
  const blocks = Math.ceil(batch / planes) * pieces;
  const parts = Math.min(blocks, Math.ceil(batch / images) * Math.ceil(plane / task));
  group = Math.ceil(channels / groups);
  return {
    parts,
    tasks: Math.ceil(channels / group) * parts,
    arguments: [batch, channels, plane, piece, pieces, planes, blocks, parts, group],
  };
}

/** Columns of a task of {@link channelSumStages} where planes are single elements. */
const COLUMNS = 16;

/** The kernel of y [C] = factor · Σ x [N, C, plane]; x is the op's first buffer and y its second. */
export function channelSumStages(extents: ChannelExtents, factor: number): CpuStages {
  const { batch, channels, plane } = extents, x = { buffer: 0 }, y = { buffer: 1 };
  if (plane === 1 && factor === 1) {
    const tasks = Math.ceil(channels / COLUMNS);
    return { stages: [{ kernel: "columnSums", tasks, arguments: [x, y, batch, channels, COLUMNS] }] };
  }
  const { parts, tasks, arguments: split } = splitChannels(extents), scale = { float: factor };
  if (parts === 1) return { stages: [{ kernel: "channelSums", tasks, arguments: [...split, x, y, scale] }] };
  const sums = { workspace: 0 }, group = rowsOfTask(channels, parts);
  return {
    workspace: 2 * channels * parts,
    stages: [
      { kernel: "channelPartSums", tasks, arguments: [...split, x, sums] },
      {
        kernel: "channelSumJoin",
        tasks: Math.ceil(channels / group),
        arguments: [sums, y, channels, parts, group, scale],
      },
    ],
  };
}

/** Rows of a task of a kernel that takes rows of so many floats one by one. */
export function rowsOfTask(rows: number, floats: number): number {
  return Math.max(1, Math.min(Math.ceil(MOST_TASK / floats), Math.floor(rows / TASKS)));
}
