/** The WebGPU variants of a convolution and of its input gradient, and which is expected to be the fastest. */

import type { WebGpuLimits, WebGpuVariant } from "../../core/mod.ts";
import { axisOf } from "./direct_source_wgsl.ts";
import { type Direction, type DirectTile, directVariant } from "./direct_wgsl.ts";
import { type ForwardOperands, operandsOf } from "./epilogue.ts";
import { gatherVariants } from "./gather_wgsl.ts";
import type { Geometry } from "./geometry.ts";

/** Tiles for adapters on the CPU, where loads are slow beside arithmetic, and for GPUs, whose registers are few. */
const LARGE_TILE: DirectTile = { vectors: 1, rows: 8, channels: 8 };
const SMALL_TILE: DirectTile = { vectors: 1, rows: 2, channels: 8 };
/** Multiplications of vectors in the text of a kernel, above which compilers take long. */
const MAX_PRODUCTS = 800;

/** All variants; the first is a plain kernel that takes any shape. */
export function convolutionVariants(
  g: Geometry,
  limits: WebGpuLimits,
  direction: Direction,
  operands: ForwardOperands = operandsOf(2),
): WebGpuVariant[] {
  const variants = gatherVariants(g, limits, direction, operands);
  const channels = direction === "forward" ? g.groupOutputs : g.groupInputs;
  if (channels < 4) return variants;
  const small = fitTile(g, direction, SMALL_TILE), large = fitTile(g, direction, LARGE_TILE);
  const tiles = small.rows === large.rows ? [large] : limits.software ? [large, small] : [small, large];
  tiles.forEach((tile, index) => {
    variants.push({ ...directVariant(g, limits, direction, operands, tile), preferred: index === 0 });
  });
  return variants;
}

/** A tile that is no larger than the result, and whose text is not too long. */
function fitTile(g: Geometry, direction: Direction, tile: DirectTile): DirectTile {
  const forward = direction === "forward", y = axisOf(g, forward, 0);
  const most = forward || g.stride[1] === 1 ? tile.channels : tile.channels / 2;
  const channels = Math.min(most, 4 * Math.ceil((forward ? g.groupOutputs : g.groupInputs) / 4));
  const products = (rows: number) => rows * channels * g.kernelHeight * g.kernelWidth;
  let rows = Math.max(1, tile.rows / y.phases);
  while (rows > 1 && products(rows * y.phases) > MAX_PRODUCTS) rows = Math.ceil(rows / 2);
  // As few as fill the result with as many tiles.
  const lines = Math.ceil(y.size / y.phases), tiles = Math.ceil(lines / rows);
  rows = Math.ceil(lines / tiles);
  return { vectors: tile.vectors, rows, channels };
}
