/** WGSL of where a result meets the source of a convolution at a tap, for kernels that find it at run time. */

import type { DirectedConvolution } from "../directed.ts";
import type { ConvolutionProblem } from "../problem.ts";

/** What positions depend on. */
export type Positions = Pick<DirectedConvolution, "direction" | "sourceSize" | "stride" | "padding" | "dilation">;

/** The input of a convolution as the source, for its weight gradient. */
export function inputPositions({ height, width, stride, padding, dilation }: ConvolutionProblem): Positions {
  return { direction: "forward", sourceSize: [height, width], stride, padding, dilation };
}

/** The rows (0) or the columns (1). */
export type AxisIndex = 0 | 1;

/** How far apart, in what {@link sourcePosition} gives, neighbours of the source are. */
export function positionStep({ direction, stride }: Positions, axis: AxisIndex): number {
  return direction === "forward" ? 1 : stride[axis];
}

/**
 * An i32 expression of the source's row or column, times {@link positionStep}, that a result meets at a tap.
 *
 * @param result A u32 expression of the result's row or column.
 * @param tap A u32 expression of the kernel's.
 */
export function sourcePosition(
  { direction, stride, padding, dilation }: Positions,
  axis: AxisIndex,
  result: string,
  tap: string,
): string {
  if (direction === "forward") {
    return `i32(${result} * ${stride[axis]}u + ${tap} * ${dilation[axis]}u) - ${padding[axis]}`;
  }
  return `i32(${result}) + ${padding[axis]} - i32(${tap} * ${dilation[axis]}u)`;
}

/**
 * Conditions joined by `&`: whether a {@link sourcePosition} of this name is one of the source's rows or columns. `&&` would
 * branch at each load, and some compilers take a time exponential in the branches of a loop (SwiftShader).
 */
export function isInsideSource(positions: Positions, axis: AxisIndex, name: string): string {
  const step = positionStep(positions, axis), size = positions.sourceSize[axis] * step;
  const inside = `(${name} >= 0) & (${name} < ${size})`;
  return step === 1 ? inside : `${inside} & (${name} % ${step} == 0)`;
}
