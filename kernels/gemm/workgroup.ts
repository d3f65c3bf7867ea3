/**
 * Matrix products for GPUs: a workgroup computes a block of C = A·B from slices of A and B that it keeps in workgroup
 * memory, a thread a tile of the block in registers. What A and B are is up to the caller, so that a convolution, which is a
 * product with a matrix that exists only as indices, is the same kernel.
 */

import type { WebGpuKernel, WebGpuLimits } from "../../core/mod.ts";

/** How a block is shared out. */
export interface SharedTile {
  /** Threads of a workgroup along rows and along columns. */
  readonly threads: readonly [number, number];
  /** Rows of a thread. */
  readonly rows: number;
  /** Vectors of four columns of a thread. */
  readonly vectors: number;
  /** Depth of a slice. */
  readonly depth: number;
}

/** A product. */
export interface SharedProduct {
  /** Rows, columns and depth. */
  readonly extents: readonly [m: number, n: number, k: number];
  /** Parts that the depth is split into; 1 unless given. Their products are separate. */
  readonly parts?: number;
  /**
   * WGSL of `fn loadA(row: u32, k: u32) -> f32`, `fn loadB(k: u32, column: u32) -> vec4<f32>` (four adjacent columns) and
   * `fn store(part: u32, row: u32, column: u32, value: vec4<f32>)`. Loads must bear arguments outside, and give finite values
   * there, and zeros for k outside; `store` is called for rows and columns inside, of which it must check all but the first.
   */
  readonly functions: string;
  /** The buffers that the functions name. */
  readonly bindings: WebGpuKernel["bindings"];
}

/** Blocks of 64 by 64. */
export const WORKGROUP_TILE_64x64x16: SharedTile = { threads: [8, 8], rows: 8, vectors: 2, depth: 16 };

/** Whether a device can run a tile. */
export function fitsWorkgroup(
  { threads: [down, across], rows, vectors, depth }: SharedTile,
  limits: WebGpuLimits,
): boolean {
  const bytes = 4 * depth * (down * rows + across * vectors * 4);
  return down * across <= limits.maxComputeInvocationsPerWorkgroup && bytes <= limits.maxComputeWorkgroupStorageSize;
}

function range(count: number): number[] {
  return [...Array(count).keys()];
}

/** The kernel of a product. */
export function workgroupGemmKernel(
  { extents: [m, n, k], parts = 1, functions, bindings }: SharedProduct,
  { threads: [down, across], rows, vectors, depth }: SharedTile,
  limits: WebGpuLimits,
): WebGpuKernel {
  const height = down * rows, quads = across * vectors, threads = down * across;
  const blocksDown = Math.ceil(m / height), blocksAcross = Math.ceil(n / (4 * quads));
  const blocks = blocksDown * blocksAcross * parts, share = Math.ceil(k / parts / depth) * depth;
  const x = Math.min(blocks, limits.maxComputeWorkgroupsPerDimension);
  const tile = range(rows).flatMap((r) => range(vectors).map((v) => ({ r, v })));
  return {
    wgsl: `${functions}
var<workgroup> sliceA: array<f32, ${depth * height}>;
var<workgroup> sliceB: array<vec4<f32>, ${depth * quads}>;
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  var block = id.y * groups.x + id.x;
  if (block >= ${blocks}u) { return; }
  let firstRow = block % ${blocksDown}u * ${height}u; block /= ${blocksDown}u;
  let firstColumn = block % ${blocksAcross}u * ${4 * quads}u;
  let part = block / ${blocksAcross}u;
  let down = lane / ${across}u;
  let across = lane % ${across}u;
  ${tile.map(({ r, v }) => `var sum${r}_${v} = vec4<f32>();`).join(" ")}
  let end = min((part + 1u) * ${share}u, ${k}u);
  for (var start = part * ${share}u; start < end; start += ${depth}u) {
    for (var i = lane; i < ${depth * height}u; i += ${threads}u) {
      let slice = i % ${depth}u;
      sliceA[slice * ${height}u + i / ${depth}u] = loadA(firstRow + i / ${depth}u, start + slice);
    }
    for (var i = lane; i < ${depth * quads}u; i += ${threads}u) {
      let slice = i / ${quads}u;
      let value = loadB(start + slice, firstColumn + i % ${quads}u * 4u);
      sliceB[i] = select(vec4<f32>(), value, start + slice < end);
    }
    workgroupBarrier();
    for (var slice = 0u; slice < ${depth}u; slice++) {
      ${range(vectors).map((v) => `let b${v} = sliceB[slice * ${quads}u + across + ${v * across}u];`).join(" ")}
      ${
      range(rows).map((r) =>
        `{ let a = vec4<f32>(sliceA[slice * ${height}u + down * ${rows}u + ${r}u]); ${
          range(vectors).map((v) => `sum${r}_${v} = fma(a, b${v}, sum${r}_${v});`).join(" ")
        } }`
      ).join("\n      ")
    }
    }
    workgroupBarrier();
  }
  ${
      tile.map(({ r, v }) =>
        `storeInside(part, firstRow + down * ${rows}u + ${r}u, firstColumn + (across + ${
          v * across
        }u) * 4u, sum${r}_${v});`
      ).join("\n  ")
    }
}
fn storeInside(part: u32, row: u32, column: u32, value: vec4<f32>) {
  if (row < ${m}u && column < ${n}u) { store(part, row, column, value); }
}`,
    bindings,
    workgroups: [x, Math.ceil(blocks / x), 1],
  };
}
