/** One step of RMSProp on one parameter, in place. */

import { float, type Op } from "../core/mod.ts";
import { expectEpsilon, registerUpdate } from "./_parameter_update.ts";

/** The attributes of {@link rmspropUpdate}. */
export type RmspropAttributes = {
  /** The share of the last update that is kept. */
  readonly momentum: number;
  /** The share of the old mean square that is kept. */
  readonly rho: number;
  /** The term added to the mean square before the root; above 0. */
  readonly epsilon: number;
  /** The factor of the parameter that is added to its gradient. */
  readonly weightDecay: number;
};

/**
 * g' = g + weightDecay·p; s = rho·s + (1 - rho)·g'²; v = momentum·v + rate·g' / √(s + epsilon); p -= v, as
 * `tf.compat.v1.train.RMSPropOptimizer`. Inputs: `parameter`, `meanSquare` and `velocity`, which are updated in place,
 * `gradient` of the same shape, `learningRate` [], and optionally `factor` [], by which the gradient is multiplied first. If it
 * is 0, nothing changes, for any gradient.
 */
export const rmspropUpdate: Op<RmspropAttributes> = registerUpdate<RmspropAttributes>({
  name: "rmspropUpdate",
  attributes: { momentum: 0.9, rho: 0.9, epsilon: 1, weightDecay: 0 },
  states: { meanSquare: "s", velocity: "v" },
  check: ({ epsilon }) => expectEpsilon("rmspropUpdate", epsilon),
  element({ momentum, rho, epsilon, weightDecay }, [p, s, v, , rate], scaled, i) {
    const gradient = scaled + weightDecay * p[i];
    s[i] = rho * s[i] + (1 - rho) * gradient * gradient;
    v[i] = momentum * v[i] + rate[0] * gradient / Math.sqrt(s[i] + epsilon);
    p[i] -= v[i];
  },
  addend: ({ weightDecay }) => ` + ${float(weightDecay)} * p[i]`,
  body: ({ momentum, rho, epsilon }) =>
    `let square = ${float(rho)} * s[i] + ${float(1 - rho)} * gradient * gradient;
  let velocity = ${float(momentum)} * v[i] + rate[0] * gradient / sqrt(square + ${float(epsilon)});
  s[i] = square;
  v[i] = velocity;
  p[i] -= velocity;`,
  vectors: false,
  kernel: "rmspropElements",
  kernelArguments: ({ momentum, rho, epsilon, weightDecay }) =>
    [momentum, rho, 1 - rho, epsilon, weightDecay].map((float) => ({ float })),
  flops: 11,
  cases: [{}, { momentum: 0, rho: 0.5, epsilon: 1e-3 }, { weightDecay: 0.1 }],
  // A mean square is never negative.
  fill: ([, s]) => s.forEach((value, i) => s[i] = Math.abs(value)),
  refused: [[{ epsilon: 0 }, "expected epsilon to be above 0"]],
});
