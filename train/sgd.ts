/** Stochastic gradient descent with momentum and coupled weight decay, as `torch.optim.SGD`. */

import { differentiate, type Graph, ResiduaError, type Value } from "../core/mod.ts";
import { sgdUpdate } from "../ops/mod.ts";
import { type DecayedParameters, decayOf, type Optimizer, optimizerState, recordUpdates } from "./optimizer.ts";

/** The options of {@link sgdOptimizer}. */
export interface SgdOptions {
  /** The share of the last update that is kept; 0.9 unless given. */
  readonly momentum?: number;
  /** The factor of the weights that is added to their gradient; 1e-4 unless given. */
  readonly weightDecay?: number;
  /** What decays; all parameters unless given, as in He et al. 2015. */
  readonly decay?: DecayedParameters;
  /** Whether the gradient is taken after the momentum; no unless given. */
  readonly nesterov?: boolean;
}

/** SGD: g = ∂loss/∂p + weightDecay·p; v = momentum·v + g; p -= rate·v, or rate·(g + momentum·v) with Nesterov. */
export function sgdOptimizer(options: SgdOptions = {}): Optimizer {
  const { momentum = 0.9, weightDecay = 1e-4, decay = "all", nesterov = false } = options;
  return {
    update(graph, { parameter, gradient, rate }) {
      const velocity = optimizerState(graph, "momentum", parameter, 0);
      const attributes = { momentum, weightDecay: decayOf(parameter, weightDecay, decay), nesterov };
      sgdUpdate.apply(graph, [parameter, velocity, gradient, rate], attributes);
    },
  };
}

/**
 * The gradient of a loss by each parameter of a graph.
 *
 * @param loss A scalar.
 * @throws {ResiduaError} If the loss does not depend on a parameter.
 */
export function parameterGradients(graph: Graph, loss: Value): { parameter: Value; gradient: Value }[] {
  const parameters = graph.parameters, gradients = differentiate(graph, loss, parameters);
  return parameters.map((parameter, index) => {
    const gradient = gradients[index];
    if (gradient === undefined) throw new ResiduaError(`The loss does not depend on the parameter ${parameter.name}`);
    return { parameter, gradient };
  });
}

/**
 * Records one SGD step for every parameter of a graph.
 *
 * @param graph The graph, which gets an input named `learningRate` and a state for each momentum.
 * @param loss A scalar.
 * @throws {ResiduaError} If the loss does not depend on a parameter.
 */
export function sgd(graph: Graph, loss: Value, options: SgdOptions = {}): void {
  recordUpdates(graph, sgdOptimizer(options), parameterGradients(graph, loss), [], {});
}
