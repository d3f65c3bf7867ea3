/** RMSProp as TensorFlow computes it, with which MobileNet-V2 was trained. */

import { UsageError } from "../../core/mod.ts";
import { rmspropUpdate } from "../../ops/mod.ts";
import { type DecayedParameters, decayOf, type Optimizer, optimizerState } from "./optimizer.ts";

/** The options of {@link rmspropOptimizer}. */
export interface RmspropOptions {
  /** The share of the last update that is kept. Defaults to 0.9. */
  readonly momentum?: number;
  /** The share of the old mean square that is kept. Defaults to 0.9. */
  readonly rho?: number;
  /** What is added to the mean square before the root. Defaults to 1, as in TF-Slim, whose steps it makes small. */
  readonly epsilon?: number;
  /** The factor of the weights that is added to their gradient. Defaults to 4e-5. */
  readonly weightDecay?: number;
  /** What decays. Defaults to weights alone. */
  readonly decay?: DecayedParameters;
}

/**
 * RMSProp (Tieleman and Hinton 2012) with momentum, as `tf.compat.v1.train.RMSPropOptimizer`: g = ∂loss/∂p + weightDecay·p;
 * s = rho·s + (1 - rho)·g², from 1 on; v = momentum·v + rate·g / √(s + epsilon); p -= v. PyTorch's adds epsilon outside the
 * root, starts s at 0, and multiplies by the rate after the momentum. Momentum and rho of 0.9: Sandler et al. 2018, section 6.1.
 *
 * @throws {UsageError} If epsilon is not above 0.
 *
 * @example
 * ```ts
 * import { CpuBackend } from "@residua/residua/core";
 * import { cifarResNet } from "@residua/residua/models";
 * import { rmspropOptimizer } from "@residua/residua";
 * import { Trainer } from "@residua/residua/train";
 * const model = cifarResNet({ depth: 8, inputShape: [3, 8, 8] }), optimizer = rmspropOptimizer({ weightDecay: 0 });
 * const trainer = await Trainer.create({ model, backend: new CpuBackend(), batch: 2, optimizer });
 * console.log(trainer.variables.storages.has("optimizer.meanSquare.fc.weight")); // true
 * ```
 */
export function rmspropOptimizer(options: RmspropOptions = {}): Optimizer {
  const { momentum = 0.9, rho = 0.9, epsilon = 1, weightDecay = 4e-5, decay = "weights" } = options;
  if (!(epsilon > 0)) throw new UsageError(`rmsprop: expected epsilon to be above 0 but it is ${epsilon}`);
  return {
    takesFactor: true,
    update(graph, { parameter, gradient, rate, factor }) {
      const meanSquare = optimizerState(graph, "meanSquare", parameter, 1);
      const velocity = optimizerState(graph, "momentum", parameter, 0);
      const attributes = { momentum, rho, epsilon, weightDecay: decayOf(parameter, weightDecay, decay) };
      const inputs = [parameter, meanSquare, velocity, gradient, rate, ...(factor === undefined ? [] : [factor])];
      rmspropUpdate.apply(graph, inputs, attributes);
    },
  };
}
