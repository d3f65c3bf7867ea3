/** One step of RMSProp on one parameter, in place. */

import {
  bytesMoved,
  elementCount,
  expectSpec,
  f32,
  float,
  type NumericArray,
  type Op,
  type Random,
  registerOp,
  type Sample,
  ShapeError,
} from "../core/mod.ts";
import { elementwiseKernels } from "../kernels/mod.ts";
import { scaledSamples } from "./_scaled_gradient.ts";

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
export const rmspropUpdate: Op<RmspropAttributes> = registerOp<RmspropAttributes>({
  name: "rmspropUpdate",
  attributes: { momentum: 0.9, rho: 0.9, epsilon: 1, weightDecay: 0 },
  updates: [0, 1, 2],
  infer([parameter, meanSquare, velocity, gradient, rate, factor], { epsilon }) {
    expectSpec("rmspropUpdate", "meanSquare", meanSquare, parameter.shape);
    expectSpec("rmspropUpdate", "velocity", velocity, parameter.shape);
    expectSpec("rmspropUpdate", "gradient", gradient, parameter.shape);
    expectSpec("rmspropUpdate", "learningRate", rate, []);
    if (factor !== undefined) expectSpec("rmspropUpdate", "factor", factor, []);
    if (!(epsilon > 0)) throw new ShapeError(`rmspropUpdate: expected epsilon to be above 0 but it is ${epsilon}`);
    return [];
  },
  reference:
    ({ attributes: { momentum, rho, epsilon, weightDecay } }) =>
    ([p, s, v, g, rate, factor]: readonly NumericArray[]) => {
      const unscale = factor?.[0] ?? 1;
      if (unscale === 0) return;
      for (let i = 0; i < p.length; i++) {
        const gradient = unscale * g[i] + weightDecay * p[i];
        s[i] = rho * s[i] + (1 - rho) * gradient * gradient;
        v[i] = momentum * v[i] + rate[0] * gradient / Math.sqrt(s[i] + epsilon);
        p[i] -= v[i];
      }
    },
  webgpu({ attributes: { momentum, rho, epsilon, weightDecay }, inputs }) {
    const scaled = inputs.length > 5, names = ["p!", "s!", "v!", "g", "rate", ...(scaled ? ["factor"] : [])];
    const body = `${scaled ? "if (factor[0] == 0.0) { return; }\n  " : ""}let gradient = ${
      scaled ? "factor[0] * " : ""
    }g[i] + ${float(weightDecay)} * p[i];
  let square = ${float(rho)} * s[i] + ${float(1 - rho)} * gradient * gradient;
  let velocity = ${float(momentum)} * v[i] + rate[0] * gradient / sqrt(square + ${float(epsilon)});
  s[i] = square;
  v[i] = velocity;
  p[i] -= velocity;`;
    return elementwiseKernels(elementCount(inputs[0].shape), names, body);
  },
  cost: (spec) => ({ flops: 11 * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    [{}, { momentum: 0, rho: 0.5, epsilon: 1e-3 }, { weightDecay: 0.1 }].flatMap((attributes) =>
      [[1], [13], [4, 3, 3, 3], [5, 3347]].flatMap((shape) => {
        const inputs = [f32(shape), f32(shape), f32(shape), f32(shape), f32([])];
        return [{ inputs }, ...scaledSamples(inputs, 3)].map((sample: Sample<Record<never, never>>) => ({
          inputs: sample.inputs,
          attributes,
          fill(arrays: readonly NumericArray[], random: Random) {
            sample.fill?.(arrays, random);
            // A mean square is never negative.
            arrays[1].forEach((value, i) => arrays[1][i] = Math.abs(value));
          },
        }));
      })
    ),
  badSamples: () => [
    { inputs: [f32([2]), f32([3]), f32([2]), f32([2]), f32([])], message: "expected meanSquare to be f32 [2]" },
    { inputs: [f32([2]), f32([2]), f32([2]), f32([3]), f32([])], message: "expected gradient to be f32 [2]" },
    {
      inputs: [f32([2]), f32([2]), f32([2]), f32([2]), f32([])],
      attributes: { epsilon: 0 },
      message: "expected epsilon to be above 0",
    },
  ],
});
