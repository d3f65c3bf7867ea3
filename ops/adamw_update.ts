/** One step of AdamW on one parameter, in place, and the corrections of its moments, which all parameters share. */

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
  type Random,
  registerOp,
  type Sample,
  ShapeError,
} from "../core/mod.ts";
import { elementwiseKernels } from "../kernels/mod.ts";
import { scaledSamples } from "./_scaled_gradient.ts";

/** The shares of the old moments that a step keeps. */
export type MomentAttributes = {
  /** The share of the old mean of gradients that is kept; from 0 to less than 1. */
  readonly beta1: number;
  /** The share of the old mean of their squares that is kept; from 0 to less than 1. */
  readonly beta2: number;
};

/** The attributes of {@link adamwUpdate}. */
export type AdamwAttributes = MomentAttributes & {
  /** The term added to the root of the mean square; above 0. */
  readonly epsilon: number;
  /** The factor of the rate by which the parameter shrinks. */
  readonly weightDecay: number;
};

function expectBetas(op: string, { beta1, beta2 }: MomentAttributes): void {
  for (const [name, beta] of Object.entries({ beta1, beta2 })) {
    if (!(beta >= 0 && beta < 1)) throw new ShapeError(`${op}: expected ${name} to be in [0, 1) but it is ${beta}`);
  }
}

const SKIP = "if (factor[0] == 0.0) { return; }\n  ";

/**
 * c = beta·c + 1 - beta for both betas. From 0 on, c is 1 - betaᵗ after t steps: what moments that started at 0 are to be
 * divided by. It is rounded as they are, which 1 - betaᵗ itself is not.
 * Inputs: `corrections` [2], which is updated in place, and optionally `factor` []. If that is 0, nothing changes.
 */
export const adamwCorrections: Op<MomentAttributes> = registerOp<MomentAttributes>({
  name: "adamwCorrections",
  attributes: { beta1: 0.9, beta2: 0.999 },
  updates: [0],
  infer([corrections, factor], attributes) {
    expectSpec("adamwCorrections", "corrections", corrections, [2]);
    if (factor !== undefined) expectSpec("adamwCorrections", "factor", factor, []);
    expectBetas("adamwCorrections", attributes);
    return [];
  },
  reference: ({ attributes: { beta1, beta2 } }) => ([c, factor]: readonly NumericArray[]) => {
    if (factor?.[0] === 0) return;
    [beta1, beta2].forEach((beta, i) => c[i] = beta * c[i] + (1 - beta));
  },
  webgpu({ attributes: { beta1, beta2 }, inputs }) {
    const scaled = inputs.length > 1;
    const body = `${scaled ? SKIP : ""}c[i] = select(${float(beta2)} * c[i] + ${float(1 - beta2)}, ${
      float(beta1)
    } * c[i] + ${float(1 - beta1)}, i == 0u);`;
    return elementwiseKernels(2, ["c!", ...(scaled ? ["factor"] : [])], body);
  },
  cost: (spec) => ({ flops: 4, bytes: bytesMoved(spec) }),
  samples: () =>
    [{}, { beta1: 0, beta2: 0.5 }].flatMap((attributes) => [
      { inputs: [f32([2])], attributes },
      ...[1, 0].map((factor) => ({
        inputs: [f32([2]), f32([])],
        attributes,
        fill: (arrays: readonly NumericArray[]) => void (arrays[1][0] = factor),
      })),
    ]),
  badSamples: () => [
    { inputs: [f32([3])], message: "expected corrections to be f32 [2]" },
    { inputs: [f32([2]), f32([1])], message: "expected factor to be f32 []" },
    { inputs: [f32([2])], attributes: { beta1: 1 }, message: "expected beta1 to be in [0, 1)" },
  ],
});

/**
 * m = beta1·m + (1 - beta1)·g; s = beta2·s + (1 - beta2)·g²; p -= rate·weightDecay·p + rate·(m / c₁) / (√(s / c₂) + epsilon), as
 * `torch.optim.AdamW`. Inputs: `parameter`, `mean` and `meanSquare`, which are updated in place, `gradient` of the same shape,
 * `learningRate` [], `corrections` [2] of this step, as {@link adamwCorrections} makes them, and optionally `factor` [], by
 * which the gradient is multiplied first. If it is 0, nothing changes, for any gradient.
 */
