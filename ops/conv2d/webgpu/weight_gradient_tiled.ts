/**
 * The register-tiled WebGPU kernel of a convolution's weight gradient. A thread sums all taps of some output and some input
 * channels over a part of the output's lines, some adjacent columns at a time (`weight_gradient_tiled_sums.ts`).
 */

import {
  type DeviceLimits,
  type KernelFamily,
  linearWorkgroups,
  MAX_ITERATIONS,
  type WebGpuKernel,
} from "../../../core/mod.ts";
import type { ConvolutionProblem } from "../problem.ts";
import { DY, kernelsOfParts, linesOf, partsOf, X } from "./weight_gradient_parts.ts";
import { partialSumsWgsl } from "./weight_gradient_tiled_sums.ts";

/** The register tile of a thread. */
export type WeightTile = {
  /** Output channels: a multiple of four, whose sums are vectors; or one, whose sums are vectors over the columns. */
  readonly outputs: number;
  /** Input channels. */
  readonly inputs: number;
  /** Vectors of four adjacent columns at a time, a divisor of those of a line of output if it is read through a texture. */
  readonly vectors: number;
  /** Whether both images are read through textures; their lines must be whole vectors. */
  readonly viaTexture: boolean;
};

/** How the family is set. */
export type TiledConfiguration = WeightTile & {
  /** Threads that the sum is split for, as many as are about enough to keep a device busy. */
  readonly threads: number;
};

/** Threads of a workgroup. */
const WORKGROUP = 64;
/** Threads that keep devices busy: those of few cores, and those of many. */
export const FEW_THREADS = 1024, MANY_THREADS = 32_768;

/** The most sums of a thread: with four times as many lavapipe is a tenth faster, and compiles five times as long. */
const MAX_SUMS = 80;
/** Outputs and inputs of tiles for images in buffers, the largest first. */
const TILES: readonly (readonly [number, number])[] = [[8, 8], [8, 4], [4, 4], [4, 2], [4, 1]];
/** The same for images that are read through textures. */
const TEXTURE_TILES: typeof TILES = [[8, 8], [8, 4], [8, 2], [8, 1], [4, 1]];
/** Multiplications of vectors in a loop that reads textures: of more, its code is larger than a processor's fastest cache. */
const MAX_TEXTURE_PRODUCTS = 320;

/** Whether a thread can sum all taps. */
export function sumsAllTaps({ kernelHeight, kernelWidth }: ConvolutionProblem): boolean {
  return kernelHeight * kernelWidth <= MAX_SUMS;
}

/** The largest tile for images in buffers that has no more sums and is not much larger than the weights. */
export function fitWeightTile(problem: ConvolutionProblem): WeightTile {
  return { ...fitChannels(problem, TILES), vectors: 1, viaTexture: false };
}

/** The tile for images that are read through textures: best a line at a time, whose ends are known. */
export function fitTextureWeightTile(problem: ConvolutionProblem): WeightTile {
  const tile = fitChannels(problem, TEXTURE_TILES), line = problem.outputWidth / 4;
  const products = tile.outputs * tile.inputs * problem.kernelHeight * problem.kernelWidth;
  const fits = (vectors: number) => products * vectors <= MAX_TEXTURE_PRODUCTS;
  return { ...tile, vectors: fits(line) ? line : line % 2 === 0 && fits(2) ? 2 : 1, viaTexture: true };
}

function fitChannels(problem: ConvolutionProblem, tiles: typeof TILES): Pick<WeightTile, "outputs" | "inputs"> {
  const { groupInputs, groupOutputs, kernelHeight, kernelWidth } = problem;
  const fitted = tiles.map(([outputs, inputs]) => ({
    outputs: groupOutputs === 1 ? 1 : Math.min(outputs, 4 * Math.ceil(groupOutputs / 4)),
    inputs: Math.min(inputs, groupInputs),
  }));
  const fits = (tile: typeof fitted[number]) => tile.outputs * tile.inputs * kernelHeight * kernelWidth <= MAX_SUMS;
  return fitted.find(fits) ?? fitted[fitted.length - 1];
}

