/** A convolution and its input gradient in one form, since both gather results from a source. */

import type { ConvolutionOperands } from "./epilogue.ts";
import { convolutionFlops, type ConvolutionProblem } from "./problem.ts";

/** Which of the two: a convolution gathers its output from its input, its input gradient that from the output's gradient. */
export type Direction = "forward" | "inputGradient";

/**
 * The sum that is computed, with k a channel of the result and s one of the source, both of group g:
 *
 *     result[n, g, k, y, x] = Σ over s, i, j of weight(g, k, s, i, j) · source[n, g, s, sy(y, i), sx(x, j)].
 *
 * Along one axis, with p = padding, d = dilation, t = stride:
 *
 *     forward:         sy = t·y + d·i - p
 *     inputGradient:   sy = (y + p - d·i) / t, for the taps i where t divides that.
 *
 * Pairs are vertical, horizontal.
 */
export interface DirectedConvolution {
  /** Which way. */
  readonly direction: Direction;
  /** The batch size. */
  readonly batch: number;
  /** The number of groups. */
  readonly groups: number;
  /** Result channels of a group. */
  readonly channels: number;
  /** Source channels of a group. */
  readonly sources: number;
  /** Height and width of the result. */
  readonly resultSize: readonly [number, number];
  /** Height and width of the source. */
  readonly sourceSize: readonly [number, number];
  /** Height and width of the kernel. */
  readonly kernelSize: readonly [number, number];
  /** Taps of the kernel. */
  readonly taps: number;
  /** The convolution's stride. */
  readonly stride: readonly number[];
  /** The convolution's padding above and on the left. */
  readonly padding: readonly number[];
  /** The convolution's dilation. */
  readonly dilation: readonly number[];
  /** Multiplications and additions. */
  readonly flops: number;
  /** Whether source and weight are float16. Defaults to false. */
  readonly float16?: boolean;
  /** The buffers, and the epilogue; source and weight are the first two. */
  readonly operands: ConvolutionOperands;
}

/** A convolution, or its input gradient. */
export function directed(
  problem: ConvolutionProblem,
  direction: Direction,
  operands: ConvolutionOperands,
): DirectedConvolution {
  const { batch, groups, groupInputs, groupOutputs, kernelHeight, kernelWidth, stride, padding, dilation } = problem;
  const inputSize = [problem.height, problem.width] as const;
  const outputSize = [problem.outputHeight, problem.outputWidth] as const;
  const ends = direction === "forward"
    ? { channels: groupOutputs, sources: groupInputs, resultSize: outputSize, sourceSize: inputSize }
    : { channels: groupInputs, sources: groupOutputs, resultSize: inputSize, sourceSize: outputSize };
  return {
    direction,
    batch,
    groups,
    ...ends,
    kernelSize: [kernelHeight, kernelWidth],
    taps: kernelHeight * kernelWidth,
    stride,
    padding,
    dilation,
    flops: convolutionFlops(problem),
    operands,
  };
}
