/**
 * The workgroup-memory kernel of matrix products on WebGPU, for GPUs: a workgroup computes a block of C = A·B from slices of
 * A and B that it keeps in workgroup memory, a thread a tile of the block in registers. What A and B are is up to the caller,
 * so that a convolution, which is a product with a matrix that exists only as indices, is the same kernel.
 */

import type { DeviceLimits, WebGpuKernel } from "../../core/mod.ts";
import { range } from "../text.ts";
import type { WorkgroupTile } from "./tiles.ts";

/** A product by its loads and its store. */
export interface WorkgroupGemm {
  /** Rows, columns and depth. */
  readonly extents: readonly [m: number, n: number, k: number];
  /** Parts that the depth is split into; their products are separate. Defaults to 1. */
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

/** The kernel of a product. */
export function workgroupGemmKernel(
  { extents: [m, n, k], parts = 1, functions, bindings }: WorkgroupGemm,
  tile: WorkgroupTile,
  limits: DeviceLimits,
): WebGpuKernel {
  const { threads: [threadsDown, threadsAcross], rows, vectors, depth } = tile;
  const threads = threadsDown * threadsAcross, height = threadsDown * rows, quads = threadsAcross * vectors;
  const blocksDown = Math.ceil(m / height), blocksAcross = Math.ceil(n / (4 * quads));
  const blocks = blocksDown * blocksAcross * parts, share = Math.ceil(k / parts / depth) * depth;
  const x = Math.min(blocks, limits.maxComputeWorkgroupsPerDimension);
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
  let down = lane / ${threadsAcross}u;
  let across = lane % ${threadsAcross}u;
  ${declareSums(tile)}
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
      ${loadVectorsOfB(tile)}
      ${multiply(tile)}
    }
    workgroupBarrier();
  }
  ${storeSums(tile)}
}
fn storeInside(part: u32, row: u32, column: u32, value: vec4<f32>) {
  if (row < ${m}u && column < ${n}u) { store(part, row, column, value); }
}`,
    bindings,
    workgroups: [x, Math.ceil(blocks / x), 1],
  };
}

function declareSums({ rows, vectors }: WorkgroupTile): string {
  return range(rows).flatMap((r) => range(vectors).map((v) => `var sum${r}_${v} = vec4<f32>();`)).join(" ");
}

/** A thread's vectors of a row of B's slice. They are as far apart as there are threads: adjacent ones load adjacent vectors. */
function loadVectorsOfB({ threads: [, threadsAcross], vectors }: WorkgroupTile): string {
  const quads = threadsAcross * vectors;
  return range(vectors).map((v) => `let b${v} = sliceB[slice * ${quads}u + across + ${v * threadsAcross}u];`).join(" ");
}

/** Adds the products of a depth to the sums. */
function multiply({ threads: [threadsDown], rows, vectors }: WorkgroupTile): string {
  const height = threadsDown * rows;
  const row = (r: number) => {
    const updates = range(vectors).map((v) => `sum${r}_${v} = fma(a, b${v}, sum${r}_${v});`).join(" ");
    return `{ let a = vec4<f32>(sliceA[slice * ${height}u + down * ${rows}u + ${r}u]); ${updates} }`;
  };
  return range(rows).map(row).join("\n      ");
}

function storeSums({ threads: [, threadsAcross], rows, vectors }: WorkgroupTile): string {
  const store = (r: number, v: number) =>
    `storeInside(part, firstRow + down * ${rows}u + ${r}u, firstColumn + (across + ${
      v * threadsAcross
    }u) * 4u, sum${r}_${v});`;
  return range(rows).flatMap((r) => range(vectors).map((v) => store(r, v))).join("\n  ");
}
