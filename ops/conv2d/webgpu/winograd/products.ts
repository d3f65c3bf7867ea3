/** Winograd's products: for each point a matrix product over the channels, M = U V. */

import type { DeviceLimits, WebGpuKernel } from "../../../../core/mod.ts";
import {
  packedGemmKernel,
  registerTile,
  WORKGROUP_TILE_64x64x16,
  workgroupGemmKernel,
} from "../../../../kernels/mod.ts";
import type { WinogradGeometry, WinogradProducts } from "./geometry.ts";

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

/** All points as the parts of one product, whose depth is that of all. */
function workgroupKernel(
  { convolution: { sources, channels }, points, columns, panelRows, workspace }: WinogradGeometry,
  limits: DeviceLimits,
): WebGpuKernel {
  const { depth } = WORKGROUP_TILE_64x64x16, padded = depth * Math.ceil(sources / depth);
  const line = (length: number) =>
    `(min(k / ${padded}u, ${points - 1}u) * ${sources}u + min(s, ${sources - 1}u)) * ${length}u`;
  return workgroupGemmKernel(
    {
      extents: [channels, 4 * columns, points * padded],
      parts: points,
      functions: `fn loadA(row: u32, k: u32) -> f32 {
  let s = k % ${padded}u;
  let index = ${line(panelRows)};
  return select(0.0, weight[index + min(row, ${channels - 1}u)], s < ${sources}u);
}
fn loadB(k: u32, column: u32) -> vec4<f32> {
  let s = k % ${padded}u;
  let index = ${line(columns)};
  return select(vec4<f32>(), source[index + min(column / 4u, ${columns - 1}u)], s < ${sources}u);
}
fn store(point: u32, row: u32, column: u32, value: vec4<f32>) {
  result[(point * ${channels}u + row) * ${columns}u + column / 4u] = value;
}`,
      bindings: [
        { name: "weight", index: workspace.weights },
        { name: "source", index: workspace.sources, vector: true },
        { name: "result", index: workspace.products, write: true, vector: true },
      ],
    },
    WORKGROUP_TILE_64x64x16,
    limits,
  );
}
