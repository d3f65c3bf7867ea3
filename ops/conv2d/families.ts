/** The WebGPU variants of a convolution and of its input gradient, and which is expected to be the fastest. */

import { type MarkedVariant, preferIf, type WebGpuLimits } from "../../core/mod.ts";
import { fitsWorkgroup, gemmVariants, WORKGROUP_TILE_64x64x16 } from "../../kernels/mod.ts";
import { depthwiseVariant, isDepthwise } from "./webgpu/depthwise.ts";
import { axisOf } from "./webgpu/direct_source.ts";
import { type Direction, directTexels, type DirectTile, directVariant } from "./webgpu/direct.ts";
import { epilogueWgsl, type ForwardOperands, operandsOf, residualBinding } from "./webgpu/epilogue.ts";
import { gatherVariants } from "./webgpu/naive.ts";
import { type ConvolutionProblem, isWorthPacking } from "./problem.ts";
import { implicitVariant } from "./webgpu/implicit_gemm.ts";
import { unfoldedVariants } from "./webgpu/im2col_gemm.ts";
import { canWinograd, winogradVariants } from "./webgpu/winograd.ts";

/**
 * Tiles for adapters on the CPU, where loads are slow beside arithmetic, and the same where textures make them faster; and
 * for GPUs, whose registers are few.
 */
const LARGE_TILE: DirectTile = { vectors: 1, rows: 8, channels: 8 };
const TEXEL_TILE: DirectTile = { vectors: 2, rows: 2, channels: 8, texels: true };
const SMALL_TILE: DirectTile = { vectors: 1, rows: 2, channels: 8 };
/**
 * Channels from which on Winograd's method is faster on adapters on the CPU: than direct kernels that read buffers, and than
 * those that read textures.
 */
const WINOGRAD_CHANNELS = 32, WINOGRAD_CHANNELS_BESIDE_TEXELS = 96;
/** Multiplications of vectors in the text of a kernel, above which compilers take long. */
const MAX_PRODUCTS = 800;

/** All variants; the first is a plain kernel that takes any shape. */
export function convolutionVariants(
  g: ConvolutionProblem,
  limits: WebGpuLimits,
  direction: Direction,
  operands: ForwardOperands = operandsOf(2),
): MarkedVariant[] {
  const variants = gatherVariants(g, limits, direction, operands);
  const channels = direction === "forward" ? g.groupOutputs : g.groupInputs;
  if (isDepthwise(g)) return [...variants, preferIf(depthwiseVariant(g, limits, direction, operands), true)];
  if (channels < 4) return variants;
  const product = fitsWorkgroup(WORKGROUP_TILE_64x64x16, limits) && g.groups === 1 && channels >= 16;
  if (isMatrixProduct(g)) variants.push(...pointwiseVariants(g, limits, direction, operands));
  else if (product) variants.push(preferIf(implicitVariant(g, limits, direction, operands), !limits.software));
  const texels = limits.software && directTexels(g, direction, TEXEL_TILE) <= limits.maxTexels;
  if (canWinograd(g)) {
    const least = texels ? WINOGRAD_CHANNELS_BESIDE_TEXELS : WINOGRAD_CHANNELS;
    variants.push(...winogradVariants(g, limits, direction, operands, least));
  }
  if (limits.software && !isMatrixProduct(g)) {
    const preferred = !texels && isWorthPacking(g);
    variants.push(...unfoldedVariants(g, limits, direction, operands).map((variant) => preferIf(variant, preferred)));
  }
  const small = fitTile(g, direction, SMALL_TILE), large = fitTile(g, direction, LARGE_TILE);
  const tiles = small.rows === large.rows ? [large] : limits.software ? [large, small] : [small, large];
  if (texels) tiles.unshift(fitTile(g, direction, TEXEL_TILE));
  tiles.forEach((tile, index) => {
    variants.push(preferIf(directVariant(g, limits, direction, operands, tile), index === 0));
  });
  return variants;
}

/** Whether an image's result is a product of two matrices: weights and channels by positions. */
function isMatrixProduct(g: ConvolutionProblem): boolean {
  return g.groups === 1 && g.kernelHeight * g.kernelWidth * g.stride[0] * g.stride[1] === 1 &&
    g.padding[0] + g.padding[1] === 0;
}

function pointwiseVariants(
  g: ConvolutionProblem,
  limits: WebGpuLimits,
  direction: Direction,
  operands: ForwardOperands,
): MarkedVariant[] {
  const forward = direction === "forward", n = g.height * g.width, { bias, output } = operands;
  return gemmVariants({
    m: forward ? g.groupOutputs : g.groupInputs,
    n,
    k: forward ? g.groupInputs : g.groupOutputs,
    a: forward ? [g.groupInputs, 1] : [1, g.groupInputs],
    b: [n, 1],
    batch: g.batch,
    buffers: { a: 1, b: 0, c: output },
    bias: bias === undefined ? undefined : { buffer: bias, of: "row" },
    finish: (value, place, size) => epilogueWgsl(operands, value, place, size),
    finishBindings: (vector) => residualBinding(operands, vector),
  }, limits);
}

/** A tile that is no larger than the result, and whose text is not too long. */
function fitTile(g: ConvolutionProblem, direction: Direction, tile: DirectTile): DirectTile {
  const forward = direction === "forward", y = axisOf(g, forward, 0), x = axisOf(g, forward, 1);
  const most = forward || g.stride[1] === 1 || tile.texels ? tile.channels : tile.channels / 2;
  const channels = Math.min(most, 4 * Math.ceil((forward ? g.groupOutputs : g.groupInputs) / 4));
  const products = (rows: number) => rows * channels * g.kernelHeight * g.kernelWidth;
  let rows = Math.max(1, tile.rows / y.phases);
  while (rows > 1 && products(rows * y.phases) > MAX_PRODUCTS) rows = Math.ceil(rows / 2);
  // As few as fill the result with as many tiles.
  const even = (size: number, count: number) => Math.ceil(size / Math.ceil(size / count));
  const vectors = even(Math.ceil(x.size / x.phases / 4), tile.vectors);
  return { ...tile, vectors, rows: even(Math.ceil(y.size / y.phases), rows), channels };
}
