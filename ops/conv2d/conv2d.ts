/** Two-dimensional convolution (cross-correlation, as in every framework) of any kernel, stride, padding, dilation, groups. */

import {
  bytesMoved,
  f32,
  type Graph,
  type Node,
  type Op,
  type OpSpec,
  registerOp,
  type Value,
} from "../../core/mod.ts";
import { channelSum } from "../channel_sum.ts";
import { forwardKernel } from "./cpu/stages.ts";
import { operandsOf } from "./epilogue.ts";
import {
  CONVOLUTION_DEFAULTS,
  type ConvolutionAttributes,
  convolutionFlops,
  expectBias,
  problemOf,
} from "./problem.ts";
import { conv2dInputGradient, conv2dWeightGradient } from "./gradients.ts";
import { outputPlane } from "./reference.ts";
import { CONVOLUTION_CASES, convolutionCaseSpecs } from "./samples.ts";
import { convolutionKernels } from "./families.ts";

/** The attributes of {@link depthwiseConv2d}: its groups are the input's channels. */
export type DepthwiseAttributes = Omit<ConvolutionAttributes, "groups">;

/**
 * The gradient rule: the input's gradient is the transposed convolution of the output's, the weight's is the convolution
 * of the input by it, and the bias' is its sum over images and positions.
 */
function convolutionGradient(
  graph: Graph,
  node: Pick<Node, "arguments">,
  attributes: ConvolutionAttributes,
  outputGradient: Value,
): Value[] {
  const [input, weight, bias] = node.arguments;
  const inputSize = input.spec.shape.slice(2), kernelSize = weight.spec.shape.slice(2);
  return [
    ...conv2dInputGradient.apply(graph, [outputGradient, weight], { ...attributes, inputSize }),
    ...conv2dWeightGradient.apply(graph, [input, outputGradient], { ...attributes, kernelSize }),
    ...(bias === undefined ? [] : channelSum.apply(graph, [outputGradient])),
  ];
}

/** What conv2d and depthwiseConv2d have in common, given how each finds its whole set of attributes. */
function convolutionRules<A extends DepthwiseAttributes>(
  op: string,
  complete: (spec: Pick<OpSpec<A>, "inputs" | "attributes">) => ConvolutionAttributes,
) {
  const geometry = (spec: Pick<OpSpec<A>, "inputs" | "attributes">) =>
    problemOf(op, { inputs: spec.inputs, attributes: complete(spec) });
  return {
    float16Inputs: () => [0, 1],
    castsToFloat16: true,
    infer(inputs: OpSpec["inputs"], attributes: A) {
      const g = geometry({ inputs, attributes });
      expectBias(op, inputs, g.groups * g.groupOutputs);
      return [{ ...inputs[0], shape: [g.batch, g.groups * g.groupOutputs, g.outputHeight, g.outputWidth] }];
    },
    gradient: (graph: Graph, node: Node<A>, [outputGradient]: readonly (Value | undefined)[]) =>
      convolutionGradient(graph, node, complete(node), outputGradient!),
    reference(spec: OpSpec<A>) {
      const g = geometry(spec), planes = g.batch * g.groups * g.groupOutputs, biased = spec.inputs.length > 2;
      return (buffers: Parameters<ReturnType<Op["reference"]>>[0]) => {
        const [x, w, bias] = buffers, y = buffers[buffers.length - 1];
        for (let plane = 0; plane < planes; plane++) outputPlane(g, x, w, biased ? bias : undefined, y, plane);
      };
    },
    cpu: (spec: OpSpec<A>) => forwardKernel(geometry(spec), operandsOf(spec.inputs.length)),
    webgpu: (spec: OpSpec<A>) =>
      convolutionKernels(geometry(spec), "forward", operandsOf(spec.inputs.length), spec.inputs),
    cost: (spec: OpSpec<A>) => ({ flops: convolutionFlops(geometry(spec)), bytes: bytesMoved(spec) }),
  };
}

