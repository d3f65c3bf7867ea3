/** The lifetimes of computed values. */

import type { Lifetime } from "./assign_buffers.ts";
import type { Node, Value } from "../graph/graph.ts";
import { byteSize } from "../graph/shape.ts";

/**
 * The lifetimes of the values that nodes compute, in the order of execution.
 *
 * @param nodes The nodes, in order.
 * @param kept The values that must exist after the last node.
 */
export function lifetimesOf(nodes: readonly Node[], kept: ReadonlySet<Value>): Map<Value, Lifetime> {
  const lifetimes = new Map<Value, { first: number; last: number; bytes: number }>();
  nodes.forEach((node, index) => {
    for (const value of node.results) lifetimes.set(value, { first: index, last: index, bytes: byteSize(value.spec) });
    for (const value of node.arguments) {
      const lifetime = lifetimes.get(value);
      if (lifetime !== undefined) lifetime.last = index;
    }
  });
  for (const [value, lifetime] of lifetimes) if (kept.has(value)) lifetime.last = nodes.length;
  return lifetimes;
}
