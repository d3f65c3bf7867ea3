/** Convolutions with an epilogue in one kernel. The planner puts them in; they have no gradients. */

import { bytesMoved, elementCount, expectSpec, f32, type Op, registerOp } from "../../core/mod.ts";
import type { DepthwiseAttributes } from "./conv2d.ts";
import { forwardKernel } from "./cpu/stages.ts";
import {
  applyEpilogue,
  type ConvolutionOperands,
  type EpilogueAttributes,
  expectActivation,
  NO_EPILOGUE,
  operandsOf,
} from "./epilogue.ts";
import { fusionsOf } from "./fusions.ts";
import {
  CONVOLUTION_DEFAULTS,
  type ConvolutionAttributes,
  convolutionFlops,
  type ConvolutionProblem,
  expectBias,
  problemOf,
} from "./problem.ts";
import { outputPlane } from "./reference.ts";
import { CONVOLUTION_CASES, convolutionCaseSpecs } from "./samples.ts";
import { convolutionKernels } from "./families.ts";

/** The attributes of {@link conv2dFused}. */
export type FusedConvolutionAttributes = ConvolutionAttributes & EpilogueAttributes;

/** The attributes of {@link depthwiseConv2dFused}. */
export type FusedDepthwiseAttributes = DepthwiseAttributes & Pick<EpilogueAttributes, "activation">;

type Spec<A extends FusedDepthwiseAttributes> = Parameters<Op<A>["cost"]>[0];

/** What both have in common, given how each finds the whole set of attributes. */
function fusedRules<A extends FusedDepthwiseAttributes>(
  name: string,
  complete: (spec: Pick<Spec<A>, "inputs" | "attributes">) => FusedConvolutionAttributes,
) {
  const resolve = (
    spec: Pick<Spec<A>, "inputs" | "attributes">,
  ): { g: ConvolutionProblem; operands: ConvolutionOperands } => {
    const attributes = complete(spec);
    return {
      g: problemOf(name, { inputs: spec.inputs, attributes }),
      operands: operandsOf(spec.inputs.length, attributes),
    };
  };
  return {
    name,
    float16Inputs: (inputs: number, attributes: A) => {
      const { residual } = { ...NO_EPILOGUE, ...attributes };
      return [0, 1, ...(residual ? [inputs - 1] : [])];
    },
    infer(inputs: Spec<A>["inputs"], attributes: A) {
      const { g, operands: { epilogue } } = resolve({ inputs, attributes });
      const output = { ...inputs[0], shape: [g.batch, g.groups * g.groupOutputs, g.outputHeight, g.outputWidth] };
      expectActivation(name, epilogue.activation);
      expectBias(name, epilogue.residual ? inputs.slice(0, -1) : inputs, g.groups * g.groupOutputs);
      if (epilogue.residual) expectSpec(name, "residual", inputs.slice(2).at(-1), output.shape, output.dtype);
      return [output];
    },
    reference(spec: Spec<A>) {
      const { g, operands } = resolve(spec), { bias, residual, output, epilogue } = operands;
      return (buffers: Parameters<ReturnType<Op["reference"]>>[0]) => {
        const y = buffers[output], other = residual === undefined ? undefined : buffers[residual];
        for (let plane = 0; plane < g.batch * g.groups * g.groupOutputs; plane++) {
          outputPlane(g, buffers[0], buffers[1], bias === undefined ? undefined : buffers[bias], y, plane);
        }
        for (let i = 0; i < y.length; i++) y[i] = applyEpilogue(epilogue, y[i], other?.[i] ?? 0);
      };
    },
    cpu(spec: Spec<A>) {
      const { g, operands } = resolve(spec);
      return forwardKernel(g, operands);
    },
    webgpu(spec: Spec<A>) {
      const { g, operands } = resolve(spec);
      return convolutionKernels(g, "forward", operands, spec.inputs);
    },
    cost(spec: Spec<A>) {
      const { g, operands } = resolve(spec), outputs = elementCount(spec.outputs[0].shape);
      return {
        flops: convolutionFlops(g) + (operands.residual === undefined ? 1 : 2) * outputs,
        bytes: bytesMoved(spec),
      };
    },
  };
}

const ACTIVATIONS = ["relu", "relu6", "none"] as const;

/**
 * {@link conv2d}, then a residual added and an activation, in one kernel. Inputs: `input` [N, C, H, W], `weight`
 * [O, C/groups, KH, KW], maybe `bias` [O], and `residual` [N, O, OH, OW] if the attribute says so. Output: [N, O, OH, OW].
 */
