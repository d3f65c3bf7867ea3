/** Stochastic gradient descent with momentum and coupled weight decay, as `torch.optim.SGD`. */

import { differentiate, f32, type Graph, ResiduaError, UsageError, type Value } from "../core/mod.ts";
import { sgdUpdate } from "../ops/mod.ts";
import { matchNames } from "./freeze.ts";
import { OPTIMIZER_PREFIX } from "./variables.ts";

/** The options of {@link sgd}. */
export interface SgdOptions {
  /** The share of the last update that is kept; 0.9 unless given. */
  readonly momentum?: number;
  /** The factor of the weights that is added to their gradient, for all parameters; 1e-4 unless given. */
  readonly weightDecay?: number;
  /**
   * Patterns of the names of parameters that stay as they are, as {@link matchNames} takes them; none unless given. They get
   * no gradient, weight decay or momentum. As in PyTorch, the running statistics of a batch norm are no parameters: they
   * follow the batches even where its weight and bias are frozen.
   */
  readonly freeze?: readonly string[];
}

/** The name of the input that holds the learning rate, a scalar. */
export const LEARNING_RATE = "learningRate";

/**
 * Records one SGD step for every parameter of a graph that is not frozen:
 * g = ∂loss/∂p + weightDecay·p; v = momentum·v + g; p -= rate·v.
 *
 * @param graph The graph, which gets an input named `learningRate` and a state for each momentum.
 * @param loss A scalar.
 * @throws {UsageError} If a pattern of frozen parameters matches none, or all are frozen.
 * @throws {ResiduaError} If the loss does not depend on a parameter.
 */
export function sgd(graph: Graph, loss: Value, options: SgdOptions = {}): void {
  const { momentum = 0.9, weightDecay = 1e-4, freeze = [] } = options;
  const frozen = new Set(matchNames(freeze, graph.parameters.map(({ name }) => name)));
  const parameters = graph.parameters.filter(({ name }) => !frozen.has(name));
  if (parameters.length === 0 && frozen.size > 0) {
    throw new UsageError(
      `All ${frozen.size} parameters are frozen by ${freeze.join(",")}, so there is nothing to train`,
    );
  }
  const gradients = differentiate(graph, loss, parameters);
  const rate = graph.input(LEARNING_RATE, f32([]));
  parameters.forEach((parameter, index) => {
    const gradient = gradients[index];
    if (gradient === undefined) throw new ResiduaError(`The loss does not depend on the parameter ${parameter.name}`);
    const velocity = graph.state(`${OPTIMIZER_PREFIX}momentum.${parameter.name}`, parameter.spec, {
      kind: "constant",
      value: 0,
    });
    sgdUpdate.apply(graph, [parameter, velocity, gradient, rate], { momentum, weightDecay });
  });
}
