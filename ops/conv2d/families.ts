/** The WebGPU variants of a convolution and of its gradients, and which is expected to be the fastest. */

import { type MarkedVariant, preferIf, type WebGpuLimits } from "../../core/mod.ts";
import { fitsWorkgroup, gemmVariants, WORKGROUP_TILE_64x64x16 } from "../../kernels/mod.ts";
import type { DirectedConvolution } from "./directed.ts";
import { epilogueWgsl, residualBinding } from "./epilogue.ts";
import { convolutionFlops, type ConvolutionProblem, isWorthPacking } from "./problem.ts";
import { depthwiseVariant, isDepthwise, texelsOfDepthwise } from "./webgpu/depthwise.ts";
import { type DirectTile, directVariant, fitDirectTile, texelsOfDirect } from "./webgpu/direct.ts";
import { im2colGemmVariants } from "./webgpu/im2col_gemm.ts";
import { implicitGemmVariant } from "./webgpu/implicit_gemm.ts";
import { naiveVariants } from "./webgpu/naive.ts";
import { naiveWeightVariant } from "./webgpu/weight_gradient.ts";
import { perTapGemmVariants } from "./webgpu/weight_gradient_gemm.ts";
import { fillsWeightBlocks, implicitWeightVariant } from "./webgpu/weight_gradient_implicit_gemm.ts";
import {
  canTileWeights,
  fitTextureWeightTile,
  fitWeightTile,
  texelsOfWeightGradient,
  tiledWeightVariant,
} from "./webgpu/weight_gradient_tiled.ts";
import { canWinograd, winogradVariants } from "./webgpu/winograd.ts";

/** Tiles for software adapters, where a load costs as much as tens of multiplications. */
const LARGE_TILE: DirectTile = { vectors: 1, rows: 8, channels: 8 };
/** The same where textures make loads faster. */
const TEXTURE_TILE: DirectTile = { vectors: 2, rows: 2, channels: 8, viaTexture: true };
/** A tile for GPUs, whose registers are few. */
const SMALL_TILE: DirectTile = { vectors: 1, rows: 2, channels: 8 };
/** Rows of a thread of a depthwise convolution, of all residues together. */
const SOFTWARE_ROWS = 8, HARDWARE_ROWS = 2;
/**
 * Channels from which on Winograd's method is faster on software adapters: than direct kernels that read buffers, and than
 * those that read textures.
 */
const WINOGRAD_CHANNELS = 32, WINOGRAD_CHANNELS_BESIDE_TEXTURES = 96;

/** Threads of a tiled weight gradient that keep a device busy. */
const SOFTWARE_THREADS = 1024, HARDWARE_THREADS = 8192;

/** All variants; the first is a plain kernel that takes any shape. */
export function convolutionVariants(convolution: DirectedConvolution, limits: WebGpuLimits): MarkedVariant[] {
  const { groups, channels, sources, flops } = convolution, { software } = limits;
  const variants = naiveVariants(convolution, limits);
  if (isDepthwise(convolution)) {
    const rows = software ? SOFTWARE_ROWS : HARDWARE_ROWS;
    const viaTexture = software && texelsOfDepthwise(convolution) <= limits.maxTexels;
    return [...variants, preferIf(depthwiseVariant(convolution, rows, viaTexture, limits), true)];
  }
  if (channels < 4) return variants;
  const fillsBlocks = fitsWorkgroup(WORKGROUP_TILE_64x64x16, limits) && groups === 1 && channels >= 16;
  if (isMatrixProduct(convolution)) variants.push(...pointwiseVariants(convolution, limits));
  else if (fillsBlocks) variants.push(preferIf(implicitGemmVariant(convolution, limits), !software));
  const viaTexture = software && texelsOfDirect(convolution, TEXTURE_TILE) <= limits.maxTexels;
  if (canWinograd(convolution)) {
    const least = viaTexture ? WINOGRAD_CHANNELS_BESIDE_TEXTURES : WINOGRAD_CHANNELS;
    variants.push(...winogradVariants(convolution, limits, least));
  }
  if (software && !isMatrixProduct(convolution)) {
    const preferred = !viaTexture && isWorthPacking(channels, sources, flops);
    variants.push(...im2colGemmVariants(convolution, limits).map((variant) => preferIf(variant, preferred)));
  }
  const small = fitDirectTile(convolution, SMALL_TILE), large = fitDirectTile(convolution, LARGE_TILE);
  const tiles = small.rows === large.rows ? [large] : software ? [large, small] : [small, large];
  if (viaTexture) tiles.unshift(fitDirectTile(convolution, TEXTURE_TILE));
  tiles.forEach((tile, index) => {
    variants.push(preferIf(directVariant(convolution, tile, limits), index === 0));
  });
  return variants;
}

/** Whether an image's result is a product of two matrices: weights and channels by positions. */
function isMatrixProduct({ groups, taps, stride, padding }: DirectedConvolution): boolean {
  return groups === 1 && taps * stride[0] * stride[1] === 1 && padding[0] + padding[1] === 0;
}

function pointwiseVariants(convolution: DirectedConvolution, limits: WebGpuLimits): MarkedVariant[] {
  const { direction, batch, channels, sources, resultSize: [height, width], operands } = convolution;
  const n = height * width, { bias, output } = operands;
  return gemmVariants({
    m: channels,
    n,
    k: sources,
    a: direction === "forward" ? [sources, 1] : [1, channels],
    b: [n, 1],
    batch,
    buffers: { a: 1, b: 0, c: output },
    bias: bias === undefined ? undefined : { buffer: bias, of: "row" },
    epilogue: {
      apply: (value, index, size) => epilogueWgsl(operands, value, index, size),
      bindings: (vector) => residualBinding(operands, vector),
    },
  }, limits);
}

/** The variants of a weight gradient. The first takes any shape. */
export function weightGradientVariants(problem: ConvolutionProblem, limits: WebGpuLimits): MarkedVariant[] {
  const { software, maxTexels } = limits, { groupInputs, groupOutputs } = problem;
  const variants = [...new Set([Math.min(4, groupOutputs), 1])]
    .map((outputs) => naiveWeightVariant(problem, outputs, limits));
  if (!canTileWeights(problem)) return variants;
  const threads = software ? SOFTWARE_THREADS : HARDWARE_THREADS;
  if (software && texelsOfWeightGradient(problem) <= maxTexels) {
    variants.push(preferIf(tiledWeightVariant(problem, fitTextureWeightTile(problem), threads, limits), true));
  }
  if (software) {
    const preferred = isWorthPacking(groupOutputs, groupInputs, convolutionFlops(problem));
    variants.push(...perTapGemmVariants(problem, limits).map((variant) => preferIf(variant, preferred)));
  }
  const fillsBlocks = fillsWeightBlocks(problem);
  variants.push(
    preferIf(tiledWeightVariant(problem, fitWeightTile(problem), threads, limits), software || !fillsBlocks),
  );
  if (fillsBlocks && fitsWorkgroup(WORKGROUP_TILE_64x64x16, limits)) {
    variants.push(preferIf(implicitWeightVariant(problem, limits), !software));
  }
  return variants;
}
