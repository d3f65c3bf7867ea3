/**
 * How the sum of a weight gradient is split: lines of the output of all images are taken in parts by different threads. The
 * parts are added in a fixed order, so that runs repeat to the bit.
 */

import { type DeviceLimits, f32, type KernelSequence, type WebGpuKernel } from "../../../core/mod.ts";
import { sumPartsKernel } from "../../../kernels/mod.ts";
import type { ConvolutionProblem } from "../problem.ts";

/** The indices of a weight gradient's buffers: input, output's gradient, weight's gradient, and the sums of the parts. */
export const X = 0, DY = 1, DW = 2, PARTIAL = 3;

/** Loop iterations of a thread above which there are more parts than it takes to keep the device busy. */
const WANTED_ITERATIONS = 32_768;
/** Elements of all parts. */
export const MAX_PARTIAL_ELEMENTS: number = 8 * 1024 * 1024;

/** Elements of the weight. */
export function weightSize(
  { groups, groupOutputs, groupInputs, kernelHeight, kernelWidth }: ConvolutionProblem,
): number {
  return groups * groupOutputs * groupInputs * kernelHeight * kernelWidth;
}

/** Lines of the output of all images. */
export function linesOf({ batch, outputHeight }: ConvolutionProblem): number {
  return batch * outputHeight;
}

/** What a split depends on. */
export interface PartsRequest {
  /** Threads of a part. */
  readonly threadsOfPart: number;
  /** Loop iterations that a line takes. */
  readonly lineIterations: number;
  /** Threads that keep the device busy. */
  readonly wantedThreads: number;
  /** The most parts to reach these. */
  readonly most: number;
}

/** Into how many parts the lines are split. No thread then loops longer than every driver does, unless for one line. */
export function partsOf(problem: ConvolutionProblem, request: PartsRequest): number {
  const { threadsOfPart, lineIterations, wantedThreads, most } = request, lines = linesOf(problem);
  const least = Math.ceil(lines / Math.max(1, Math.floor(WANTED_ITERATIONS / lineIterations)));
  const fitting = Math.floor(MAX_PARTIAL_ELEMENTS / weightSize(problem));
  const busy = Math.min(Math.ceil(wantedThreads / threadsOfPart), fitting, most);
  return Math.min(lines, Math.max(1, least, busy));
}

/**
 * The kernels of a sum in parts: that of the parts, and that which adds them up, if there are several.
 *
 * @param sumsKernel The kernel that writes the sums of each part to the buffer of an index, as [parts, weights].
 */
export function kernelsOfParts(
  problem: ConvolutionProblem,
  parts: number,
  sumsKernel: (target: number) => WebGpuKernel,
  limits: DeviceLimits,
): KernelSequence {
  if (parts === 1) return { kernels: [sumsKernel(DW)] };
  const size = weightSize(problem);
  return {
    workspace: [f32([parts, size])],
    kernels: [sumsKernel(PARTIAL), sumPartsKernel({ size, parts, partial: PARTIAL, result: DW }, limits)],
  };
}
