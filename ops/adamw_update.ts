/** One step of AdamW on one parameter, in place, and the corrections of its moments, which all parameters share. */

import { bytesMoved, expectSpec, f32, float, type NumericArray, type Op, registerOp, ShapeError } from "../core/mod.ts";
import { elementwiseKernels } from "../kernels/mod.ts";
import { expectEpsilon, registerUpdate, SKIP_WITHOUT_FACTOR } from "./_parameter_update.ts";

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
    const body = `${scaled ? SKIP_WITHOUT_FACTOR : ""}c[i] = select(${float(beta2)} * c[i] + ${float(1 - beta2)}, ${
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
export const adamwUpdate: Op<AdamwAttributes> = registerUpdate<AdamwAttributes>({
  name: "adamwUpdate",
  attributes: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
  states: { mean: "m", meanSquare: "s" },
  others: { corrections: ["c", [2]] },
  check(attributes) {
    expectBetas("adamwUpdate", attributes);
    expectEpsilon("adamwUpdate", attributes.epsilon);
  },
  element({ beta1, beta2, epsilon, weightDecay }, [p, m, s, , rate, c], gradient, i) {
    m[i] = beta1 * m[i] + (1 - beta1) * gradient;
    s[i] = beta2 * s[i] + (1 - beta2) * gradient * gradient;
    p[i] -= rate[0] * (weightDecay * p[i] + m[i] / c[0] / (Math.sqrt(s[i] / c[1]) + epsilon));
  },
  body: ({ beta1, beta2, epsilon, weightDecay }) =>
    `let mean = ${float(beta1)} * m[i] + ${float(1 - beta1)} * gradient;
  let square = ${float(beta2)} * s[i] + ${float(1 - beta2)} * gradient * gradient;
  m[i] = mean;
  s[i] = square;
  p[i] -= rate[0] * (${float(weightDecay)} * p[i] + mean / c[0] / (sqrt(square / c[1]) + ${float(epsilon)}));`,
  vectors: true,
  kernel: "adamwElements",
  kernelArguments: ({ beta1, beta2, epsilon, weightDecay }) =>
    [beta1, 1 - beta1, beta2, 1 - beta2, epsilon, weightDecay].map((float) => ({ float })),
  flops: 16,
  cases: [{}, { beta1: 0, beta2: 0.5, epsilon: 1e-3 }, { weightDecay: 0 }],
  fill([, , s, , , c], random) {
    // A mean square is never negative, and corrections are shares of 1.
    s.forEach((value, i) => s[i] = Math.abs(value));
    c.forEach((_, i) => c[i] = random.uniform(0.1, 1));
  },
  refused: [[{ epsilon: 0 }, "expected epsilon to be above 0"], [{ beta2: 1 }, "expected beta2 to be in [0, 1)"]],
});
