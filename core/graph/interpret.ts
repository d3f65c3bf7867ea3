/** Runs a graph node by node with the ops' reference kernels in float64: slow, but all fast kernels are checked against it. */

import { ResiduaError } from "../util/errors.ts";
import type { Graph, Value } from "./graph.ts";
import type { NumericArray } from "../op.ts";
import { elementCount, isFloat, type TensorSpec } from "./shape.ts";

/** A float64 array for a tensor of floats, an integer array for labels and indices. */
export function float64Array(spec: TensorSpec): Float64Array | Uint32Array {
  const count = elementCount(spec.shape);
  return isFloat(spec) ? new Float64Array(count) : new Uint32Array(count);
}

/**
 * Computes every value of a graph in float64.
 *
 * @param graph The traced graph.
 * @param given The elements of its inputs and variables. Ops update variables in place.
 * @returns The elements of every value.
 * @throws {ResiduaError} If an input or a variable is not given.
 */
export function interpret(graph: Graph, given: ReadonlyMap<Value, NumericArray>): Map<Value, NumericArray> {
  const values = new Map(given);
  for (const value of graph.values) {
    if (value.kind !== "constant" || value.initializer?.kind !== "constant") continue;
    values.set(value, float64Array(value.spec).fill(value.initializer.value));
  }
  for (const node of graph.nodes) {
    const inputs = node.arguments.map((value) => {
      const array = values.get(value);
      if (array === undefined) throw new ResiduaError(`interpret: the ${value.kind} "${value.name}" is not given`);
      return array;
    });
    const outputs = node.results.map((value) => float64Array(value.spec));
    node.op.reference(node)([...inputs, ...outputs]);
    node.results.forEach((value, index) => values.set(value, outputs[index]));
  }
  return values;
}
