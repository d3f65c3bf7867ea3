/** An op of your own: squareplus, y = (x + √(x² + 4)) / 2 (Barron 2021), with its gradient, on both backends. */

import { f32, ShapeError, type TensorSpec } from "@residua/residua";
import { bytesMoved, elementCount, elementKernel, oneWay, type Op, registerOp } from "@residua/residua/core";

/** Shapes that the test tries. */
const SHAPES = [[1], [3, 5], [2, 3, 7, 7]];

/** What ops refuse names the op, what was expected and what came. */
function expectFloats(name: string, { dtype }: TensorSpec): void {
  if (dtype !== "f32") throw new ShapeError(`${name}: expected x to be f32 but it is ${dtype}`);
}

/** dx = dy · (1 + x / √(x² + 4)) / 2. */
const squareplusGradient: Op = registerOp({
  name: "squareplusGradient",
  attributes: {},
  infer([, x]) {
    expectFloats("squareplusGradient", x);
    return [x];
  },
  // In float64: what both backends are held to. The CPU computes it too, unless the op has kernels of its own there.
  reference: () => ([dy, x, dx]) => {
    for (let i = 0; i < x.length; i++) dx[i] = dy[i] * (1 + x[i] / Math.sqrt(x[i] ** 2 + 4)) / 2;
  },
  webgpu: ({ inputs }) => {
    const body = "dx[i] = dy[i] * (1.0 + x[i] / sqrt(x[i] * x[i] + 4.0)) / 2.0;";
    const bindings = [{ name: "dy", index: 0 }, { name: "x", index: 1 }, { name: "dx", index: 2, write: true }];
    return oneWay(
      "elementwise",
      ({ limits }) => [elementKernel({ count: elementCount(inputs[0].shape), body }, bindings, limits)],
    );
  },
  cost: (spec) => ({ flops: 7 * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () => SHAPES.map((shape) => ({ inputs: [f32(shape), f32(shape)] })),
  badSamples: () => [{ inputs: [f32([2]), { shape: [2], dtype: "u32" }], message: "expected x to be f32" }],
});

/** A smooth ReLU without exponentials. */
export const squareplus: Op = registerOp({
  name: "squareplus",
  attributes: {},
  infer([x]) {
    expectFloats("squareplus", x);
    return [x];
  },
  gradient: (graph, { arguments: [x] }, [dy]) => squareplusGradient.apply(graph, [dy!, x]),
  reference: () => ([x, y]) => {
    for (let i = 0; i < x.length; i++) y[i] = (x[i] + Math.sqrt(x[i] ** 2 + 4)) / 2;
  },
  webgpu: ({ inputs }) => {
    const body = "y[i] = (x[i] + sqrt(x[i] * x[i] + 4.0)) / 2.0;";
    const bindings = [{ name: "x", index: 0 }, { name: "y", index: 1, write: true }];
    return oneWay(
      "elementwise",
      ({ limits }) => [elementKernel({ count: elementCount(inputs[0].shape), body }, bindings, limits)],
    );
  },
  cost: (spec) => ({ flops: 5 * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () => SHAPES.map((shape) => ({ inputs: [f32(shape)] })),
  badSamples: () => [{ inputs: [{ shape: [2], dtype: "u32" }], message: "expected x to be f32" }],
});
