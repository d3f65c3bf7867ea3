/** A 1x1 convolution or its input gradient as a matrix product for each image: weights by channels and positions. */

import type { KernelFamily, Rule } from "../../../core/mod.ts";
import {
  GEMM_RULES,
  type GemmProblem,
  REGISTER_GEMM,
  SUBGROUP_MATRIX_GEMM,
  WORKGROUP_GEMM,
} from "../../../kernels/mod.ts";
import type { DirectedConvolution } from "../directed.ts";
import { epilogueWgsl, residualBinding } from "../epilogue.ts";

/** Whether an image's result is a product of two matrices. */
export function isPointwise({ groups, taps, stride, resultSize, sourceSize }: DirectedConvolution): boolean {
  // Of a 1x1 kernel and stride 1, sizes are the same if there is no padding.
  return groups === 1 && taps * stride[0] * stride[1] === 1 &&
    resultSize.every((size, axis) => size === sourceSize[axis]);
}

/** Whether such products load whole vectors of an image. */
export function isVectorPointwise(convolution: DirectedConvolution): boolean {
  const { resultSize: [height, width] } = convolution;
  return isPointwise(convolution) && height * width % 4 === 0;
}

function problemOf(convolution: DirectedConvolution): GemmProblem {
  const { direction, batch, channels, sources, resultSize: [height, width], operands, float16 } = convolution;
  const n = height * width, { bias, output } = operands;
  return {
    m: channels,
    n,
    k: sources,
    a: direction === "forward" ? [sources, 1] : [1, channels],
    b: [n, 1],
    batch,
    packsA: true,
    float16,
    buffers: { a: 1, b: 0, c: output },
    bias: bias === undefined ? undefined : { buffer: bias, of: "row" },
    epilogue: {
      apply: (value, index, size) => epilogueWgsl(operands, value, index, size),
      bindings: (vector) => residualBinding(operands, vector),
    },
  };
}

/** A family of matrix products as one of pointwise convolutions. */
function pointwise(
  family: KernelFamily<GemmProblem>,
  supports: (convolution: DirectedConvolution) => boolean = isPointwise,
): KernelFamily<DirectedConvolution> {
  return {
    name: family.name,
    version: family.version,
    supports: (convolution, device) => supports(convolution) && family.supports(problemOf(convolution), device),
    configurations: (convolution, device) => family.configurations(problemOf(convolution), device),
    coverageOf: family.coverageOf,
    launchOf: family.launchOf &&
      ((convolution, configuration) => family.launchOf!(problemOf(convolution), configuration)),
    nameOf: (configuration, convolution) => family.nameOf!(configuration, problemOf(convolution)),
    emit: (convolution, configuration, device) => family.emit(problemOf(convolution), configuration, device),
  };
}

/** The families. */
export const POINTWISE_GEMMS: readonly KernelFamily<DirectedConvolution>[] = [
  pointwise(REGISTER_GEMM),
  pointwise(WORKGROUP_GEMM, isVectorPointwise),
  pointwise(SUBGROUP_MATRIX_GEMM),
];

/** The rules, which are those of the products. */
export const POINTWISE_RULES: readonly Rule<DirectedConvolution>[] = GEMM_RULES.map((rule) => {
  const { when, configuration } = rule;
  return {
    ...rule,
    when: (convolution, device) => isPointwise(convolution) && (when?.(problemOf(convolution), device) ?? true),
    configuration: (convolution, occupancy) =>
      typeof configuration === "function" ? configuration(problemOf(convolution), occupancy) : configuration ?? {},
  };
});
