/**
 * A convolution or its input gradient on WebGPU as one matrix product in workgroup memory, for GPUs:
 *
 *     C[channel, image·plane + position] = Σ over s and taps of weight · source,
 *
 * the planes of the result side by side, each filled up to whole vectors. The matrix of windows exists only as indices.
 * Groups are not supported.
 */

import type { KernelFamily } from "../../../core/mod.ts";
import {
  range,
  storeOfFour,
  vec4,
  WORKGROUP_TILES,
  workgroupGemmKernel,
  workgroupTiles,
} from "../../../kernels/mod.ts";
import type { DirectedConvolution } from "../directed.ts";
import { epilogueWgsl, operandBindings } from "../epilogue.ts";
import { isPointwise } from "./pointwise_gemm.ts";
import { isInsideSource, positionStep, sourcePosition } from "./positions.ts";

/** The family. A pointwise convolution is a product as it is (`pointwise_gemm.ts`). */
export const IMPLICIT_GEMM: KernelFamily<DirectedConvolution, { readonly tile: string }> = {
  name: "implicit GEMM",
  version: 1,
  supports: (convolution) => convolution.groups === 1 && !isPointwise(convolution),
  configurations: (_convolution, { limits }) => workgroupTiles(limits),
  nameOf: ({ tile }) => `implicit GEMM ${tile}`,
  emit(convolution, { tile }, { limits }) {
    const { batch, channels, operands } = convolution, vector = hasVectors(convolution);
    const product = {
      extents: [channels, batch * paddedPlane(convolution), depthOf(convolution)] as const,
      functions: [loadAWgsl(convolution), loadBWgsl(convolution), storeWgsl(convolution)].join("\n"),
      bindings: [
        { name: "source", index: 0 },
        { name: "weight", index: 1 },
        ...operandBindings(operands, vector),
        { name: "result", index: operands.output, write: true, vector },
      ],
    };
    return { kernels: [workgroupGemmKernel(product, WORKGROUP_TILES[tile], limits)] };
  },
};

/** Results of an image and a channel. */
function planeOf({ resultSize: [height, width] }: DirectedConvolution): number {
  return height * width;
}

/** A plane filled up to whole vectors. */
function paddedPlane(convolution: DirectedConvolution): number {
  return 4 * Math.ceil(planeOf(convolution) / 4);
}

function hasVectors(convolution: DirectedConvolution): boolean {
  return planeOf(convolution) % 4 === 0;
}

/** The depth of the product: sources, and the taps of each. */
function depthOf({ sources, taps }: DirectedConvolution): number {
  return sources * taps;
}

/** A is the weights: rows are result channels. */
function loadAWgsl(convolution: DirectedConvolution): string {
  const { direction, channels, taps } = convolution, depth = depthOf(convolution);
  const index = direction === "forward"
    ? `row * ${depth}u + k`
    : `(k / ${taps}u * ${channels}u + row) * ${taps}u + k % ${taps}u`;
  return `fn loadA(wantedRow: u32, wantedK: u32) -> f32 {
  let row = min(wantedRow, ${channels - 1}u);
  let k = min(wantedK, ${depth - 1}u);
  return select(0.0, weight[${index}], wantedK < ${depth}u);
}`;
}

/** B is the windows: columns are the results' positions, rows what these meet at a tap of a source. */
function loadBWgsl(convolution: DirectedConvolution): string {
  const { batch, sources, taps, kernelSize, resultSize, sourceSize: [height, width] } = convolution;
  const padded = paddedPlane(convolution), stepY = positionStep(convolution, 0), stepX = positionStep(convolution, 1);
  const y = sourcePosition(convolution, 0, `(position / ${resultSize[1]}u)`, `(tap / ${kernelSize[1]}u)`);
  const x = sourcePosition(convolution, 1, `(position % ${resultSize[1]}u)`, `(tap % ${kernelSize[1]}u)`);
  return `fn loadSource(line: u32, tap: u32, wantedPosition: u32) -> f32 {
  let position = min(wantedPosition, ${planeOf(convolution) - 1}u);
  let y = ${y};
  let x = ${x};
  let inside = ${isInsideSource(convolution, 0, "y")} && ${isInsideSource(convolution, 1, "x")};
  let index = u32(clamp(y / ${stepY}, 0, ${height - 1})) * ${width}u + u32(clamp(x / ${stepX}, 0, ${width - 1}));
  return select(0.0, source[line + index], inside);
}
fn loadB(wantedK: u32, column: u32) -> vec4<f32> {
  let k = min(wantedK, ${depthOf(convolution) - 1}u);
  let image = min(column / ${padded}u, ${batch - 1}u);
  let position = column % ${padded}u;
  let line = (image * ${sources}u + k / ${taps}u) * ${height * width}u;
  let tap = k % ${taps}u;
  return ${vec4(range(4).map((c) => `loadSource(line, tap, position + ${c}u)`))};
}`;
}

function storeWgsl(convolution: DirectedConvolution): string {
  const { channels, operands } = convolution, plane = planeOf(convolution), padded = paddedPlane(convolution);
  const vector = hasVectors(convolution);
  const store = storeOfFour({
    target: "result",
    start: "start",
    vector,
    guard: vector ? undefined : (c) => `if (first + ${c}u < ${plane}u) `,
    epilogue: (value, index, size) => epilogueWgsl(operands, value, index, size),
  });
  return `fn store(_part: u32, row: u32, column: u32, sum: vec4<f32>) {
  let value = sum${operands.bias === undefined ? "" : " + bias[row]"};
  let first = column % ${padded}u;
  let start = (column / ${padded}u * ${channels}u + row) * ${plane}u + first;
  ${store}
}`;
}
