/** What an optimiser is, and what goes around each of them: clipping before the update, an average of the weights after it. */

import { f32, type Graph, UsageError, type Value } from "../core/mod.ts";
import { addSquares, averageUpdate, clipFactor, scaleBy } from "../ops/mod.ts";
import { AVERAGE_PREFIX, OPTIMIZER_PREFIX } from "./variables.ts";

/** The name of the input that holds the learning rate, a scalar. */
export const LEARNING_RATE = "learningRate";

/**
 * A rule by which gradients change parameters.
 *
 * @example
 * ```ts
 * import { sgdUpdate } from "../ops/mod.ts";
 * import { type Optimizer, optimizerState } from "./mod.ts";
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
  /**
   * Records the update of one parameter, by ops that write it in place.
   *
   * @param graph The graph of a training step.
   * @param step The parameter, the gradient of the loss by it, of the same shape, and the learning rate [].
   */
  update(graph: Graph, step: { readonly parameter: Value; readonly gradient: Value; readonly rate: Value }): void;
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

/** What {@link recordUpdates} does beside the optimiser's updates. */
export interface UpdateOptions {
  /** The norm of all gradients together above which they are scaled down to it; no limit unless given. */
  readonly clipNorm?: number;
  /** The share of the old average that each step keeps in an average of the weights; no average is made unless given. */
  readonly ema?: number;
}

/**
 * Records the updates of one step.
 *
 * Clipping is that of `torch.nn.utils.clip_grad_norm_`: by the norm over all gradients, weight decay not included. The
 * average is exponential, average = ema·average + (1 - ema)·value, of the parameters and of batch norm's statistics.
 *
 * @param graph The graph, which gets an input named `learningRate`.
 * @param parameters The parameters and their gradients.
 * @param states The model's other variables, which are averaged too.
 */
export function recordUpdates(
  graph: Graph,
  optimizer: Optimizer,
  parameters: readonly { readonly parameter: Value; readonly gradient: Value }[],
  states: readonly Value[],
  { clipNorm, ema }: UpdateOptions,
): void {
  const rate = graph.input(LEARNING_RATE, f32([]));
  const factor = clipNorm === undefined ? undefined : recordClipFactor(graph, parameters, clipNorm);
  for (const { parameter, gradient } of parameters) {
    const clipped = factor === undefined ? gradient : scaleBy.apply(graph, [gradient, factor])[0];
    optimizer.update(graph, { parameter, gradient: clipped, rate });
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

function recordClipFactor(graph: Graph, parameters: readonly { readonly gradient: Value }[], clipNorm: number): Value {
  let sum = graph.constant(0, f32([]));
  for (const { gradient } of parameters) [sum] = addSquares.apply(graph, [gradient, sum]);
  return clipFactor.apply(graph, [sum], { norm: clipNorm })[0];
}
