/** The sum of two tensors: at the end of a residual block, and of the gradients of a value that several ops read. */

import {
  bytesMoved,
  elementCount,
  f32,
  formatSpec,
  isFloat,
  type Op,
  registerOp,
  sameShape,
  ShapeError,
  u32,
} from "../core/mod.ts";
import { elementwiseStages, vectorKernels } from "../kernels/mod.ts";

/** a + b. Inputs: `a` and `b`, floats of the same shape and type. Output: of that shape. The gradient passes to both. */
export const add: Op = registerOp({
  name: "add",
  attributes: {},
  float16Inputs: () => [0, 1],
  infer(inputs) {
    const [a, b] = inputs;
    if (inputs.length === 2 && isFloat(a) && a.dtype === b.dtype && sameShape(a.shape, b.shape)) return [a];
    throw new ShapeError(
      `add: expected two f32 tensors of the same shape but they are ${inputs.map(formatSpec).join(" and ")}`,
    );
  },
  gradient: (_graph, _node, [outputGradient]) => [outputGradient, outputGradient],
  reference: () => ([a, b, y]) => {
    for (let i = 0; i < y.length; i++) y[i] = a[i] + b[i];
  },
  cpu: (spec) => elementwiseStages("addElements", 3, elementCount(spec.outputs[0].shape)),
  webgpu: (spec) => vectorKernels(elementCount(spec.outputs[0].shape), ["a", "b", "y!"], "y[i] = a[i] + b[i];"),
  cost: (spec) => ({ flops: elementCount(spec.outputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    [[], [1], [7], [3, 5, 7], [2, 16, 9, 9], [5, 3347]].map((shape) => ({ inputs: [f32(shape), f32(shape)] })),
  badSamples: () => [
    { inputs: [f32([2, 3]), f32([3, 2])], message: "expected two f32 tensors of the same shape" },
    { inputs: [f32([2]), u32([2])], message: "expected two f32 tensors of the same shape" },
  ],
});
