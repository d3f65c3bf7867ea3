/** The geometry of Winograd's convolution: tiles, blocks of tiles, and the chunks that the batch is processed in. */

import { registerTile } from "../../../../kernels/mod.ts";
import type { DirectedConvolution } from "../../directed.ts";
import type { WinogradTile } from "./transforms.ts";

/** Bytes of the transforms of a chunk, where one image does not take more. */
const WORKSPACE_BYTES = 24 * 2 ** 20;

/** Where the products are computed. */
export type WinogradProducts = "registers" | "workgroup memory";

/** All that the texts of the kernels depend on. Pairs are vertical, horizontal. */
export interface WinogradGeometry {
  /** The convolution. */
  readonly convolution: DirectedConvolution;
  /** The outputs of a tile along an axis. */
  readonly tile: WinogradTile;
  /** Products of a tile. */
  readonly points: number;
  /** Zeros on each side of the source. */
  readonly padding: readonly number[];
  /** Tiles of a block: four in all, whose same points are in a vector. */
  readonly block: readonly [number, number];
  /** Blocks of an image. */
  readonly blocks: readonly [number, number];
  /** Images of a chunk. */
  readonly images: number;
  /** Chunks of the batch. */
  readonly chunks: number;
  /** Vectors of tiles of a chunk, and at times an empty one. */
  readonly columns: number;
  /** Channels of a panel of transformed weights. */
  readonly panelRows: number;
  /** Panels of transformed weights. */
  readonly panels: number;
  /** The indices of the workspace: transformed weights and sources, products, and the counter of chunks. */
  readonly workspace: {
    readonly weights: number;
    readonly sources: number;
    readonly products: number;
    readonly counter: number;
  };
}

/** The geometry for a tile. */
export function winogradGeometry(
  convolution: DirectedConvolution,
  tile: WinogradTile,
  products: WinogradProducts,
): WinogradGeometry {
  const { direction, batch, sources, channels, operands: { output } } = convolution, points = (tile + 2) ** 2;
  const { block, blocks } = blocksOf(convolution, tile);
  const imageBytes = 16 * points * (sources + channels) * blocks[0] * blocks[1];
  const wantedChunks = Math.ceil(batch / Math.max(1, Math.floor(WORKSPACE_BYTES / imageBytes)));
  const images = Math.ceil(batch / wantedChunks);
  // An odd number keeps the rows of a product from meeting in one set of a cache.
  const columns = images * blocks[0] * blocks[1] | 1;
  const panelRows = products === "workgroup memory"
    ? 4 * Math.ceil(channels / 4)
    : registerTile({ m: channels, n: 4 * columns, batch: points }).rows;
  return {
    convolution,
    tile,
    points,
    padding: direction === "forward" ? convolution.padding : convolution.padding.map((pad) => 2 - pad),
    block,
    blocks,
    images,
    chunks: Math.ceil(batch / images),
    columns,
    panelRows,
    panels: Math.ceil(channels / panelRows),
    workspace: { weights: output + 1, sources: output + 2, products: output + 3, counter: output + 4 },
  };
}

/** The shape of blocks, wide ones first, of which the fewest cover the result. Blocks have whole vectors of columns. */
function blocksOf({ resultSize }: DirectedConvolution, tile: WinogradTile): Pick<WinogradGeometry, "block" | "blocks"> {
  const [down, across] = resultSize.map((size) => Math.ceil(size / tile));
  const shapes: [number, number][] = [[1, 4], [2, 2], [4, 1]];
  return shapes.filter(([, wide]) => wide * tile % 4 === 0).map((block) => ({
    block,
    blocks: [Math.ceil(down / block[0]), Math.ceil(across / block[1])] as [number, number],
  })).reduce((best, each) => each.blocks[0] * each.blocks[1] < best.blocks[0] * best.blocks[1] ? each : best);
}

/** Blocks of a chunk: the threads of a channel. */
export function blocksOfChunk({ images, blocks }: WinogradGeometry): number {
  return images * blocks[0] * blocks[1];
}

/** Bytes of the transformed weights. */
export function weightBytes({ convolution: { sources }, points, panels, panelRows }: WinogradGeometry): number {
  return 4 * points * panels * panelRows * sources;
}

/** Bytes of the largest buffer of the workspace. */
export function largestBuffer(geometry: WinogradGeometry): number {
  const { convolution: { sources, channels }, points, columns } = geometry;
  return Math.max(weightBytes(geometry), 16 * points * Math.max(sources, channels) * columns);
}
