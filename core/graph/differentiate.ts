/** Reverse-mode differentiation: walks a graph backwards and records each op's gradient rule in the same graph. */

import { ResiduaError, ShapeError } from "../util/errors.ts";
import type { Graph, Value } from "./graph.ts";
import { getOp } from "../registry.ts";
import { elementCount, formatSpec, sameShape } from "./shape.ts";

/**
 * Records the gradients of a scalar.
 *
 * @param graph The graph, which receives the new nodes.
 * @param loss A scalar, shape [].
 * @param targets The values to differentiate by.
 * @param seed A scalar by which all gradients are multiplied: the gradient of the loss by itself. Defaults to 1.
 * @returns The gradient of each target, of the target's shape and f32 if the target is; nothing where the loss does not depend
 * on it.
 * @throws {ShapeError} If the loss is no scalar, or a gradient rule gives another shape than its input's.
 * @throws {ResiduaError} If an op between the targets and the loss has no gradient rule.
 */
export function differentiate(
  graph: Graph,
  loss: Value,
  targets: readonly Value[],
  seed: Value = graph.constant(1, loss.spec),
): (Value | undefined)[] {
  if (elementCount(loss.spec.shape) !== 1) {
    throw new ShapeError(`differentiate: expected the loss to be a scalar but it is ${formatSpec(loss.spec)}`);
  }
  const nodes = [...graph.nodes];
  graph.beginBackward();
  const needed = new Set<Value>(targets);
  for (const node of nodes) {
    if (node.arguments.some((value) => needed.has(value))) node.results.forEach((value) => needed.add(value));
  }
  const gradients = new Map<Value, Value>([[loss, seed]]);
  for (const node of nodes.reverse()) {
    if (!node.results.some((value) => needed.has(value))) continue;
    const outputGradients = node.results.map((value) => gradients.get(value));
    if (outputGradients.every((value) => value === undefined)) continue;
    if (node.op.gradient === undefined) {
      throw new ResiduaError(
        `The op ${node.op.name} has no gradient rule, so the loss cannot be differentiated through it`,
      );
    }
    const inputGradients = node.op.gradient(graph, node, outputGradients);
    node.arguments.forEach((value, index) => {
      const gradient = inputGradients[index];
      if (gradient === undefined || !needed.has(value)) return;
      if (!sameShape(gradient.spec.shape, value.spec.shape)) {
        throw new ShapeError(
          `${node.op.name}: the gradient of argument ${index} is ${formatSpec(gradient.spec)}, expected ${
            formatSpec(value.spec)
          }`,
        );
      }
      const sum = gradients.get(value);
      gradients.set(value, sum === undefined ? gradient : graph.apply(getOp("add"), [sum, gradient])[0]);
    });
  }
  return targets.map((value) => gradients.get(value));
}
