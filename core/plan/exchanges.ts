/** What a program exchanges with other ranks: when each sum over them begins, when it must be there, and where its values lie. */

import type { Transport } from "../collective.ts";
import type { Node, Value } from "../graph/graph.ts";
import { elementCount } from "../graph/shape.ts";

/** One sum over ranks, of all that a node gives: one run of floats. */
export interface Exchange {
  /** The index of the node. The sum begins where it stands. */
  readonly node: number;
  /** The index of the first node that reads a sum, before which they must be there; the number of nodes if none does. */
  readonly wait: number;
  /** Where each argument begins in the run, and its sum too, in floats. */
  readonly offsets: readonly number[];
  /** The floats of the run. */
  readonly length: number;
  /** How they travel. */
  readonly transport: Transport;
}

/** Values begin at whole cache lines: at multiples of so many floats. */
const ALIGNMENT = 16;

/** The exchanges of a program, in the order in which they begin. */
export function exchangesOf(nodes: readonly Node[]): Exchange[] {
  const firstReaders = new Map<Value, number>();
  nodes.forEach((node, index) => {
    for (const value of node.arguments) if (!firstReaders.has(value)) firstReaders.set(value, index);
  });
  return nodes.flatMap((node, index) => {
    if (!node.op.sumsOverRanks) return [];
    const offsets: number[] = [];
    let length = 0;
    for (const { spec } of node.arguments) {
      offsets.push(length);
      length += Math.ceil(elementCount(spec.shape) / ALIGNMENT) * ALIGNMENT;
    }
    const wait = node.results.reduce((first, value) => Math.min(first, firstReaders.get(value) ?? first), nodes.length);
    const { transport } = node.attributes as { readonly transport: Transport };
    return [{ node: index, wait, offsets, length, transport }];
  });
}

/**
 * Moves sums over ranks up to where all that they sum is there, so that they run beside what comes after. The order
 * follows from the nodes alone, so it is the same on all ranks.
 *
 * @param nodes The nodes, in order.
 * @returns The nodes in the new order.
 */
export function exchangeEarly(nodes: readonly Node[]): readonly Node[] {
  if (!nodes.some(({ op }) => op.sumsOverRanks)) return nodes;
  const ordered: Node[] = [];
  for (const node of nodes) {
    if (!node.op.sumsOverRanks) {
      ordered.push(node);
      continue;
    }
    const given = new Set(node.arguments);
    let next = 1 + ordered.findLastIndex((other) =>
      other.results.some((value) => given.has(value)) ||
      other.op.updates?.some((index) => given.has(other.arguments[index]))
    );
    while (ordered[next]?.op.sumsOverRanks) next++;
    ordered.splice(next, 0, node);
  }
  return ordered;
}
