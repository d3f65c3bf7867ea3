/** Which kernels of a convolution and of its gradients run where nothing was measured. */

import {
  type Configuration,
  DEFAULT_PROFILE,
  type DeviceAbilities,
  type KernelFamily,
  type OccupancyModel,
  type Rule,
} from "../../core/mod.ts";
import { fastestConfiguration, type WorkgroupConfiguration, type WorkgroupShape } from "../../kernels/mod.ts";
import type { DirectedConvolution } from "./directed.ts";
import { convolutionFlops, type ConvolutionProblem } from "./problem.ts";
import { FEW_ROWS, fitRows, isDepthwise, MANY_ROWS } from "./webgpu/depthwise.ts";
import { fitDirectTile, LARGE_TILE, readsViaTexture, SMALL_TILE, TEXTURE_TILE } from "./webgpu/direct.ts";
import { convolutionShape, IMPLICIT_GEMM } from "./webgpu/implicit_gemm.ts";
import { POINTWISE_RULES } from "./webgpu/pointwise_gemm.ts";
import {
  FEW_THREADS,
  fitTextureWeightTile,
  fitWeightTile,
  MANY_THREADS,
  sumsAllTaps,
} from "./webgpu/weight_gradient_tiled.ts";
import { STAGED_DEPTHWISE } from "./webgpu/staged_depthwise.ts";
import { STAGED_DIRECT } from "./webgpu/staged_direct.ts";
import { DEPTHWISE_WEIGHT } from "./webgpu/weight_gradient_depthwise.ts";
import { IMPLICIT_WEIGHT_GEMM, weightGradientShape } from "./webgpu/weight_gradient_implicit_gemm.ts";
import { STAGED_WEIGHT } from "./webgpu/weight_gradient_staged.ts";
import { weightBytes, winogradGeometry } from "./webgpu/winograd/geometry.ts";

/** Channels below which only the naive kernel has tiles that are about full. */
const LEAST_CHANNELS = 4;
/** Rows and columns of a matrix product from which on its blocks are about well filled. */
const FILLED_BLOCK = 16;

/** The share of the cycles of an implicit product that a staged kernel may take: its estimate was not measured. */
const FAR_FEWER = 0.8;

/** Channels and operations below which kernels that pack the operands of a matrix product cost more than they save. */
const LEAST_PACKED_CHANNELS = 16, LEAST_PACKED_FLOPS = 16_000_000;

/**
 * Channels from which on Winograd's method is faster on software adapters: than direct kernels that read buffers, and than
 * those that read textures.
 */
const WINOGRAD_CHANNELS = 32, WINOGRAD_CHANNELS_BESIDE_TEXTURES = 96;
/** Multiplications of a direct convolution, below which Winograd's kernels cost more than they save. */
const SMALL_CONVOLUTION = 16_000_000;
/** Bytes of transformed weights, above which they are not worth their memory. */
const MOST_WEIGHT_BYTES = 16 * 2 ** 20;
/** How much larger than the result Winograd's tiles may be. */
const MOST_FILLED_UP = 1.8;

/** Whether the direct kernel reads textures, which makes it hard to beat. */
function hasTextureTile(convolution: DirectedConvolution, device: DeviceAbilities): boolean {
  return readsViaTexture(convolution, TEXTURE_TILE, device);
}

/** Whether there is so much work that kernels that pack the operands cost little beside it. */
function isWorthPacking(channels: number, sources: number, flops: number): boolean {
  return Math.min(channels, sources) >= LEAST_PACKED_CHANNELS && flops >= LEAST_PACKED_FLOPS;
}

/** Whether Winograd's transforms are expected to cost less than they save. */
function isWorthTransforming(convolution: DirectedConvolution, tile: 2 | 4, device: DeviceAbilities): boolean {
  const { batch, sources, channels, resultSize: [height, width] } = convolution;
  const geometry = winogradGeometry(convolution, tile, "registers"), { blocks } = geometry;
  const least = hasTextureTile(convolution, device) ? WINOGRAD_CHANNELS_BESIDE_TEXTURES : WINOGRAD_CHANNELS;
  const covered = 4 * blocks[0] * blocks[1] * tile ** 2;
  return Math.min(sources, channels) >= least && covered <= MOST_FILLED_UP * height * width &&
    9 * batch * height * width * sources * channels >= SMALL_CONVOLUTION &&
    weightBytes(geometry) <= MOST_WEIGHT_BYTES;
}

