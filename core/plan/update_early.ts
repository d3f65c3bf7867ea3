/** The order of updates in a program that is to save memory: a gradient is dead once the update that reads it has run. */

import type { Node, Value } from "../graph/graph.ts";

/**
 * Moves updates, which compute no value, up to where all that they read is there.
 *
 * An update stays behind every node that reads or changes a variable which it changes, or changes one which it reads, so
 * results are the same.
 *
 * @param nodes The nodes, in order.
 * @returns The nodes in the new order.
 */
export function updateEarly(nodes: readonly Node[]): Node[] {
  const ordered: Node[] = [];
  for (const node of nodes) {
    if (node.results.length > 0 || !node.op.updates?.length) {
      ordered.push(node);
      continue;
    }
    const updated = updatedBy(node);
    const last = ordered.findLastIndex((other) =>
      other.results.some((value) => node.arguments.includes(value)) ||
      other.arguments.some((value) => updated.has(value)) ||
      [...updatedBy(other)].some((value) => node.arguments.includes(value))
    );
    ordered.splice(last + 1, 0, node);
  }
  return ordered;
}

/** The variables that a node changes. */
function updatedBy(node: Node): Set<Value> {
  return new Set((node.op.updates ?? []).map((index) => node.arguments[index]));
}
