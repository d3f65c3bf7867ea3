/** Convolutions and their input gradients that tests of kernels share. */

import { directed, type DirectedConvolution, type Direction } from "../ops/conv2d/directed.ts";
import { operandsOf } from "../ops/conv2d/epilogue.ts";
import { CONVOLUTION_DEFAULTS, type ConvolutionAttributes, convolutionProblem } from "../ops/conv2d/problem.ts";
import { CONVOLUTION_CASES, convolutionCaseSpecs } from "../ops/conv2d/samples.ts";

/** Both ways. */
export const DIRECTIONS: readonly Direction[] = ["forward", "inputGradient"];

/** A convolution without a bias, or its input gradient. */
export function convolution(
  input: readonly number[],
  weight: readonly number[],
  attributes: Partial<ConvolutionAttributes> = {},
  direction: Direction = "forward",
): DirectedConvolution {
  const problem = convolutionProblem("conv2d", input, weight, { ...CONVOLUTION_DEFAULTS, ...attributes });
  return directed(problem, direction, operandsOf(2));
}

/** The cases by which convolutions are checked, both ways. */
export const DIRECTED_CASES: readonly DirectedConvolution[] = CONVOLUTION_CASES.flatMap((sample) => {
  const { attributes } = convolutionCaseSpecs(sample);
  return DIRECTIONS.map((direction) => convolution(sample.input, sample.weight, attributes, direction));
});
