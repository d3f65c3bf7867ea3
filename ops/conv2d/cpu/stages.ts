/** How a convolution and its gradients are computed on the CPU: by Winograd's filtering, directly, or as products. */

import type { CpuStages } from "../../../core/mod.ts";
import {
  columnsForward,
  columnsInputGradient,
  columnsWeightGradient,
  positionwiseInputGradient,
} from "./im2col_gemm.ts";
import {
  canSpreadGradient,
  depthwiseForward,
  depthwiseInputGradientKernel,
  depthwiseWeightGradientKernel,
} from "./depthwise.ts";
import {
  depthwise3x3Forward,
  depthwise3x3InputGradient,
  depthwise3x3WeightGradient,
  suitsDepthwise3x3,
  suitsDepthwise3x3InputGradient,
} from "./depthwise3x3.ts";
import { pointwiseWeightGradientKernel, suitsPointwise } from "./pointwise_weight_gradient.ts";
import { suitsWinograd, winogradForward, winogradInputGradient, winogradWeightGradientKernel } from "./winograd.ts";
import { type ConvolutionOperands, operandsOf } from "../epilogue.ts";
import { type ConvolutionProblem, isPositionwise } from "../problem.ts";

/** y = conv(x, w) (+ bias), and the epilogue. */
export function forwardKernel(g: ConvolutionProblem, operands: ConvolutionOperands): CpuStages {
  if (g.groupInputs === 1 && g.groups > 1 && operands.residual === undefined) {
    return suitsDepthwise3x3(g) ? depthwise3x3Forward(g, operands) : depthwiseForward(g, operands);
  }
  return suitsWinograd(g) ? winogradForward(g, operands) : columnsForward(g, operands);
}

/** The input's gradient. */
export function inputGradientKernel(g: ConvolutionProblem): CpuStages {
  if (g.groupInputs === 1 && g.groups > 1 && canSpreadGradient(g)) {
    return suitsDepthwise3x3InputGradient(g) ? depthwise3x3InputGradient(g) : depthwiseInputGradientKernel(g);
  }
  return suitsWinograd(g) ? winogradInputGradient(g, operandsOf(2)) : columnsInputGradient(g);
}

/**
 * The input's gradient, to which the kernel adds a residual; nothing where none can. `masks` says that the kernel also takes
 * in the operands' mask.
 */
export function fusedInputGradientKernel(
  g: ConvolutionProblem,
  operands: ConvolutionOperands,
): { readonly kernel: CpuStages; readonly masks: boolean } | undefined {
  if (suitsWinograd(g)) return { kernel: winogradInputGradient(g, operands), masks: true };
  return isPositionwise(g) && g.groupInputs > 1
    ? { kernel: positionwiseInputGradient(g, operands), masks: false }
    : undefined;
}

/** The weight's gradient. */
export function weightGradientKernel(g: ConvolutionProblem): CpuStages {
  if (g.groupInputs === 1 && g.groups > 1) {
    return suitsDepthwise3x3(g) ? depthwise3x3WeightGradient(g) : depthwiseWeightGradientKernel(g);
  }
  if (suitsPointwise(g)) return pointwiseWeightGradientKernel(g);
  return suitsWinograd(g) ? winogradWeightGradientKernel(g) : columnsWeightGradient(g);
}
