/** Gradients of a batch that goes through the network in parts: their running mean, and the update from it. */

import { f32, Graph, type Precision, type Value } from "../core/mod.ts";
import { averageUpdate } from "../ops/mod.ts";
import { TRANSIENT_PREFIX } from "../weights/mod.ts";
import { sumGradients } from "./_gradient_sums.ts";
import { type Optimizer, type parameterGradients, recordUpdates, type UpdateOptions } from "./optimizers/optimizer.ts";
import type { TogetherOptions } from "./traced_step.ts";

/** The input that holds the weight of a part in the mean gradient of the parts so far. */
export const SHARE = "share";

type ParameterGradient = ReturnType<typeof parameterGradients>[number];

function meanGradient(graph: Graph, { name, spec }: Value): Value {
  return graph.state(TRANSIENT_PREFIX + name, spec, { kind: "constant", value: 0 });
}

/** Records how a part's gradients join the mean of those before. */
export function recordAccumulation(graph: Graph, gradients: readonly ParameterGradient[]): void {
  const share = graph.input(SHARE, f32([]));
  for (const { parameter, gradient } of gradients) {
    averageUpdate.apply(graph, [meanGradient(graph, parameter), gradient, share]);
  }
}

/** A graph of the updates alone, from the mean gradients of the parts. */
export function updateGraph(
  gradients: readonly ParameterGradient[],
  states: readonly Value[],
  optimizer: Optimizer,
  options: UpdateOptions & TogetherOptions & { readonly precision?: Precision },
): Graph {
  const { collective } = options;
  const graph = new Graph({ training: true, precision: options.precision });
  const means = gradients.map(({ parameter: { name, spec, initializer } }) => {
    const parameter = graph.parameter(name, spec, initializer!);
    return { parameter, gradient: meanGradient(graph, parameter) };
  });
  const known = states.map(({ name, spec, initializer }) => graph.state(name, spec, initializer!));
  const given = collective === undefined ? means : sumGradients(graph, means, options);
  recordUpdates(graph, optimizer, given, known, options, collective?.size);
  return graph;
}
