/**
 * The gradient of a convolution's input where it meets another, as at the start of a residual block: the sum, and maybe the
 * gradient of a ReLU, in the same kernel. The planner puts it in; it has no gradient.
 */

import {
  bytesMoved,
  type CpuArgument,
  type CpuStage,
  type CpuStages,
  elementCount,
  expectSpec,
  f32,
  type FusionRule,
  type Node,
  type Op,
  type OpSpec,
  registerOp,
} from "../../core/mod.ts";
import { elementwiseStages } from "../../kernels/mod.ts";
import { fusedInputGradientKernel, inputGradientKernel } from "./cpu/stages.ts";
import { type ConvolutionOperands, NO_EPILOGUE } from "./epilogue.ts";
import { CONVOLUTION_DEFAULTS, convolutionFlops } from "./problem.ts";
import { expectGradient, type InputGradientAttributes, inputGradientGeometry } from "./gradients.ts";
import { inputGradientPlane } from "./reference.ts";
import { CONVOLUTION_CASES, convolutionCaseSpecs } from "./samples.ts";
import { convolutionKernels } from "./families.ts";

/** The attributes of {@link conv2dInputGradientFused}. */
export type FusedInputGradientAttributes = InputGradientAttributes & {
  /** Whether the gradient then passes a ReLU, whose output is the last input. */
  readonly relu: boolean;
};

const NAME = "conv2dInputGradientFused";

/** The indices of the buffers: dy and weight are the first two. */
function operandsOf({ relu }: FusedInputGradientAttributes): ConvolutionOperands {
  return { residual: 2, ...(relu ? { mask: 3 } : {}), output: relu ? 4 : 3, epilogue: NO_EPILOGUE };
}

function kernelOf({ inputs, attributes }: OpSpec<FusedInputGradientAttributes>): CpuStages {
  const g = inputGradientGeometry({ inputs, attributes }), operands = operandsOf(attributes);
  const { residual, mask, output } = operands, count = elementCount(inputs[2].shape);
  const fused = fusedInputGradientKernel(g, operands),
    kernel = fused?.kernel ?? withOutput(inputGradientKernel(g), output);
  const stages = [...kernel.stages];
  if (fused === undefined) stages.push(...elementwiseStages("addElements", [output, residual!, output], count).stages);
  if (mask !== undefined && !fused?.masks) {
    const limits = [{ float: Infinity }];
    stages.push(...elementwiseStages("clampElementsGradient", [output, mask, output], count, limits).stages);
  }
  return { ...kernel, stages };
}

/** A kernel of two inputs and an output, the third buffer, for an op whose output is another one. */
function withOutput(kernel: CpuStages, output: number): CpuStages {
  const moved = (argument: CpuArgument): CpuArgument =>
    typeof argument === "object" && "buffer" in argument && argument.buffer === 2
      ? { ...argument, buffer: output }
      : argument;
  return {
    ...kernel,
    stages: kernel.stages.map((stage): CpuStage => {
      if ("arguments" in stage) return { ...stage, arguments: stage.arguments.map(moved) };
      return { ...stage, run: (buffers, ...rest) => stage.run([buffers[0], buffers[1], buffers[output]], ...rest) };
    }),
  };
}

/** `conv2dInputGradient → add`, which `reluGradient` may follow where two gradients meet behind a ReLU. */
const fusions: FusionRule[] = [{
  last: "add",
  match(add, view) {
    for (const [branch, other] of [add.arguments, [...add.arguments].reverse()]) {
      const node = view.usedOnce(branch) ? view.producer(branch) : undefined;
      if (node?.op.name !== "conv2dInputGradient" || branch === other) continue;
      const replaced = [node];
      return { replaced, arguments: [...node.arguments, other], results: add.results, attributes: node.attributes };
    }
    return undefined;
  },
}, {
  last: "reluGradient",
  match({ arguments: [dy, y], results }, view) {
    const node: Node | undefined = view.usedOnce(dy) ? view.producer(dy) : undefined;
    if (node?.op.name !== NAME || node.attributes.relu) return undefined;
    const attributes = { ...node.attributes, relu: true };
    return { replaced: [node], arguments: [...node.arguments, y], results, attributes };
  },
}];

/**
 * {@link conv2dInputGradient}, another gradient added, and then maybe the gradient of a ReLU. Inputs: `outputGradient`
 * [N, O, OH, OW], `weight` [O, C/groups, KH, KW], `residual` [N, C, H, W], and, if the attribute says so, `output`
 * [N, C, H, W] of the ReLU. Output: [N, C, H, W].
 */
export const conv2dInputGradientFused: Op<FusedInputGradientAttributes> = registerOp<FusedInputGradientAttributes>({
  name: NAME,
  attributes: { ...CONVOLUTION_DEFAULTS, inputSize: [1, 1], relu: false },
  float16Inputs: (_inputs, { relu }) => relu ? [0, 1, 2, 3] : [0, 1, 2],
  infer(inputs, attributes) {
    const g = inputGradientGeometry({ inputs, attributes }, NAME);
    expectGradient(NAME, inputs[0], g);
    const input = { ...inputs[0], shape: [g.batch, g.groups * g.groupInputs, g.height, g.width] };
    expectSpec(NAME, "residual", inputs[2], input.shape, input.dtype);
    if (attributes.relu) expectSpec(NAME, "output", inputs[3], input.shape, input.dtype);
    return [input];
  },
  reference(spec) {
    const g = inputGradientGeometry(spec), planes = g.batch * g.groups * g.groupInputs;
    const { residual, mask, output } = operandsOf(spec.attributes);
    return (buffers) => {
      const dx = buffers[output];
      for (let plane = 0; plane < planes; plane++) inputGradientPlane(g, buffers[0], buffers[1], dx, plane);
      for (let i = 0; i < dx.length; i++) {
        dx[i] = mask === undefined || buffers[mask][i] > 0 ? dx[i] + buffers[residual!][i] : 0;
      }
    };
  },
  cpu: kernelOf,
  webgpu: (spec) =>
    convolutionKernels(inputGradientGeometry(spec), "inputGradient", operandsOf(spec.attributes), spec.inputs),
  cost: (spec) => ({
    flops: convolutionFlops(inputGradientGeometry(spec)) +
      (spec.attributes.relu ? 2 : 1) * elementCount(spec.outputs[0].shape),
    bytes: bytesMoved(spec),
  }),
  samples: () =>
    // The other shapes are conv2dInputGradient's to check: the epilogue is the same, and shaders take long to compile.
    [...CONVOLUTION_CASES.slice(0, 9), CONVOLUTION_CASES[2], CONVOLUTION_CASES[6]].map((sample, index) => {
      const { input, weight, output, attributes } = convolutionCaseSpecs(sample), relu = index % 2 === 1 || index > 8;
      return {
        inputs: [output, weight, input, ...(relu ? [input] : [])],
        attributes: { ...attributes, inputSize: input.shape.slice(2), relu },
      };
    }),
  badSamples: () => [
    {
      inputs: [f32([1, 4, 6, 6]), f32([4, 3, 3, 3]), f32([1, 3, 8, 7])],
      attributes: { inputSize: [8, 8] },
      message: "expected residual to be f32 [1, 3, 8, 8]",
    },
    {
      inputs: [f32([1, 4, 6, 6]), f32([4, 3, 3, 3]), f32([1, 3, 8, 8])],
      attributes: { inputSize: [8, 8], relu: true },
      message: "expected output to be f32 [1, 3, 8, 8] but it is missing",
    },
  ],
  fusions,
});
