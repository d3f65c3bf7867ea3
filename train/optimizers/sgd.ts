/** Stochastic gradient descent with momentum and coupled weight decay, as `torch.optim.SGD`. */

import type { Graph, Value } from "../../core/mod.ts";
import { sgdUpdate } from "../../ops/mod.ts";
import {
  type DecayedParameters,
  decayOf,
  type Optimizer,
  optimizerState,
  parameterGradients,
  recordUpdates,
  type UpdateOptions,
} from "./optimizer.ts";

/** The options of {@link sgdOptimizer}. */
export interface SgdOptions {
  /** The share of the last update that is kept. Defaults to 0.9. */
  readonly momentum?: number;
  /** The factor of the weights that is added to their gradient. Defaults to 1e-4. */
  readonly weightDecay?: number;
  /** What decays. Defaults to all parameters, as in He et al. 2015. */
  readonly decay?: DecayedParameters;
  /** Whether the gradient is taken after the momentum. Defaults to false. */
  readonly nesterov?: boolean;
}

/**
 * SGD: g = ∂loss/∂p + weightDecay·p; v = momentum·v + g; p -= rate·v, or rate·(g + momentum·v) with Nesterov.
 *
 * @example
 * ```ts
 * import { fit, modelByName, openBackend, sgdOptimizer, shapesSet } from "@residua/residua";
 * using backend = await openBackend("cpu");
 * const set = shapesSet({ trainCount: 40, validationCount: 10 });
 * const optimizer = sgdOptimizer({ momentum: 0.9, nesterov: true, weightDecay: 5e-4, decay: "weights" });
 * const { steps } = await fit({ model: modelByName("resnet8"), backend, set, epochs: 1, batch: 20, optimizer });
 * console.log(steps); // 2
 * ```
 */
export function sgdOptimizer(options: SgdOptions = {}): Optimizer {
  const { momentum = 0.9, weightDecay = 1e-4, decay = "all", nesterov = false } = options;
  return {
    takesFactor: true,
    update(graph, { parameter, gradient, rate, factor }) {
      const velocity = optimizerState(graph, "momentum", parameter, 0);
      const attributes = { momentum, weightDecay: decayOf(parameter, weightDecay, decay), nesterov };
      const inputs = [parameter, velocity, gradient, rate, ...(factor === undefined ? [] : [factor])];
      sgdUpdate.apply(graph, inputs, attributes);
    },
  };
}

/**
 * Records one SGD step for every parameter of a graph that is not frozen.
 *
 * @param graph The graph, which gets an input named `learningRate` and a state for each momentum.
 * @param loss A scalar.
 * @throws {UsageError} If a pattern of frozen parameters matches none, or all are frozen.
 * @throws {ResiduaError} If the loss does not depend on a parameter.
 */
export function sgd(graph: Graph, loss: Value, options: SgdOptions & Pick<UpdateOptions, "freeze"> = {}): void {
  recordUpdates(graph, sgdOptimizer(options), parameterGradients(graph, loss, options.freeze), [], {});
}
