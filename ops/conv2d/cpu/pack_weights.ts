/** The packing of a convolution's weights, or of its transposed weights, as the rows of products. */

import type { CpuNativeStage } from "../../../core/mod.ts";
import { packRowsStage } from "../../../kernels/mod.ts";
import type { ConvolutionProblem } from "../problem.ts";

/** The distances of weights: from an output to the next, from a row of columns to the next, from a group to the next. */
export type WeightStrides = readonly [number, number, number];

/** Packs the weights of each group, in so many ranges of outputs. */
export function packWeightsStage(
  { groups, groupOutputs }: ConvolutionProblem,
  depth: number,
  ranges: number,
  [outputStride, rowStride, groupStride]: WeightStrides,
): CpuNativeStage {
  const outputs = groupOutputs / ranges;
  return packRowsStage({
    buffer: 1,
    rows: outputs,
    depth,
    strides: [outputStride, rowStride],
    groups: [groups, groupStride],
    members: [ranges, outputs * outputStride],
    prepacks: true,
  });
}