/**
 * Convolution. Inputs: `input` [N, C, H, W], `weight` [O, C/groups, KH, KW], and maybe `bias` [O], f32.
 * Output: [N, O, OH, OW] with OH = floor((H + top + bottom - dilation·(KH - 1) - 1) / stride) + 1, as `torch.nn.Conv2d`,
 * whose padding is the same on both sides; `samePadding` gives TensorFlow's.
 */
export const conv2d: Op<ConvolutionAttributes> = registerOp({
  name: "conv2d",
  attributes: CONVOLUTION_DEFAULTS,
  ...convolutionRules<ConvolutionAttributes>("conv2d", ({ attributes }) => attributes),
  samples: () =>
    CONVOLUTION_CASES.map((sample, index) => {
      const { input, weight, attributes } = convolutionCaseSpecs(sample);
      return { inputs: [input, weight, ...(index % 3 === 2 ? [f32([weight.shape[0]])] : [])], attributes };
    }),
  badSamples: () => [
    { inputs: [f32([1, 3, 8, 8]), f32([4, 2, 3, 3])], message: "expected weight to have 3 input channels a group" },
    { inputs: [f32([1, 4, 8, 8]), f32([4, 2, 3, 3])], attributes: { groups: 3 }, message: "expected groups to divide" },
    {
      inputs: [f32([1, 3, 9, 2]), f32([4, 3, 3, 3])],
      attributes: { padding: [0, 1, 0, 1], dilation: [1, 2] },
      message:
        "expected the input's width to be at least 5 with its padding, for a window of 3 with dilation 2, but it " +
        "is 4 (2 and a padding of 1 and 1)",
    },
    { inputs: [f32([1, 3, 8, 8]), f32([4, 3, 3, 3])], attributes: { padding: [1, -1] }, message: "expected padding" },
    { inputs: [f32([3, 8, 8]), f32([4, 3, 3, 3])], message: "expected input to be f32 [N, C, H, W]" },
    { inputs: [f32([1, 3, 8, 8]), f32([4, 3, 3, 3])], attributes: { stride: [0, 1] }, message: "stride" },
    { inputs: [f32([1, 3, 8, 8]), f32([4, 3, 3, 3]), f32([3])], message: "expected bias to be f32 [4]" },
  ],
});

/**
 * Depthwise convolution: each input channel by kernels of its own. Inputs: `input` [N, C, H, W], `weight` [C·m, 1, KH, KW],
 * and maybe `bias` [C·m]. Output: [N, C·m, OH, OW], as `torch.nn.Conv2d(groups=C)` (Sandler et al. 2018, section 3.1).
 */
export const depthwiseConv2d: Op<DepthwiseAttributes> = registerOp({
  name: "depthwiseConv2d",
  attributes: { stride: [1, 1], padding: [0, 0], dilation: [1, 1] },
  ...convolutionRules<DepthwiseAttributes>("depthwiseConv2d", ({ inputs, attributes }) => ({
    ...attributes,
    groups: inputs[0]?.shape[1] ?? 1,
  })),
  samples: () => [
    { inputs: [f32([1, 1, 1, 1]), f32([1, 1, 1, 1])] },
    { inputs: [f32([2, 5, 7, 7]), f32([5, 1, 3, 3])], attributes: { padding: [1, 1] } },
    { inputs: [f32([1, 6, 9, 8]), f32([6, 1, 3, 3]), f32([6])], attributes: { padding: [1, 1], stride: [2, 2] } },
    { inputs: [f32([2, 3, 6, 6]), f32([6, 1, 5, 5])], attributes: { padding: [2, 2] } },
    { inputs: [f32([1, 5, 8, 10]), f32([5, 1, 3, 3])], attributes: { padding: [1, 1, 2, 0] } },
  ],
  badSamples: () => [
    { inputs: [f32([1, 4, 8, 8]), f32([4, 2, 3, 3])], message: "expected weight to have 1 input channels a group" },
  ],
});
