/**
 * The batch is processed in chunks, so that the workspace is bounded. A counter on the device selects the chunk and wraps,
 * so it needs no reset: wherever it begins, a step takes each chunk once. The input's kernel hands the number on to the output's,
 * which counts.
 */

import type { WebGpuKernel } from "../../../../core/mod.ts";
import { blocksOfChunk, type WinogradGeometry } from "./geometry.ts";

/** The elements of the counter that a kernel reads and writes, and what it adds. */
export interface ChunkStep {
  /** The element that is read. */
  readonly from: number;
  /** The element that is written. */
  readonly to: number;
  /** What is added. */
  readonly by: number;
}

/**
 * WGSL that finds the block of thread `i` among those of a chunk's images: `image`, `firstY` and `firstX` of its outputs,
 * `column` of its tiles, and `channel`.
 */
export function blockWgsl(geometry: WinogradGeometry, { from, to, by }: ChunkStep): string {
  const { convolution: { batch }, tile, block, blocks, images, chunks, columns } = geometry;
  const perImage = blocks[0] * blocks[1], perChunk = blocksOfChunk(geometry);
  const lines = [
    `let position = i % ${perImage}u;`,
    `let channel = i / ${perChunk}u;`,
    `let column = channel * ${columns}u + i % ${perChunk}u;`,
    `let firstY = position / ${blocks[1]}u * ${block[0] * tile}u;`,
    `let firstX = position % ${blocks[1]}u * ${block[1] * tile}u;`,
  ];
  if (chunks === 1) return [...lines, `let image = i / ${perImage}u % ${images}u;`].join("\n  ");
  return [
    ...lines,
    `let chunk = counter[${from}] % ${chunks}u;`,
    `if (i == 0u) { counter[${to}] = chunk + ${by}u; }`,
    `let image = chunk * ${images}u + i / ${perImage}u % ${images}u;`,
    ...(batch % images === 0 ? [] : [`if (image >= ${batch}u) { return; }`]),
  ].join("\n  ");
}

/** The binding of the counter, where there are several chunks. */
export function counterBinding({ chunks, workspace }: WinogradGeometry): WebGpuKernel["bindings"] {
  return chunks === 1 ? [] : [{ name: "counter", index: workspace.counter, write: true }];
}