function winogradRule(tile: 2 | 4, viaTexture: boolean): Rule<DirectedConvolution> {
  return {
    on: "software",
    because: "multiplications are dear there, and the transforms cost less than they save",
    when: (convolution, device) => isWorthTransforming(convolution, tile, device),
    family: "winograd",
    configuration: { tile, products: "registers", viaTexture },
  };
}

function im2colRule(viaTexture: boolean): Rule<DirectedConvolution> {
  return {
    on: "software",
    because: "direct kernels cannot read textures, and there is enough work to pack for",
    when: (convolution, device) =>
      !hasTextureTile(convolution, device) &&
      isWorthPacking(convolution.channels, convolution.sources, convolution.flops),
    family: "im2col GEMM",
    configuration: { viaTexture },
  };
}

function depthwiseRule(on: string, most: number, viaTexture: boolean): Rule<DirectedConvolution> {
  return {
    on,
    because: on === "software" ? "loads are slow there, so a thread has many rows" : "registers are few there",
    when: isDepthwise,
    family: "depthwise",
    configuration: (convolution) => ({ rows: fitRows(convolution, most), viaTexture }),
  };
}

/**
 * The staged configuration of the fewest cycles, if these are far fewer than those of the fastest implicit product; else one that
 * there is not, so that the next rule is asked.
 */
function farFaster<P, C extends Configuration>(
  staged: KernelFamily<P, C>,
  implicit: KernelFamily<P, WorkgroupConfiguration>,
  shapeOf: (problem: P) => WorkgroupShape,
): (problem: P, occupancy: OccupancyModel) => Configuration {
  return (problem, occupancy) => {
    const device = { limits: occupancy.limits, float16: false, subgroups: false };
    const all = staged.configurations(problem, device);
    const cycles = all.map((each) => occupancy.of(staged.launchOf!(problem, each)).cycles), least = Math.min(...cycles);
    if (implicit.supports(problem, device)) {
      const product = fastestConfiguration(shapeOf(problem), occupancy);
      if (least > FAR_FEWER * occupancy.of(implicit.launchOf!(problem, product)).cycles) return NONE;
    }
    return all[cycles.indexOf(least)] ?? NONE;
  };
}

/** The configuration of the fewest cycles; one that there is not if there is none, so that the next rule is asked. */
function fastest<P, C extends Configuration>(
  family: KernelFamily<P, C>,
): (problem: P, occupancy: OccupancyModel) => Configuration {
  return (problem, occupancy) => {
    const all = family.configurations(problem, { limits: occupancy.limits, float16: false, subgroups: false });
    const cycles = all.map((each) => occupancy.of(family.launchOf!(problem, each)).cycles);
    return all[cycles.indexOf(Math.min(...cycles))] ?? NONE;
  };
}

/** What is no configuration of a staged family. */
const NONE: Configuration = { rows: 0 };
/** Why a staged kernel runs. */
const ONCE = "each element is brought into workgroup memory once for all taps, which takes far fewer cycles";
const BLOCKS_ONCE = "each element is brought into workgroup memory once for all taps, by blocks of the fewest cycles";

