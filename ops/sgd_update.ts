/** One step of SGD on one parameter, in place. */

import { float, type Op } from "../core/mod.ts";
import { registerUpdate } from "./_parameter_update.ts";

/** The attributes of {@link sgdUpdate}. */
export type SgdAttributes = {
  /** The share of the last update that is kept. */
  readonly momentum: number;
  /** The factor of the parameter that is added to its gradient. */
  readonly weightDecay: number;
  /** Whether the gradient is taken after the momentum (Nesterov). */
  readonly nesterov: boolean;
};

/**
 * g' = g + weightDecay·p; v = momentum·v + g'; p -= rate·v (or rate·(g' + momentum·v) with Nesterov), as `torch.optim.SGD`.
 * Inputs: `parameter` and `velocity`, which are updated in place, `gradient` of the same shape, `learningRate` [], and optionally
 * `factor` [], by which the gradient is multiplied first. If it is 0, nothing changes, for any gradient.
 */
export const sgdUpdate: Op<SgdAttributes> = registerUpdate<SgdAttributes>({
  name: "sgdUpdate",
  attributes: { momentum: 0.9, weightDecay: 1e-4, nesterov: false },
  states: { velocity: "v" },
  element({ momentum, weightDecay, nesterov }, [p, v, , rate], scaled, i) {
    const gradient = scaled + weightDecay * p[i], velocity = momentum * v[i] + gradient;
    v[i] = velocity;
    p[i] -= rate[0] * (nesterov ? gradient + momentum * velocity : velocity);
  },
  addend: ({ weightDecay }) => ` + ${float(weightDecay)} * p[i]`,
  body: ({ momentum, nesterov }) =>
    `let velocity = ${float(momentum)} * v[i] + gradient;
  v[i] = velocity;
  p[i] -= rate[0] * ${nesterov ? `(gradient + ${float(momentum)} * velocity)` : "velocity"};`,
  vectors: true,
  kernel: "sgdElements",
  kernelArguments: ({ momentum, weightDecay, nesterov }) => [
    { float: momentum },
    { float: weightDecay },
    nesterov ? 1 : 0,
  ],
  flops: 6,
  cases: [{}, { momentum: 0, weightDecay: 0 }, { nesterov: true, weightDecay: 0.1 }],
  refused: [],
});
