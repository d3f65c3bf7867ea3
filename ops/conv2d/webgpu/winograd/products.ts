/** Winograd's products: for each point a matrix product over the channels, M = U V. */

import type { DeviceLimits, WebGpuKernel } from "../../../../core/mod.ts";
import {
  blockHeight,
  blockWidth,
  matrixOperand,
  packedGemmKernel,
  registerTile,
  WORKGROUP_TILES,
  workgroupGemmKernels,
} from "../../../../kernels/mod.ts";
import type { WinogradGeometry, WinogradProducts } from "./geometry.ts";

/** The tile of products in workgroup memory. */
export const WINOGRAD_TILE = "64x64x16 8x8";

/** The products of a chunk: [point, channel, column], each a vector of tiles. */
export function productKernel(
  geometry: WinogradGeometry,
  products: WinogradProducts,
  viaTexture: boolean,
  limits: DeviceLimits,
): WebGpuKernel {
  return products === "workgroup memory"
    ? workgroupKernel(geometry, limits)
    : registerKernel(geometry, viaTexture, limits);
}

function registerKernel(geometry: WinogradGeometry, viaTexture: boolean, limits: DeviceLimits): WebGpuKernel {
  const { convolution: { sources, channels }, points, columns, workspace } = geometry;
  const problem = {
    m: channels,
    n: 4 * columns,
    k: sources,
    batch: points,
    buffers: { a: workspace.weights, b: workspace.sources, c: workspace.products },
  };
  return packedGemmKernel(problem, registerTile(problem), viaTexture, limits);
}

/** A product for each point. */
function workgroupKernel(
  { convolution: { sources, channels }, points, columns, panelRows, workspace }: WinogradGeometry,
  limits: DeviceLimits,
): WebGpuKernel {
  const tile = WORKGROUP_TILES[WINOGRAD_TILE];
  const matrix = (lines: number) => ({ lines, depth: sources, lineStride: 1, depthStride: lines, count: 1 });
  const operand = (name: string, lines: number, block: number) =>
    matrixOperand(name, matrix(lines), block, tile, `product * ${sources * lines / 4}u`);
  const [kernel] = workgroupGemmKernels(
    {
      extents: [channels, 4 * columns],
      slices: Math.ceil(sources / tile.depth),
      products: points,
      a: operand("weight", panelRows, blockHeight(tile)),
      b: operand("source", 4 * columns, blockWidth(tile)),
      store: {
        position: (id, column) => `let at${id} = product * ${channels * columns}u + (${column}) / 4u;`,
        put: (id, row, value) => `result[at${id} + (${row}) * ${columns}u] = ${value};`,
        bindings: [{ name: "result", index: workspace.products, write: true, vector: true }],
      },
      bindings: [
        { name: "weight", index: workspace.weights, vector: true },
        { name: "source", index: workspace.sources, vector: true },
      ],
    },
    tile,
    1,
    0,
    limits,
  );
  return kernel;
}
