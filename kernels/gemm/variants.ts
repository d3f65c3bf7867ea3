/** The WebGPU variants of a matrix product C = A·B of any strides and sizes, also of many B by one A. */

import { f32, lazyVariant, type MarkedVariant, preferIf, type WebGpuLimits } from "../../core/mod.ts";
import { range, vec4 } from "../text.ts";
import { packedSizeOfA, packedSizeOfB, packedWidthOfB, packKernelOfA, packKernelOfB } from "./pack.ts";
import { type GemmProblem, workspaceOf } from "./problem.ts";
import { registerGemmKernel, rowOfMatrix } from "./registers.ts";
import { columnBias, storeBindings, storeWgsl } from "./store.ts";
import { fitsWorkgroup, type RegisterTile, registerTile, WORKGROUP_TILE_64x64x16 } from "./tiles.ts";
import { workgroupGemmKernel } from "./workgroup.ts";

/** Multiplications of a product below which another dispatch costs more than it saves. */
const SMALL_PRODUCT = 1_000_000;

/** The variants of a product. For a small one none is preferred, since what they pack first costs a dispatch each. */
export function gemmVariants(problem: GemmProblem, limits: WebGpuLimits): MarkedVariant[] {
  const { m, n, k, batch = 1 } = problem;
  const tile = registerTile(problem);
  const large = limits.software && m * n * k * batch >= SMALL_PRODUCT;
  const texels = limits.software && texelsOf(problem, tile) <= limits.maxTexels;
  const variants = [preferIf(registerVariant(problem, limits, tile, false), large && !texels)];
  if (texels) variants.push(preferIf(registerVariant(problem, limits, tile, true), large));
  if (fitsWorkgroup(WORKGROUP_TILE_64x64x16, limits)) {
    // A block is worth its memory if it is about full.
    variants.push(preferIf(workgroupVariant(problem, limits), !limits.software && m >= 32 && n >= 32 && k >= 16));
  }
  return variants;
}

/** The vectors of four elements of the larger of A and B, as the register kernel reads them. */
function texelsOf(problem: GemmProblem, { rows }: RegisterTile): number {
  return Math.max(packedSizeOfA(problem, rows), packedSizeOfB(problem)) / 4;
}

/** The product in registers: A is packed, and B too unless it can be read as it lies. */
function registerVariant(
  problem: GemmProblem,
  limits: WebGpuLimits,
  tile: RegisterTile,
  viaTexture: boolean,
): MarkedVariant {
  const { n, k, b, buffers } = problem, workspace = workspaceOf(problem), width = packedWidthOfB(problem);
  const wholeRows = b[0] % 4 === 0 && n % 4 === 0, packsB = b[1] !== 1 || (viaTexture && !wholeRows);
  const operands = packsB
    ? { b: workspace + 1, rowOfB: rowOfMatrix(k * width, width), vectorsOfB: true }
    : { b: buffers.b, rowOfB: rowOfMatrix(k * n, b[0]), vectorsOfB: wholeRows };
  const name = `registers ${tile.rows}x${4 * tile.vectors}${viaTexture ? ", texels" : ""}`;
  const sizes = [packedSizeOfA(problem, tile.rows), ...(packsB ? [packedSizeOfB(problem)] : [])];
  return lazyVariant({ name, workspace: sizes.map((size) => f32([size])) }, () => [
    packKernelOfA(problem, tile.rows, workspace, limits),
    ...(packsB ? [packKernelOfB(problem, workspace + 1, limits)] : []),
    registerGemmKernel(problem, { ...operands, packedA: workspace, viaTexture }, tile, limits),
  ]);
}

/** The product in workgroup memory: the columns of all B side by side, each filled up to whole vectors. */
function workgroupVariant(problem: GemmProblem, limits: WebGpuLimits): MarkedVariant {
  const { m, n, k, a, b, batch = 1, buffers, bias } = problem, width = packedWidthOfB(problem);
  const vectorB = n % 4 === 0 && b[1] === 1 && b[0] % 4 === 0;
  const element = (c: number) => `b[line + min(column + ${c}u, ${n - 1}u) * ${b[1]}u]`;
  const finished = () => {
    if (bias === undefined) return "value";
    return bias.of === "row" ? "value + bias[row]" : `value + ${columnBias(n, (c) => `column + ${c}u`)}`;
  };
  const functions = `${storeWgsl(problem, "storeMatrix")}
fn loadA(row: u32, k: u32) -> f32 {
  return select(0.0, a[min(row, ${m - 1}u) * ${a[0]}u + min(k, ${k - 1}u) * ${a[1]}u], k < ${k}u);
}
fn loadB(k: u32, position: u32) -> vec4<f32> {
  let matrix = min(position / ${width}u, ${batch - 1}u);
  let column = position % ${width}u;
  let line = matrix * ${k * n}u + min(k, ${k - 1}u) * ${b[0]}u;
  return ${vectorB ? "b[(line + column) / 4u]" : vec4(range(4).map(element))};
}
fn store(_part: u32, row: u32, position: u32, value: vec4<f32>) {
  let column = position % ${width}u;
  storeMatrix(position / ${width}u, row, column, ${finished()});
}`;
  const bindings = [
    { name: "a", index: buffers.a },
    { name: "b", index: buffers.b, vector: vectorB },
    ...storeBindings(problem),
  ];
  const gemm = { extents: [m, batch * width, k] as const, functions, bindings };
  return { name: "workgroup memory", kernels: [workgroupGemmKernel(gemm, WORKGROUP_TILE_64x64x16, limits)] };
}