/** Whether lines are whole vectors, and not too many for a texture. */
function fitsTextures(problem: ConvolutionProblem, { maxTexels }: DeviceLimits): boolean {
  const { batch, groups, groupInputs, groupOutputs, height, width, outputHeight, outputWidth } = problem;
  const largest = Math.max(groupInputs * height * width, groupOutputs * outputHeight * outputWidth);
  return width % 4 === 0 && outputWidth % 4 === 0 && batch * groups * largest / 4 <= maxTexels;
}

/** The family. */
export const TILED_WEIGHT: KernelFamily<ConvolutionProblem, TiledConfiguration> = {
  name: "tiled",
  version: 1,
  supports: (problem) => sumsAllTaps(problem) && lineIterationsOf(problem, fitWeightTile(problem)) <= MAX_ITERATIONS,
  configurations(problem, { limits }) {
    const tiles = [fitWeightTile(problem)];
    if (fitsTextures(problem, limits)) tiles.push(fitTextureWeightTile(problem));
    return tiles.flatMap((tile) => {
      const few = { ...tile, threads: FEW_THREADS }, many = { ...tile, threads: MANY_THREADS };
      // The same sums where more threads give no more parts.
      return kernelOf(problem, few).parts === kernelOf(problem, many).parts ? [few] : [few, many];
    });
  },
  nameOf: ({ outputs, inputs, vectors, viaTexture, threads }) =>
    `tiled ${outputs}x${inputs}x${4 * vectors} for ${threads} threads${viaTexture ? ", via texture" : ""}`,
  emit(problem, configuration, { limits }) {
    const kernel = kernelOf(problem, configuration);
    return kernelsOfParts(problem, kernel.parts, (target) => partialSumsKernel(kernel, target, limits), limits);
  },
};

/** All that the text depends on. */
export interface TiledKernel {
  /** The convolution. */
  readonly problem: ConvolutionProblem;
  /** Taps of the kernel. */
  readonly taps: number;
  /** The tile of a thread. */
  readonly tile: WeightTile;
  /** Whether sums are vectors over the columns, those of one output. */
  readonly singleOutput: boolean;
  /** Tiles of output channels in a group. */
  readonly outputTiles: number;
  /** Tiles of input channels in a group. */
  readonly inputTiles: number;
  /** Steps along a line of output. */
  readonly segments: number;
  /** Parts of the sum. */
  readonly parts: number;
  /** Threads in all. */
  readonly threads: number;
}

function kernelOf(problem: ConvolutionProblem, { threads: wantedThreads, ...tile }: TiledConfiguration): TiledKernel {
  const { groups, groupInputs, groupOutputs, kernelHeight, kernelWidth } = problem;
  const outputTiles = Math.ceil(groupOutputs / tile.outputs), inputTiles = Math.ceil(groupInputs / tile.inputs);
  const threadsOfPart = groups * outputTiles * inputTiles, lineIterations = lineIterationsOf(problem, tile);
  const parts = partsOf(problem, { threadsOfPart, lineIterations, wantedThreads, most: linesOf(problem) });
  return {
    problem,
    taps: kernelHeight * kernelWidth,
    tile,
    singleOutput: tile.outputs === 1,
    outputTiles,
    inputTiles,
    segments: segmentsOf(problem, tile),
    parts,
    threads: threadsOfPart * parts,
  };
}

function segmentsOf({ outputWidth }: ConvolutionProblem, { vectors }: WeightTile): number {
  return Math.ceil(outputWidth / (4 * vectors));
}

/** Loop iterations that a line takes. */
function lineIterationsOf(problem: ConvolutionProblem, tile: WeightTile): number {
  const segments = segmentsOf(problem, tile);
  return tile.viaTexture ? segments : segments + 1;
}

/** The kernel that writes the sums of each part to the buffer `partial` [parts, weights]. */
function partialSumsKernel(kernel: TiledKernel, partial: number, limits: DeviceLimits): WebGpuKernel {
  const { problem, tile, threads } = kernel, texels = tile.viaTexture || undefined;
  return {
    wgsl: partialSumsWgsl(kernel, WORKGROUP),
    bindings: [
      { name: "x", index: X, vector: problem.width % 4 === 0, texels },
      { name: "dy", index: DY, vector: problem.outputWidth % 4 === 0, texels },
      { name: "partial", index: partial, write: true },
    ],
    workgroups: linearWorkgroups(threads, limits, WORKGROUP),
  };
}
