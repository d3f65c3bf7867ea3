/** One step of SGD on one parameter, in place. */

import {
  bytesMoved,
  elementCount,
  elementKernel,
  expectSpec,
  f32,
  float,
  type NumericArray,
  oneWay,
  type Op,
  registerOp,
} from "../core/mod.ts";
import { elementwiseStages } from "../kernels/mod.ts";
import { scaledSamples } from "./_scaled_gradient.ts";

/** The attributes of {@link sgdUpdate}. */
export type SgdAttributes = {
  /** The share of the last update that is kept. */
  readonly momentum: number;
  /** The factor of the parameter that is added to its gradient. */
  readonly weightDecay: number;
  /** Whether the gradient is taken after the momentum (Nesterov). */
  readonly nesterov: boolean;
};

function update(
  { momentum, weightDecay, nesterov }: SgdAttributes,
  [p, v, g, rate, factor]: readonly NumericArray[],
): void {
  const step = rate[0], unscale = factor?.[0] ?? 1;
  if (unscale === 0) return;
  for (let i = 0; i < p.length; i++) {
    const gradient = unscale * g[i] + weightDecay * p[i];
    const velocity = momentum * v[i] + gradient;
    v[i] = velocity;
    p[i] -= step * (nesterov ? gradient + momentum * velocity : velocity);
  }
}

/**
 * g' = g + weightDecay·p; v = momentum·v + g'; p -= rate·v (or rate·(g' + momentum·v) with Nesterov), as `torch.optim.SGD`.
 * Inputs: `parameter` and `velocity`, which are updated in place, `gradient` of the same shape, `learningRate` [], and optionally
 * `factor` [], by which the gradient is multiplied first. If it is 0, nothing changes, for any gradient.
 */
export const sgdUpdate: Op<SgdAttributes> = registerOp<SgdAttributes>({
  name: "sgdUpdate",
  attributes: { momentum: 0.9, weightDecay: 1e-4, nesterov: false },
  updates: [0, 1],
  infer([parameter, velocity, gradient, rate, factor]) {
    expectSpec("sgdUpdate", "velocity", velocity, parameter.shape);
    expectSpec("sgdUpdate", "gradient", gradient, parameter.shape);
    expectSpec("sgdUpdate", "learningRate", rate, []);
    if (factor !== undefined) expectSpec("sgdUpdate", "factor", factor, []);
    return [];
  },
  reference: ({ attributes }) => (buffers) => update(attributes, buffers),
  cpu({ attributes, inputs }) {
    const { momentum, weightDecay, nesterov } = attributes;
    if (inputs.length > 4) return { stages: [{ tasks: 1, run: (buffers) => update(attributes, buffers) }] };
    return elementwiseStages("sgdElements", 4, elementCount(inputs[0].shape), [
      { float: momentum },
      { float: weightDecay },
      nesterov ? 1 : 0,
    ]);
  },
  webgpu({ attributes: { momentum, weightDecay, nesterov }, inputs }) {
    const scaled = inputs.length > 4;
    const body = `${scaled ? "if (factor[0] == 0.0) { return; }\n  " : ""}let gradient = ${
      scaled ? "factor[0] * " : ""
    }g[i] + ${float(weightDecay)} * p[i];
  let velocity = ${float(momentum)} * v[i] + gradient;
  v[i] = velocity;
  p[i] -= rate[0] * ${nesterov ? `(gradient + ${float(momentum)} * velocity)` : "velocity"};`;
    const bindings = [
      { name: "p", index: 0, write: true, vector: true },
      { name: "v", index: 1, write: true, vector: true },
      { name: "g", index: 2, vector: true },
      { name: "rate", index: 3 },
      ...(scaled ? [{ name: "factor", index: 4 }] : []),
    ];
    const count = Math.ceil(elementCount(inputs[0].shape) / 4);
    return oneWay("vectors", ({ limits }) => [elementKernel({ count, body }, bindings, limits)]);
  },
  cost: (spec) => ({ flops: 6 * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    [{}, { momentum: 0, weightDecay: 0 }, { nesterov: true, weightDecay: 0.1 }].flatMap((attributes) =>
      [[1], [13], [4, 3, 3, 3], [5, 3347]].flatMap((shape) => {
        const inputs = [f32(shape), f32(shape), f32(shape), f32([])];
        return [{ inputs, attributes }, ...scaledSamples(inputs, 2).map((sample) => ({ ...sample, attributes }))];
      })
    ),
  badSamples: () => [
    { inputs: [f32([2]), f32([2]), f32([3]), f32([])], message: "expected gradient to be f32 [2]" },
    { inputs: [f32([2]), f32([2]), f32([2]), f32([1])], message: "expected learningRate to be f32 []" },
    { inputs: [f32([2]), f32([2]), f32([2]), f32([]), f32([1])], message: "expected factor to be f32 []" },
  ],
});
