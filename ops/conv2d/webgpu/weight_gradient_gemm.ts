/**
 * A convolution's weight gradient on WebGPU as a matrix product for each tap (per-tap GEMM), for software adapters, where a
 * load costs as much as tens of multiplications: dW [outputs, inputs] is dY [outputs, positions] by the input
 * [positions, inputs] that the tap meets. A first kernel packs dY into panels, a second the input with its padding, channels
 * last, so that a tap's row is found by its position alone. The depth is split into parts; a last kernel adds them in a fixed
 * order. Groups are not supported.
 */

import { type DeviceLimits, elementKernel, f32, type KernelFamily, type WebGpuKernel } from "../../../core/mod.ts";
import { packedGemmKernel, range, type RegisterTile, registerTile, sumPartsWgsl, vec4 } from "../../../kernels/mod.ts";
import type { ConvolutionProblem } from "../problem.ts";
import { DW, DY, X } from "./weight_gradient_parts.ts";

/** The depth of a part about: what a workgroup reads of the input then stays in a cache. */
const DEPTH = 1024;
/** Threads that keep a device busy. */
const WANTED_THREADS = 256;
/** The indices of the workspace: packed dY, packed input, and the sums of the parts. */
const PACKED_DY = 3, PACKED_X = 4, PARTIAL = 5;

/** All that the texts depend on. */
interface PerTapKernel {
  readonly problem: ConvolutionProblem;
  readonly taps: number;
  /** Positions of an image's output. */
  readonly plane: number;
  readonly tile: RegisterTile;
  /** Panels of dY. */
  readonly panels: number;
  /** Parts of the depth. */
  readonly parts: number;
  /** The depth of a part. */
  readonly share: number;
  /** The packed input: padded lines and columns, channels filled up to whole vectors. */
  readonly packed: { readonly height: number; readonly width: number; readonly inputs: number };
}

/** The family. */
export const PER_TAP_GEMM: KernelFamily<ConvolutionProblem, { readonly viaTexture: boolean }> = {
  name: "per-tap GEMM",
  version: 1,
  supports: (problem, { limits }) =>
    problem.groups === 1 && largestBuffer(kernelOf(problem)) <= limits.maxStorageBufferBindingSize,
  configurations(problem, { limits }) {
    const viaTexture = largestBuffer(kernelOf(problem)) <= 16 * limits.maxTexels;
    return viaTexture ? [{ viaTexture: false }, { viaTexture }] : [{ viaTexture }];
  },
  nameOf: ({ viaTexture }) => `per-tap GEMM${viaTexture ? ", via texture" : ""}`,
  emit(problem, { viaTexture }, { limits }) {
    const kernel = kernelOf(problem);
    return {
      workspace: workspaceShapes(kernel).map((shape) => f32(shape)),
      transient: [0, 1, 2],
      kernels: [
        packGradientKernel(kernel, limits),
        packInputKernel(kernel, limits),
        gemmKernel(kernel, viaTexture, limits),
        joinKernel(kernel, limits),
      ],
    };
  },
};

/** Bytes of the largest buffer of the workspace. */
function largestBuffer(kernel: PerTapKernel): number {
  return 4 * Math.max(...workspaceShapes(kernel).map((shape) => shape.reduce((a, b) => a * b)));
}

function kernelOf(problem: ConvolutionProblem): PerTapKernel {
  const { batch, groupInputs, groupOutputs, kernelHeight, kernelWidth, outputHeight, outputWidth } = problem;
  const taps = kernelHeight * kernelWidth, plane = outputHeight * outputWidth, depth = batch * plane;
  const inputs = 4 * Math.ceil(groupInputs / 4), least = Math.ceil(depth / DEPTH);
  const tile = registerTile({ m: groupOutputs, n: inputs, batch: taps * least });
  const panels = Math.ceil(groupOutputs / tile.rows);
  const threads = panels * Math.ceil(inputs / (4 * tile.vectors)) * taps;
  // An even depth has the product take two rows at a time.
  const share = 2 * Math.ceil(depth / Math.max(least, Math.ceil(WANTED_THREADS / threads)) / 2);
  // As much of the padded input as the taps meet.
  const packed = {
    height: (outputHeight - 1) * problem.stride[0] + (kernelHeight - 1) * problem.dilation[0] + 1,
    width: (outputWidth - 1) * problem.stride[1] + (kernelWidth - 1) * problem.dilation[1] + 1,
    inputs,
  };
  return { problem, taps, plane, tile, panels, parts: Math.ceil(depth / share), share, packed };
}

function workspaceShapes({ problem, taps, tile, panels, parts, share, packed }: PerTapKernel): number[][] {
  return [
    [parts, panels, share, tile.rows],
    [problem.batch, packed.height, packed.width, packed.inputs],
    [parts, taps, problem.groupOutputs, packed.inputs],
  ];
}

