/**
 * How the results of a convolution or of its input gradient meet the source along one axis, as constants of a text. Results
 * fall into residue classes, in a gradient of stride t by their remainders of t, else into one: the result
 * `residues·v + residue` meets the source at `step·v + offset` for each tap that the residue has. No tap is skipped at run time.
 */

import { range } from "../../../kernels/mod.ts";
import type { DirectedConvolution } from "../directed.ts";

/** The rows or the columns. */
export interface StridedAxis {
  /** Results. */
  readonly size: number;
  /** Elements of the source. */
  readonly sourceSize: number;
  /** Residues: from a result to the next of its residue. */
  readonly residues: number;
  /** From what a result meets of the source to what the next of its residue does. */
  readonly step: number;
  /** For each residue, its taps and their offsets. */
  readonly offsets: readonly ReadonlyMap<number, number>[];
}

/** The rows and the columns of a convolution or of its input gradient. */
export function stridedAxes(convolution: DirectedConvolution): [y: StridedAxis, x: StridedAxis] {
  return [stridedAxis(convolution, 0), stridedAxis(convolution, 1)];
}

function stridedAxis(convolution: DirectedConvolution, axis: 0 | 1): StridedAxis {
  const size = convolution.resultSize[axis], sourceSize = convolution.sourceSize[axis];
  const stride = convolution.stride[axis], padding = convolution.padding[axis], dilation = convolution.dilation[axis];
  const taps = range(convolution.kernelSize[axis]);
  if (convolution.direction === "forward") {
    const offsets = new Map(taps.map((tap) => [tap, tap * dilation - padding]));
    return { size, sourceSize, residues: 1, step: stride, offsets: [offsets] };
  }
  const offsets = range(stride).map((residue) => {
    const pairs = taps.map((tap): [number, number] => [tap, (residue + padding - tap * dilation) / stride]);
    return new Map(pairs.filter(([, offset]) => Number.isInteger(offset)));
  });
  return { size, sourceSize, residues: stride, step: 1, offsets };
}
