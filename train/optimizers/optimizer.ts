/** The interface of optimisers, and what all of them share: clipping before the update, an average of the weights after it. */

import { differentiate, f32, type Graph, ResiduaError, UsageError, type Value } from "../../core/mod.ts";
import { addSquares, averageUpdate, clipFactor, scaleBy } from "../../ops/mod.ts";
import { frozenNames } from "../freeze.ts";
import { lossScale, recordLossScale } from "./loss_scale.ts";
import { AVERAGE_PREFIX, OPTIMIZER_PREFIX } from "../../weights/mod.ts";

/** The name of the input that holds the learning rate, a scalar. */
export const LEARNING_RATE = "learningRate";

/**
 * A rule by which gradients change parameters.
 *
 * @example
 * ```ts
 * import { sgdUpdate } from "@residua/residua/ops";
 * import { type Optimizer } from "@residua/residua";
 * import { optimizerState } from "@residua/residua/train";
 * const plainSgd: Optimizer = {
 *   update(graph, { parameter, gradient, rate }) {
 *     const velocity = optimizerState(graph, "momentum", parameter, 0);
 *     sgdUpdate.apply(graph, [parameter, velocity, gradient, rate], { momentum: 0, weightDecay: 0 });
 *   },
 * };
 * console.log(typeof plainSgd.update); // function
 * ```
 */
export interface Optimizer {
  /** Whether the optimiser applies {@link OptimizerStep.factor}, which mixed precision requires. Defaults to false. */
  readonly takesFactor?: boolean;
  /** The first learning rate where none is given. Defaults to 0.1. */
  readonly defaultRate?: number;
  /**
   * Records what a step does once, before the updates of the parameters. Defaults to nothing.
   *
   * @param graph The graph of a training step.
   * @param factor As {@link OptimizerStep.factor}.
   * @internal
   */
  begin?(graph: Graph, factor?: Value): void;
  /**
   * Records the update of one parameter, by ops that write it in place.
   *
   * @param graph The graph of a training step.
   * @param step The parameter, its gradient and the rate.
   * @internal
   */
  update(graph: Graph, step: OptimizerStep): void;
}

/** The update of one parameter. */
export interface OptimizerStep {
  /** The parameter. */
  readonly parameter: Value;
  /** The gradient of the loss by it, of the same shape. */
  readonly gradient: Value;
  /** The learning rate []. */
  readonly rate: Value;
  /**
   * Under mixed precision: what the gradient is to be multiplied by first, []. Where it is 0, nothing may change: then gradients
   * are not finite.
   */
  readonly factor?: Value;
}

/** To which parameters weight decay is applied: all of them, or weights alone, not biases and batch norm's scales. */
export type DecayedParameters = "all" | "weights";

/** A variable of an optimiser that belongs to a parameter, and has its shape. Checkpoints hold it. */
export function optimizerState(graph: Graph, kind: string, parameter: Value, initial: number): Value {
  const name = `${OPTIMIZER_PREFIX}${kind}.${parameter.name}`;
  return graph.state(name, parameter.spec, { kind: "constant", value: initial });
}

/** The decay of one parameter: biases and batch norm's scales and shifts have one axis, weights more. */
export function decayOf(parameter: Value, weightDecay: number, decayed: DecayedParameters): number {
  return decayed === "all" || parameter.spec.shape.length > 1 ? weightDecay : 0;
}

/** What an optimiser's updates are applied to, and what goes around them. */
export interface UpdateOptions {
  /**
   * Patterns of the names of parameters that stay as they are, as {@link frozenNames} takes them. Defaults to none. They get
   * no gradient, weight decay or momentum. As in PyTorch, the running statistics of a batch norm are no parameters: they
   * follow the batches even where its weight and bias are frozen.
   */
  readonly freeze?: readonly string[];
  /** The norm of all gradients together above which they are scaled down to it. Defaults to no limit. */
  readonly clipNorm?: number;
  /** The share of the old average that each step keeps in an average of the weights. Defaults to no average. */
  readonly ema?: number;
}