export const adamwUpdate: Op<AdamwAttributes> = registerOp<AdamwAttributes>({
  name: "adamwUpdate",
  attributes: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
  updates: [0, 1, 2],
  infer([parameter, mean, meanSquare, gradient, rate, corrections, factor], attributes) {
    expectSpec("adamwUpdate", "mean", mean, parameter.shape);
    expectSpec("adamwUpdate", "meanSquare", meanSquare, parameter.shape);
    expectSpec("adamwUpdate", "gradient", gradient, parameter.shape);
    expectSpec("adamwUpdate", "learningRate", rate, []);
    expectSpec("adamwUpdate", "corrections", corrections, [2]);
    if (factor !== undefined) expectSpec("adamwUpdate", "factor", factor, []);
    expectBetas("adamwUpdate", attributes);
    const { epsilon } = attributes;
    if (!(epsilon > 0)) throw new ShapeError(`adamwUpdate: expected epsilon to be above 0 but it is ${epsilon}`);
    return [];
  },
  reference:
    ({ attributes: { beta1, beta2, epsilon, weightDecay } }) =>
    ([p, m, s, g, rate, c, factor]: readonly NumericArray[]) => {
      const unscale = factor?.[0] ?? 1;
      if (unscale === 0) return;
      for (let i = 0; i < p.length; i++) {
        const gradient = unscale * g[i];
        m[i] = beta1 * m[i] + (1 - beta1) * gradient;
        s[i] = beta2 * s[i] + (1 - beta2) * gradient * gradient;
        p[i] -= rate[0] * (weightDecay * p[i] + m[i] / c[0] / (Math.sqrt(s[i] / c[1]) + epsilon));
      }
    },
  webgpu({ attributes: { beta1, beta2, epsilon, weightDecay }, inputs }) {
    const scaled = inputs.length > 6;
    const body = `${scaled ? SKIP : ""}let gradient = ${scaled ? "factor[0] * " : ""}g[i];
  let mean = ${float(beta1)} * m[i] + ${float(1 - beta1)} * gradient;
  let square = ${float(beta2)} * s[i] + ${float(1 - beta2)} * gradient * gradient;
  m[i] = mean;
  s[i] = square;
  p[i] -= rate[0] * (${float(weightDecay)} * p[i] + mean / c[0] / (sqrt(square / c[1]) + ${float(epsilon)}));`;
    const bindings = [
      { name: "p", index: 0, write: true, vector: true },
      { name: "m", index: 1, write: true, vector: true },
      { name: "s", index: 2, write: true, vector: true },
      { name: "g", index: 3, vector: true },
      { name: "rate", index: 4 },
      { name: "c", index: 5 },
      ...(scaled ? [{ name: "factor", index: 6 }] : []),
    ];
    const count = Math.ceil(elementCount(inputs[0].shape) / 4);
    return oneWay("vectors", ({ limits }) => [elementKernel({ count, body }, bindings, limits)]);
  },
  cost: (spec) => ({ flops: 16 * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    [{}, { beta1: 0, beta2: 0.5, epsilon: 1e-3 }, { weightDecay: 0 }].flatMap((attributes) =>
      [[1], [13], [4, 3, 3, 3], [5, 3347]].flatMap((shape) => {
        const inputs = [f32(shape), f32(shape), f32(shape), f32(shape), f32([]), f32([2])];
        return [{ inputs }, ...scaledSamples(inputs, 3)].map((sample: Sample<Record<never, never>>) => ({
          inputs: sample.inputs,
          attributes,
          fill(arrays: readonly NumericArray[], random: Random) {
            sample.fill?.(arrays, random);
            // A mean square is never negative, and corrections are shares of 1.
            arrays[2].forEach((value, i) => arrays[2][i] = Math.abs(value));
            arrays[5].forEach((_, i) => arrays[5][i] = random.uniform(0.1, 1));
          },
        }));
      })
    ),
  badSamples: () => {
    const right = [f32([2]), f32([2]), f32([2]), f32([2]), f32([]), f32([2])];
    const bad = (index: number, shape: number[]) => right.map((spec, k) => k === index ? f32(shape) : spec);
    return [
      { inputs: bad(1, [3]), message: "expected mean to be f32 [2]" },
      { inputs: bad(2, [3]), message: "expected meanSquare to be f32 [2]" },
      { inputs: bad(3, [3]), message: "expected gradient to be f32 [2]" },
      { inputs: bad(4, [1]), message: "expected learningRate to be f32 []" },
      { inputs: bad(5, [1]), message: "expected corrections to be f32 [2]" },
      { inputs: right, attributes: { epsilon: 0 }, message: "expected epsilon to be above 0" },
      { inputs: right, attributes: { beta2: 1 }, message: "expected beta2 to be in [0, 1)" },
    ];
  },
});