/** Packs dY as [part, panel, position, output of the panel]; what lies outside is zero. */
function packGradientKernel(kernel: PerTapKernel, limits: DeviceLimits): WebGpuKernel {
  const { problem: { batch, groupOutputs }, plane, tile: { rows }, panels, parts, share } = kernel;
  const depth = batch * plane;
  const conditions = [
    ...(groupOutputs % rows === 0 ? [] : [`(output < ${groupOutputs}u)`]),
    ...(parts * share === depth ? [] : [`(position < ${depth}u)`]),
  ];
  const channel = `at / ${plane}u * ${groupOutputs}u + min(output, ${groupOutputs - 1}u)`;
  const value = `dy[(${channel}) * ${plane}u + at % ${plane}u]`;
  return elementKernel(
    {
      count: parts * panels * share * rows,
      body: `let line = i / ${rows}u;
  let output = line / ${share}u % ${panels}u * ${rows}u + i % ${rows}u;
  let position = line / ${panels * share}u * ${share}u + line % ${share}u;
  let at = min(position, ${depth - 1}u);
  packed[i] = ${conditions.length === 0 ? value : `select(0.0, ${value}, ${conditions.join(" & ")})`};`,
    },
    [{ name: "dy", index: DY }, { name: "packed", index: PACKED_DY, write: true }],
    limits,
  );
}

/** Packs the input as [image, padded line, padded column, input], four inputs a thread; the padding is zeros. */
function packInputKernel(kernel: PerTapKernel, limits: DeviceLimits): WebGpuKernel {
  const { problem, packed } = kernel, { batch, groupInputs, height, width, padding } = problem;
  const vectors = packed.inputs / 4;
  const element = (c: number) =>
    `x[(image + min(channel + ${c}u, ${groupInputs - 1}u)) * ${height * width}u + position]`;
  return elementKernel(
    {
      count: batch * packed.height * packed.width * vectors,
      body: `let column = i / ${vectors}u;
  let line = column / ${packed.width}u;
  let x0 = i32(column % ${packed.width}u) - ${padding[1]};
  let y0 = i32(line % ${packed.height}u) - ${padding[0]};
  let inside = (x0 >= 0) & (x0 < ${width}) & (y0 >= 0) & (y0 < ${height});
  let position = u32(clamp(y0, 0, ${height - 1})) * ${width}u + u32(clamp(x0, 0, ${width - 1}));
  let image = line / ${packed.height}u * ${groupInputs}u;
  let channel = i % ${vectors}u * 4u;
  packed[i] = select(vec4<f32>(), ${vec4(range(4).map(element))}, inside);`,
    },
    [{ name: "x", index: X }, { name: "packed", index: PACKED_X, write: true, vector: true }],
    limits,
  );
}

/** The products of all taps and parts: those of a part share its dY. */
function gemmKernel(kernel: PerTapKernel, viaTexture: boolean, limits: DeviceLimits): WebGpuKernel {
  const { problem, taps, tile, parts, share, packed } = kernel;
  const gemm = {
    m: problem.groupOutputs,
    n: packed.inputs,
    k: share,
    batch: parts * taps,
    sharing: taps,
    rowOfB: rowOfInput(kernel),
    buffers: { a: PACKED_DY, b: PACKED_X, c: PARTIAL },
  };
  return packedGemmKernel(gemm, tile, viaTexture, limits);
}

/** The body of the function that finds the row of the packed input: what the tap meets at the position of a depth. */
function rowOfInput({ problem, taps, plane, share, packed }: PerTapKernel): string {
  const { batch, kernelWidth, outputWidth, stride, dilation } = problem;
  return `let tap = matrix % ${taps}u;
  let output = min(matrix / ${taps}u * ${share}u + depth, ${batch * plane - 1}u);
  let position = output % ${plane}u;
  let y = position / ${outputWidth}u * ${stride[0]}u + tap / ${kernelWidth}u * ${dilation[0]}u;
  let x = position % ${outputWidth}u * ${stride[1]}u + tap % ${kernelWidth}u * ${dilation[1]}u;
  return ((output / ${plane}u * ${packed.height}u + y) * ${packed.width}u + x) * ${packed.inputs}u;`;
}

/** Adds the parts in their order, and puts the sums where they belong in the weight's gradient. */
function joinKernel(kernel: PerTapKernel, limits: DeviceLimits): WebGpuKernel {
  const { problem: { groupOutputs, groupInputs }, taps, parts, packed: { inputs } } = kernel;
  const part = taps * groupOutputs * inputs;
  return elementKernel(
    {
      count: groupOutputs * groupInputs * taps,
      iterations: parts,
      body: `let line = i / ${taps}u;
  let index = (i % ${taps}u * ${groupOutputs}u + line / ${groupInputs}u) * ${inputs}u + line % ${groupInputs}u;
  ${sumPartsWgsl(parts, "index", part)}
  dw[i] = sum;`,
    },
    [{ name: "partial", index: PARTIAL }, { name: "dw", index: DW, write: true }],
    limits,
  );
}
