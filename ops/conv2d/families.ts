/** The ways in which a convolution and its gradients run on WebGPU, and how they are bound to them. */

import { implement, type Implementation, isFloat16, type KernelFamily, type TensorSpec } from "../../core/mod.ts";
import { expectIterations } from "../../kernels/mod.ts";
import { directed, type DirectedConvolution, type Direction } from "./directed.ts";
import type { ConvolutionOperands } from "./epilogue.ts";
import type { ConvolutionProblem } from "./problem.ts";
import { CONVOLUTION_RULES, WEIGHT_GRADIENT_RULES } from "./rules.ts";
import { DEPTHWISE } from "./webgpu/depthwise.ts";
import { DIRECT } from "./webgpu/direct.ts";
import { IM2COL_GEMM } from "./webgpu/im2col_gemm.ts";
import { IMPLICIT_GEMM } from "./webgpu/implicit_gemm.ts";
import { NAIVE, naiveIterations } from "./webgpu/naive.ts";
import { POINTWISE_GEMMS } from "./webgpu/pointwise_gemm.ts";
import { NAIVE_WEIGHT, naiveLineIterations } from "./webgpu/weight_gradient.ts";
import { DEPTHWISE_WEIGHT } from "./webgpu/weight_gradient_depthwise.ts";
import { PER_TAP_GEMM } from "./webgpu/weight_gradient_gemm.ts";
import { IMPLICIT_WEIGHT_GEMM } from "./webgpu/weight_gradient_implicit_gemm.ts";
import { STAGED_WEIGHT } from "./webgpu/weight_gradient_staged.ts";
import { TILED_WEIGHT } from "./webgpu/weight_gradient_tiled.ts";
import { STAGED_DEPTHWISE } from "./webgpu/staged_depthwise.ts";
import { STAGED_DIRECT } from "./webgpu/staged_direct.ts";
import { WINOGRAD } from "./webgpu/winograd.ts";

/** Those of a convolution and of its input gradient. The first takes any shape. */
const CONVOLUTION_FAMILIES: readonly KernelFamily<DirectedConvolution>[] = [
  NAIVE,
  DEPTHWISE,
  STAGED_DEPTHWISE,
  DIRECT,
  STAGED_DIRECT,
  ...POINTWISE_GEMMS,
  IMPLICIT_GEMM,
  IM2COL_GEMM,
  WINOGRAD,
];

/** Those of a weight gradient. The first takes any shape. */
const WEIGHT_GRADIENT_FAMILIES: readonly KernelFamily<ConvolutionProblem>[] = [
  NAIVE_WEIGHT,
  TILED_WEIGHT,
  STAGED_WEIGHT,
  DEPTHWISE_WEIGHT,
  PER_TAP_GEMM,
  IMPLICIT_WEIGHT_GEMM,
];

/**
 * The kernels of a convolution or of its input gradient.
 *
 * @param inputs The op's inputs: source and weight are the first two.
 * @throws {DeviceError} If the plainest kernel would loop longer than every driver does.
 */
export function convolutionKernels(
  problem: ConvolutionProblem,
  direction: Direction,
  operands: ConvolutionOperands,
  inputs: readonly TensorSpec[],
): Implementation {
  const convolution = { ...directed(problem, direction, operands), float16: inputs.slice(0, 2).every(isFloat16) };
  expectIterations("conv2d", naiveIterations(convolution));
  return implement(convolution, CONVOLUTION_FAMILIES, CONVOLUTION_RULES);
}

/**
 * The kernels of a weight gradient.
 *
 * @throws {DeviceError} If the plainest kernel would loop longer than every driver does.
 */
export function weightGradientKernels(problem: ConvolutionProblem): Implementation {
  expectIterations("conv2dWeightGradient", naiveLineIterations(problem));
  return implement(problem, WEIGHT_GRADIENT_FAMILIES, WEIGHT_GRADIENT_RULES);
}