/** The rules of a convolution and of its input gradient. */
export const CONVOLUTION_RULES: readonly Rule<DirectedConvolution>[] = [
  depthwiseRule("software", MANY_ROWS, true),
  depthwiseRule("software", MANY_ROWS, false),
  {
    on: "hardware",
    because: BLOCKS_ONCE,
    when: (convolution) => isDepthwise(convolution) && convolution.taps > 1,
    family: "staged depthwise",
    configuration: fastest(STAGED_DEPTHWISE),
  },
  depthwiseRule("hardware", FEW_ROWS, false),
  {
    on: "any",
    because: "other tiles have more channels",
    when: ({ channels }) => channels < LEAST_CHANNELS,
    family: "naive",
  },
  ...POINTWISE_RULES,
  {
    on: "hardware",
    because: ONCE,
    when: ({ channels, taps }) => channels >= FILLED_BLOCK && taps > 1,
    family: "staged direct",
    configuration: farFaster(STAGED_DIRECT, IMPLICIT_GEMM, convolutionShape),
  },
  {
    on: "hardware",
    because: "workgroup memory makes up for loads, and these blocks keep the device busy in the fewest cycles",
    when: ({ channels }) => channels >= FILLED_BLOCK,
    family: "implicit GEMM",
    configuration: (convolution, occupancy) => fastestConfiguration(convolutionShape(convolution), occupancy),
  },
  winogradRule(4, true),
  winogradRule(2, true),
  winogradRule(4, false),
  winogradRule(2, false),
  im2colRule(true),
  im2colRule(false),
  {
    on: "software",
    because: "loads through textures are the fastest there",
    family: "direct",
    configuration: (convolution) => fitDirectTile(convolution, TEXTURE_TILE),
  },
  {
    on: "software",
    because: "loads are slow there, so tiles are large",
    family: "direct",
    configuration: (convolution) => fitDirectTile(convolution, LARGE_TILE),
  },
  {
    on: "hardware",
    because: "registers are few there",
    family: "direct",
    configuration: (convolution) => fitDirectTile(convolution, SMALL_TILE),
  },
];

function perTapRule(viaTexture: boolean): Rule<ConvolutionProblem> {
  return {
    on: "software",
    because: "images cannot be read through textures, and there is enough work to pack for",
    when: (problem) => isWorthPacking(problem.groupOutputs, problem.groupInputs, convolutionFlops(problem)),
    family: "per-tap GEMM",
    configuration: { viaTexture },
  };
}

/** Whether the gradient fills blocks of a matrix product about well. */
function fillsBlocks({ groupOutputs, groupInputs, kernelHeight, kernelWidth }: ConvolutionProblem): boolean {
  return groupOutputs >= FILLED_BLOCK && groupInputs * kernelHeight * kernelWidth >= FILLED_BLOCK;
}

/** The rules of a weight gradient. */
export const WEIGHT_GRADIENT_RULES: readonly Rule<ConvolutionProblem>[] = [
  {
    on: "any",
    because: "a thread of the other kernels sums all taps, and these are too many",
    when: (problem) => !sumsAllTaps(problem),
    family: "naive",
  },
  {
    on: "software",
    because: "loads through textures are the fastest there",
    family: "tiled",
    configuration: (problem) => ({ ...fitTextureWeightTile(problem), threads: FEW_THREADS }),
  },
  perTapRule(true),
  perTapRule(false),
  {
    on: "software",
    because: "few threads keep it busy",
    family: "tiled",
    configuration: (problem) => ({ ...fitWeightTile(problem), threads: FEW_THREADS }),
  },
  {
    on: "hardware",
    because: BLOCKS_ONCE,
    when: (problem) =>
      DEPTHWISE_WEIGHT.supports(problem, DEFAULT_PROFILE) && problem.kernelHeight * problem.kernelWidth > 1,
    family: "staged depthwise",
    configuration: fastest(DEPTHWISE_WEIGHT),
  },
  {
    on: "hardware",
    because: ONCE,
    when: (problem) => fillsBlocks(problem) && problem.kernelHeight * problem.kernelWidth > 1,
    family: "staged",
    configuration: farFaster(STAGED_WEIGHT, IMPLICIT_WEIGHT_GEMM, weightGradientShape),
  },
  {
    on: "hardware",
    because: "workgroup memory makes up for loads, and these blocks keep the device busy in the fewest cycles",
    when: fillsBlocks,
    family: "implicit GEMM",
    configuration: (problem, occupancy) => fastestConfiguration(weightGradientShape(problem), occupancy),
  },
  {
    on: "hardware",
    because: "many threads keep it busy",
    family: "tiled",
    configuration: (problem) => ({ ...fitWeightTile(problem), threads: MANY_THREADS }),
  },
  {
    on: "hardware",
    because: "there is no more to share out",
    family: "tiled",
    configuration: fitWeightTile,
  },
];
