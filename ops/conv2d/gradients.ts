/** The gradients of a convolution as ops of their own. They serve conv2d and depthwiseConv2d alike. */

import {
  bytesMoved,
  expectSpec,
  f32,
  type Op,
  type OpSpec,
  registerOp,
  ShapeError,
  type TensorSpec,
} from "../../core/mod.ts";
import { expectPair } from "../_window.ts";
import { inputGradientKernel, weightGradientKernel } from "./cpu/stages.ts";
import { operandsOf } from "./epilogue.ts";
import {
  CONVOLUTION_DEFAULTS,
  type ConvolutionAttributes,
  convolutionFlops,
  type ConvolutionProblem,
  convolutionProblem,
} from "./problem.ts";
import { inputGradientPlane, weightGradientPlane } from "./reference.ts";
import { CONVOLUTION_CASES, convolutionCaseSpecs } from "./samples.ts";
import { convolutionKernels, weightGradientKernels } from "./families.ts";

/** The attributes of {@link conv2dInputGradient}: the convolution's, and the input's height and width. */
export type InputGradientAttributes = ConvolutionAttributes & { readonly inputSize: readonly number[] };

/** The attributes of {@link conv2dWeightGradient}: the convolution's, and the kernel's height and width. */
export type WeightGradientAttributes = ConvolutionAttributes & { readonly kernelSize: readonly number[] };

/** Checks that a gradient has the shape of a convolution's output. */
export function expectGradient(op: string, spec: TensorSpec, g: ConvolutionProblem): void {
  expectSpec(op, "outputGradient", spec, [g.batch, g.groups * g.groupOutputs, g.outputHeight, g.outputWidth], "float");
}

/** The convolution of which an op computes the input's gradient. */
export function inputGradientGeometry(
  { inputs: [dy, weight], attributes }: Pick<OpSpec<InputGradientAttributes>, "inputs" | "attributes">,
  op = "conv2dInputGradient",
): ConvolutionProblem {
  expectSpec(op, "outputGradient", dy, ["N", "O", "OH", "OW"], "float");
  expectSpec(op, "weight", weight, ["O", "C/groups", "KH", "KW"], dy.dtype);
  expectPair(op, "inputSize", attributes.inputSize, 1);
  const input = [dy.shape[0], weight.shape[1] * attributes.groups, ...attributes.inputSize];
  return convolutionProblem(op, input, weight.shape, attributes);
}

function weightGradientGeometry(
  { inputs: [x, dy], attributes }: Pick<OpSpec<WeightGradientAttributes>, "inputs" | "attributes">,
): ConvolutionProblem {
  const op = "conv2dWeightGradient";
  expectSpec(op, "input", x, ["N", "C", "H", "W"], "float");
  expectSpec(op, "outputGradient", dy, ["N", "O", "OH", "OW"], x.dtype);
  expectPair(op, "kernelSize", attributes.kernelSize, 1);
  if (x.shape[1] % attributes.groups !== 0) {
    throw new ShapeError(
      `${op}: expected groups to divide ${x.shape[1]} input channels but it is ${attributes.groups}`,
    );
  }
  const weight = [dy.shape[1], x.shape[1] / attributes.groups, ...attributes.kernelSize];
  return convolutionProblem(op, x.shape, weight, attributes);
}

/**
 * The gradient of a convolution's input (its transposed convolution).
 * Inputs: `outputGradient` [N, O, OH, OW], `weight` [O, C/groups, KH, KW]. Output: [N, C, H, W].
 */
export const conv2dInputGradient: Op<InputGradientAttributes> = registerOp({
  name: "conv2dInputGradient",
  attributes: { ...CONVOLUTION_DEFAULTS, inputSize: [1, 1] },
  float16Inputs: () => [0, 1],
  castsToFloat16: true,
  infer(inputs, attributes) {
    const g = inputGradientGeometry({ inputs, attributes });
    expectGradient("conv2dInputGradient", inputs[0], g);
    return [{ ...inputs[0], shape: [g.batch, g.groups * g.groupInputs, g.height, g.width] }];
  },
  reference(spec) {
    const g = inputGradientGeometry(spec), planes = g.batch * g.groups * g.groupInputs;
    return ([dy, w, dx]) => {
      for (let plane = 0; plane < planes; plane++) inputGradientPlane(g, dy, w, dx, plane);
    };
  },
  cpu: (spec) => inputGradientKernel(inputGradientGeometry(spec)),
  webgpu: (spec) => convolutionKernels(inputGradientGeometry(spec), "inputGradient", operandsOf(2), spec.inputs),
  cost: (spec) => ({ flops: convolutionFlops(inputGradientGeometry(spec)), bytes: bytesMoved(spec) }),
  samples: () =>
    CONVOLUTION_CASES.map((sample) => {
      const { input, weight, output, attributes } = convolutionCaseSpecs(sample);
      return { inputs: [output, weight], attributes: { ...attributes, inputSize: input.shape.slice(2) } };
    }),
  badSamples: () => [{
    inputs: [f32([1, 2, 5, 5]), f32([2, 3, 3, 3])],
    attributes: { inputSize: [8, 8] },
    message: "expected outputGradient to be f32 [1, 2, 6, 6]",
  }],
});

/**
 * The gradient of a convolution's weight.
 * Inputs: `input` [N, C, H, W], `outputGradient` [N, O, OH, OW]. Output: [O, C/groups, KH, KW], f32.
 */
export const conv2dWeightGradient: Op<WeightGradientAttributes> = registerOp({
  name: "conv2dWeightGradient",
  attributes: { ...CONVOLUTION_DEFAULTS, kernelSize: [1, 1] },
  float16Inputs: () => [0, 1],
  castsToFloat16: true,
  infer(inputs, attributes) {
    const g = weightGradientGeometry({ inputs, attributes });
    expectGradient("conv2dWeightGradient", inputs[1], g);
    return [f32([g.groups * g.groupOutputs, g.groupInputs, g.kernelHeight, g.kernelWidth])];
  },
  reference(spec) {
    const g = weightGradientGeometry(spec), planes = g.groups * g.groupOutputs * g.groupInputs;
    return ([x, dy, dw]) => {
      for (let plane = 0; plane < planes; plane++) weightGradientPlane(g, x, dy, dw, plane);
    };
  },
  cpu: (spec) => weightGradientKernel(weightGradientGeometry(spec)),
  webgpu: (spec) => weightGradientKernels(weightGradientGeometry(spec)),
  cost: (spec) => ({ flops: convolutionFlops(weightGradientGeometry(spec)), bytes: bytesMoved(spec) }),
  samples: () =>
    CONVOLUTION_CASES.map((sample) => {
      const { input, weight, output, attributes } = convolutionCaseSpecs(sample);
      return { inputs: [input, output], attributes: { ...attributes, kernelSize: weight.shape.slice(2) } };
    }),
  badSamples: () => [{
    inputs: [f32([1, 3, 8, 8]), f32([1, 2, 5, 5])],
    attributes: { kernelSize: [3, 3] },
    message: "expected outputGradient to be f32 [1, 2, 6, 6]",
  }],
});