export const conv2dFused: Op<FusedConvolutionAttributes> = registerOp<FusedConvolutionAttributes>({
  ...fusedRules<FusedConvolutionAttributes>("conv2dFused", ({ attributes }) => attributes),
  attributes: { ...CONVOLUTION_DEFAULTS, ...NO_EPILOGUE },
  samples: () =>
    // Large kernels are conv2d's to check: their shaders take long to compile, and the epilogue is the same.
    CONVOLUTION_CASES.filter(({ weight }) => weight[2] * weight[3] < 16).map((sample, index) => {
      const { input, weight, output, attributes } = convolutionCaseSpecs(sample);
      const residual = index % 2 === 0, bias = index % 4 < 2 ? [f32([weight.shape[0]])] : [];
      return {
        inputs: [input, weight, ...bias, ...(residual ? [output] : [])],
        attributes: { ...attributes, residual, activation: ACTIVATIONS[(index + 1) % 3] },
      };
    }),
  badSamples: () => [
    {
      inputs: [f32([1, 3, 8, 8]), f32([4, 3, 1, 1]), f32([1, 4, 8, 7])],
      attributes: { residual: true },
      message: "expected residual to be f32 [1, 4, 8, 8]",
    },
    {
      inputs: [f32([1, 3, 8, 8]), f32([4, 3, 1, 1])],
      attributes: { residual: true },
      message: "expected residual to be f32 [1, 4, 8, 8] but it is missing",
    },
    {
      inputs: [f32([1, 3, 8, 8]), f32([4, 3, 1, 1]), f32([3]), f32([1, 4, 8, 8])],
      attributes: { residual: true },
      message: "expected bias to be f32 [4]",
    },
    {
      inputs: [f32([1, 3, 8, 8]), f32([4, 3, 1, 1])],
      attributes: { activation: "swish" as "none" },
      message: "expected activation to be one of none, relu, relu6",
    },
  ],
  fusions: fusionsOf("conv2d", "conv2dFused", true),
});

/**
 * {@link depthwiseConv2d}, then an activation, in one kernel. Inputs: `input` [N, C, H, W], `weight` [C·m, 1, KH, KW], and
 * maybe `bias` [C·m]. Output: [N, C·m, OH, OW].
 */
export const depthwiseConv2dFused: Op<FusedDepthwiseAttributes> = registerOp<FusedDepthwiseAttributes>({
  ...fusedRules<FusedDepthwiseAttributes>("depthwiseConv2dFused", ({ inputs, attributes }) => ({
    ...NO_EPILOGUE,
    ...attributes,
    groups: inputs[0]?.shape[1] ?? 1,
  })),
  attributes: { stride: [1, 1], padding: [0, 0], dilation: [1, 1], activation: "none" },
  samples: () =>
    [
      { input: [1, 2, 1, 1], weight: [2, 1, 1, 1], bias: true, attributes: {} },
      { input: [2, 5, 7, 7], weight: [5, 1, 3, 3], bias: true, attributes: { padding: [1, 1] } },
      { input: [1, 5, 1, 3], weight: [5, 1, 3, 3], bias: true, attributes: { padding: [1, 1] } },
      { input: [2, 4, 9, 6], weight: [4, 1, 3, 3], bias: true, attributes: { padding: [1, 1] } },
      { input: [1, 6, 9, 8], weight: [6, 1, 3, 3], bias: false, attributes: { padding: [1, 1], stride: [2, 2] } },
      { input: [2, 3, 6, 6], weight: [6, 1, 5, 5], bias: true, attributes: { padding: [2, 2] } },
      { input: [1, 8, 13, 10], weight: [8, 1, 3, 3], bias: true, attributes: { dilation: [1, 2] } },
    ].map(({ input, weight, bias, attributes }, index) => ({
      inputs: [f32(input), f32(weight), ...(bias ? [f32([weight[0]])] : [])],
      attributes: { ...attributes, activation: ACTIVATIONS[index % 3] },
    })),
  badSamples: () => [
    { inputs: [f32([1, 4, 8, 8]), f32([4, 2, 3, 3])], message: "expected weight to have 1 input channels a group" },
    {
      inputs: [f32([1, 4, 8, 8]), f32([4, 1, 3, 3])],
      attributes: { activation: "tanh" as "none" },
      message: "expected activation to be one of none, relu, relu6",
    },
  ],
  fusions: fusionsOf("depthwiseConv2d", "depthwiseConv2dFused", false),
});
