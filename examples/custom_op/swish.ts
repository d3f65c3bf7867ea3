/** A user's own op: swish, y = x · sigmoid(x) (Ramachandran et al. 2017), with its gradient, on both backends. */

import { bytesMoved, elementCount, elementKernel, oneWay, type Op, registerOp } from "../../core/mod.ts";
import { f32, ShapeError } from "../../mod.ts";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const WGSL_SIGMOID = "fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(-x)); }";

export const swishGradient: Op = registerOp({
  name: "swishGradient",
  attributes: {},
  infer([outputGradient, input]) {
    if (outputGradient.shape.join() === input.shape.join()) return [input];
    throw new ShapeError("swishGradient: expected outputGradient and input to have the same shape");
  },
  reference: () => ([dy, x, dx]) => {
    for (let i = 0; i < x.length; i++) dx[i] = dy[i] * sigmoid(x[i]) * (1 + x[i] * (1 - sigmoid(x[i])));
  },
  webgpu: ({ inputs }) => {
    const body = "let s = sigmoid(x[i]); dx[i] = dy[i] * s * (1.0 + x[i] * (1.0 - s));";
    const elements = { count: elementCount(inputs[0].shape), body, declarations: WGSL_SIGMOID };
    const bindings = [{ name: "dy", index: 0 }, { name: "x", index: 1 }, { name: "dx", index: 2, write: true }];
    return oneWay("elementwise", ({ limits }) => [elementKernel(elements, bindings, limits)]);
  },
  cost: (spec) => ({ flops: 8 * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () => [[1], [3, 5], [2, 3, 7, 7]].map((shape) => ({ inputs: [f32(shape), f32(shape)] })),
  badSamples: () => [{ inputs: [f32([2]), f32([3])], message: "same shape" }],
});

export const swish: Op = registerOp({
  name: "swish",
  attributes: {},
  infer([input]) {
    if (input.dtype === "f32") return [input];
    throw new ShapeError(`swish: expected input to be f32 but it is ${input.dtype}`);
  },
  gradient: (graph, { arguments: [input] }, [outputGradient]) => swishGradient.apply(graph, [outputGradient!, input]),
  reference: () => ([x, y]) => {
    for (let i = 0; i < x.length; i++) y[i] = x[i] * sigmoid(x[i]);
  },
  webgpu: ({ inputs }) => {
    const body = "y[i] = x[i] * sigmoid(x[i]);";
    const elements = { count: elementCount(inputs[0].shape), body, declarations: WGSL_SIGMOID };
    const bindings = [{ name: "x", index: 0 }, { name: "y", index: 1, write: true }];
    return oneWay("elementwise", ({ limits }) => [elementKernel(elements, bindings, limits)]);
  },
  cost: (spec) => ({ flops: 4 * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () => [[1], [3, 5], [2, 3, 7, 7]].map((shape) => ({ inputs: [f32(shape)] })),
  badSamples: () => [{ inputs: [{ shape: [2], dtype: "u32" }], message: "expected input to be f32" }],
});
