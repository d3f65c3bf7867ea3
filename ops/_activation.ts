/** Shared parts of the activations: y = clamp(x, 0, ceiling), and a gradient that needs only y. */

import {
  bytesMoved,
  elementCount,
  f16,
  f32,
  float,
  isFloat,
  type NumericArray,
  type Op,
  registerOp,
  reluWgsl,
  sameShape,
  ShapeError,
  type TensorSpec,
} from "../core/mod.ts";
import { elementwiseStages, vectorKernels } from "../kernels/mod.ts";

const SAMPLE_SHAPES = [[1], [7], [2, 3, 5, 5], [1, 4, 1, 1], [2, 8, 16, 16], [5, 3347]];

function expectFloat(op: string, argument: string, spec: TensorSpec | undefined): TensorSpec {
  if (spec !== undefined && isFloat(spec)) return spec;
  throw new ShapeError(`${op}: expected ${argument} to be f32 of any shape but it is ${spec?.dtype ?? "missing"}`);
}

/**
 * Registers an activation of one float tensor of any shape, and its gradient.
 *
 * @param name The name; the gradient is `${name}Gradient`.
 * @param ceiling The largest value of the output.
 */
export function registerActivation(name: string, ceiling: number): { activation: Op; gradient: Op } {
  const bounded = Number.isFinite(ceiling);
  const forward = (x: NumericArray, y: NumericArray) => {
    for (let i = 0; i < y.length; i++) y[i] = x[i] > 0 ? (x[i] < ceiling ? x[i] : ceiling) : x[i] !== x[i] ? x[i] : 0;
  };
  const backward = (dy: NumericArray, y: NumericArray, dx: NumericArray) => {
    for (let i = 0; i < dx.length; i++) dx[i] = y[i] > 0 && y[i] < ceiling ? dy[i] : 0;
  };

  const gradient: Op = registerOp({
    name: `${name}Gradient`,
    attributes: {},
    float16Inputs: () => [0, 1],
    infer([outputGradient, output]) {
      expectFloat(`${name}Gradient`, "outputGradient", outputGradient);
      expectFloat(`${name}Gradient`, "output", output);
      if (!sameShape(outputGradient.shape, output.shape) || outputGradient.dtype !== output.dtype) {
        throw new ShapeError(`${name}Gradient: expected outputGradient and output to have the same shape and type`);
      }
      return [outputGradient];
    },
    reference: () => ([dy, y, dx]) => backward(dy, y, dx),
    cpu: (spec) =>
      elementwiseStages("clampElementsGradient", 3, elementCount(spec.outputs[0].shape), [{ float: ceiling }]),
    webgpu(spec) {
      const below = `(y[i] > vec4<f32>()) & (y[i] < vec4<f32>(${float(ceiling)}))`;
      const open = bounded ? below : "y[i] > vec4<f32>()";
      const body = `dx[i] = select(vec4<f32>(), dy[i], ${open});`;
      return vectorKernels(elementCount(spec.outputs[0].shape), ["dy", "y", "dx!"], body);
    },
    cost: (spec) => ({ flops: elementCount(spec.outputs[0].shape), bytes: bytesMoved(spec) }),
    samples: () =>
      SAMPLE_SHAPES.map((shape) => ({
        inputs: [f32(shape), f32(shape)],
        fill: ([, y], random) => y.forEach((_, i) => y[i] = Math.min(Math.max(4 * random.normal(), 0), ceiling)),
      })),
    badSamples: () => [
      { inputs: [f32([2, 3]), f32([3, 2])], message: "same shape" },
      { inputs: [f32([2]), f16([2])], message: "same shape and type" },
    ],
  });

  const activation: Op = registerOp({
    name,
    attributes: {},
    float16Inputs: () => [0],
    infer([input]) {
      return [expectFloat(name, "input", input)];
    },
    gradient: (graph, node, [outputGradient]) => gradient.apply(graph, [outputGradient!, node.results[0]]),
    reference: () => ([x, y]) => forward(x, y),
    cpu: (spec) => elementwiseStages("clampElements", 2, elementCount(spec.outputs[0].shape), [{ float: ceiling }]),
    webgpu(spec) {
      const body = `y[i] = ${reluWgsl("x[i]", 4, ceiling)};`;
      return vectorKernels(elementCount(spec.outputs[0].shape), ["x", "y!"], body);
    },
    cost: (spec) => ({ flops: elementCount(spec.outputs[0].shape), bytes: bytesMoved(spec) }),
    samples: () =>
      SAMPLE_SHAPES.map((shape) => ({
        inputs: [f32(shape)],
        fill: ([x], random) => x.forEach((_, i) => x[i] = 4 * random.normal()),
      })),
    badSamples: () => [{ inputs: [{ shape: [3], dtype: "u32" }], message: "expected input to be f32" }],
  });
  return { activation, gradient };
}