/**
 * The gradient of a loss by each parameter of a graph that is not frozen; under mixed precision, that of the scaled loss.
 *
 * @param loss A scalar.
 * @param freeze As {@link UpdateOptions.freeze}.
 * @param ranks The ranks among which the loss is one: it counts by its share, so that the sum of their gradients is a mean.
 * Under mixed precision the updates see to that, as small gradients would be lost. Defaults to 1.
 * @throws {UsageError} If a pattern of frozen parameters matches none, or all are frozen.
 * @throws {ResiduaError} If the loss does not depend on a parameter.
 */
export function parameterGradients(
  graph: Graph,
  loss: Value,
  freeze: readonly string[] = [],
  ranks = 1,
): { parameter: Value; gradient: Value }[] {
  const frozen = new Set(frozenNames(freeze, graph.parameters.map(({ name }) => name)));
  const parameters = graph.parameters.filter(({ name }) => !frozen.has(name));
  const seed = lossScale(graph) ?? graph.constant(1 / ranks, loss.spec);
  const gradients = differentiate(graph, loss, parameters, seed);
  return parameters.map((parameter, index) => {
    const gradient = gradients[index];
    if (gradient === undefined) throw new ResiduaError(`The loss does not depend on the parameter ${parameter.name}`);
    return { parameter, gradient };
  });
}

/**
 * Records the updates of one step.
 *
 * Clipping is that of `torch.nn.utils.clip_grad_norm_`: by the norm over all gradients, weight decay not included. The
 * average is exponential, average = ema·average + (1 - ema)·value, of the parameters and of batch norm's statistics. Under
 * mixed precision a step with gradients that are not finite leaves the parameters and the optimiser's variables as they are;
 * running statistics have followed its forward pass by then, and the average follows too.
 *
 * @param graph The graph, which gets an input named `learningRate`.
 * @param parameters The parameters and their gradients.
 * @param states The model's other variables, which are averaged too.
 * @param ranks The ranks over which gradients of a scaled loss are summed. Defaults to 1.
 * @throws {UsageError} If the norm is not above 0, the average would never follow, or the optimiser does not take mixed
 * precision.
 */
export function recordUpdates(
  graph: Graph,
  optimizer: Optimizer,
  parameters: readonly { readonly parameter: Value; readonly gradient: Value }[],
  states: readonly Value[],
  { clipNorm, ema }: Omit<UpdateOptions, "freeze">,
  ranks = 1,
): void {
  const rate = graph.input(LEARNING_RATE, f32([]));
  const unscale = recordLossScale(graph, parameters.map(({ gradient }) => gradient), ranks);
  if (unscale !== undefined && !optimizer.takesFactor) {
    throw new UsageError(
      "This optimiser cannot leave out a step, as mixed precision asks of it; see Optimizer.takesFactor",
    );
  }
  const clip = clipNorm === undefined ? undefined : recordClipFactor(graph, parameters, clipNorm, unscale);
  const factor = unscale === undefined ? undefined : clip ?? unscale;
  optimizer.begin?.(graph, factor);
  for (const { parameter, gradient } of parameters) {
    if (factor !== undefined) optimizer.update(graph, { parameter, gradient, rate, factor });
    else {
      const clipped = clip === undefined ? gradient : scaleBy.apply(graph, [gradient, clip])[0];
      optimizer.update(graph, { parameter, gradient: clipped, rate });
    }
  }
  if (ema === undefined) return;
  if (!(ema >= 0 && ema < 1)) {
    throw new UsageError(
      `Expected the average of the weights to keep from 0 to less than 1 of itself but it is ${ema}`,
    );
  }
  const share = graph.constant(1 - ema, f32([]));
  for (const value of [...parameters.map(({ parameter }) => parameter), ...states]) {
    const average = graph.state(`${AVERAGE_PREFIX}${value.name}`, value.spec, { kind: "constant", value: 0 });
    averageUpdate.apply(graph, [average, value, share]);
  }
}

function recordClipFactor(
  graph: Graph,
  parameters: readonly { readonly gradient: Value }[],
  clipNorm: number,
  unscale: Value | undefined,
): Value {
  if (!(clipNorm > 0)) {
    throw new UsageError(`Expected the norm to clip gradients to to be above 0 but it is ${clipNorm}`);
  }
  let sum = graph.constant(0, f32([]));
  for (const { gradient } of parameters) [sum] = addSquares.apply(graph, [gradient, sum]);
  return clipFactor.apply(graph, unscale === undefined ? [sum] : [sum, unscale], { norm: clipNorm })[0];
}
