/**
 * A convolution's weight gradient on WebGPU as one matrix product in workgroup memory, for GPUs:
 *
 *     dW[output, (input, tap)] = Σ over images and positions of dY · what the tap meets.
 *
 * The matrix of windows exists only as indices; the depth is split into parts. Groups are not supported.
 */

import { f32, type KernelFamily } from "../../../core/mod.ts";
import {
  range,
  sumPartsKernel,
  vec4,
  WORKGROUP_TILES,
  workgroupGemmKernel,
  workgroupTiles,
} from "../../../kernels/mod.ts";
import type { ConvolutionProblem } from "../problem.ts";
import { inputPositions, isInsideSource, sourcePosition } from "./positions.ts";
import { DW, DY, MAX_PARTIAL_ELEMENTS, PARTIAL, weightSize, X } from "./weight_gradient_parts.ts";

/** Workgroups that keep a GPU busy. */
const WANTED_WORKGROUPS = 256;
/** The least depth of a part. */
const LEAST_DEPTH = 64;

/** The family. */
export const IMPLICIT_WEIGHT_GEMM: KernelFamily<ConvolutionProblem, { readonly tile: string }> = {
  name: "implicit GEMM",
  version: 1,
  supports: ({ groups }) => groups === 1,
  configurations: (_problem, { limits }) => workgroupTiles(limits),
  nameOf: ({ tile }) => `implicit GEMM ${tile}`,
  emit(problem, { tile }, { limits }) {
    const parts = partsOf(problem), size = weightSize(problem);
    const product = {
      extents: [problem.groupOutputs, columnsOf(problem), depthOf(problem)] as const,
      parts,
      functions: [loadAWgsl(problem), loadBWgsl(problem), storeWgsl(problem)].join("\n"),
      bindings: [
        { name: "x0", index: X },
        { name: "dy", index: DY },
        { name: "partial", index: PARTIAL, write: true },
      ],
    };
    return {
      workspace: [f32([parts, size])],
      kernels: [
        workgroupGemmKernel(product, WORKGROUP_TILES[tile], limits),
        sumPartsKernel({ size, parts, partial: PARTIAL, result: DW }, limits),
      ],
    };
  },
};

/** Inputs and taps. */
function columnsOf({ groupInputs, kernelHeight, kernelWidth }: ConvolutionProblem): number {
  return groupInputs * kernelHeight * kernelWidth;
}

/** Positions of all images. */
function depthOf({ batch, outputHeight, outputWidth }: ConvolutionProblem): number {
  return batch * outputHeight * outputWidth;
}

function partsOf(problem: ConvolutionProblem): number {
  const blocks = Math.ceil(problem.groupOutputs / 64) * Math.ceil(columnsOf(problem) / 64);
  const fitting = Math.floor(MAX_PARTIAL_ELEMENTS / weightSize(problem));
  const wanted = Math.min(Math.ceil(WANTED_WORKGROUPS / blocks), fitting);
  return Math.max(1, Math.min(wanted, Math.ceil(depthOf(problem) / LEAST_DEPTH)));
}

/** A is dY: rows are output channels. */
function loadAWgsl(problem: ConvolutionProblem): string {
  const { groupOutputs, outputHeight, outputWidth } = problem, depth = depthOf(problem);
  const plane = outputHeight * outputWidth;
  return `fn loadA(wantedRow: u32, wantedK: u32) -> f32 {
  let row = min(wantedRow, ${groupOutputs - 1}u);
  let k = min(wantedK, ${depth - 1}u);
  return select(0.0, dy[(k / ${plane}u * ${groupOutputs}u + row) * ${plane}u + k % ${plane}u], wantedK < ${depth}u);
}`;
}

/** B is the windows: columns are inputs and taps, rows what these meet at a position. */
function loadBWgsl(problem: ConvolutionProblem): string {
  const { groupInputs, height, width, outputHeight, outputWidth, kernelHeight, kernelWidth } = problem;
  const taps = kernelHeight * kernelWidth, plane = outputHeight * outputWidth, positions = inputPositions(problem);
  const y = sourcePosition(positions, 0, `position / ${outputWidth}u`, `tap / ${kernelWidth}u`);
  const x = sourcePosition(positions, 1, `position % ${outputWidth}u`, `tap % ${kernelWidth}u`);
  return `fn loadX(image: u32, position: u32, wantedColumn: u32) -> f32 {
  let column = min(wantedColumn, ${columnsOf(problem) - 1}u);
  let tap = column % ${taps}u;
  let y = ${y};
  let x = ${x};
  let inside = ${isInsideSource(positions, 0, "y")} && ${isInsideSource(positions, 1, "x")};
  let index = u32(clamp(y, 0, ${height - 1})) * ${width}u + u32(clamp(x, 0, ${width - 1}));
  return select(0.0, x0[(image * ${groupInputs}u + column / ${taps}u) * ${height * width}u + index], inside);
}
fn loadB(wantedK: u32, column: u32) -> vec4<f32> {
  let k = min(wantedK, ${depthOf(problem) - 1}u);
  let image = k / ${plane}u;
  let position = k % ${plane}u;
  return ${vec4(range(4).map((c) => `loadX(image, position, column + ${c}u)`))};
}`;
}

function storeWgsl(problem: ConvolutionProblem): string {
  const columns = columnsOf(problem);
  const store = (c: number) =>
    `${columns % 4 === 0 ? "" : `if (column + ${c}u < ${columns}u) `}{ partial[start + ${c}u] = value[${c}]; }`;
  return `fn store(part: u32, row: u32, column: u32, value: vec4<f32>) {
  let start = part * ${weightSize(problem)}u + row * ${columns}u + column;
  ${range(4).map(store).join(" ")}
}`;
}
