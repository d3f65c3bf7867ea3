/** Fusion: replaces a chain of nodes by one node that does their work. This file applies the rules, which fused ops define. */

import type { Graph, Node, Value } from "../graph/graph.ts";
import type { Attributes } from "../op.ts";
import { getOp, listOps } from "../registry.ts";

/** A rule's view of the program. */
export interface FusionView {
  /** The node that computes a value, fused ones included. */
  producer(value: Value): Node | undefined;
  /** Whether a value is read once and is no output, so that it need not exist. */
  usedOnce(value: Value): boolean;
}

/** The replacement of the matched nodes. */
export interface Fusion {
  /** The nodes that are removed, without the matched one, whose position the new node takes. */
  readonly replaced: readonly Node[];
  /** The new node's arguments. */
  readonly arguments: readonly Value[];
  /** The values that the new node computes, in the order of its outputs. */
  readonly results: readonly Value[];
  /** The attributes that differ from the defaults. */
  readonly attributes?: Attributes;
}

/** A fusion rule of an op. */
export interface FusionRule {
  /** The name of the last op of the chain. */
  readonly last: string;
  /** The replacement for a chain that ends with a node of that op, or nothing if the rule does not apply. */
  match(node: Node, view: FusionView): Fusion | undefined;
}

/**
 * Applies every registered fusion rule.
 *
 * @param graph The traced graph; it is not changed.
 * @param nodes The nodes to run, in order.
 * @param outputs The values that must exist.
 * @returns The nodes after fusion, in order.
 */
export function fuse(graph: Graph, nodes: readonly Node[], outputs: ReadonlySet<Value>): Node[] {
  const rules = listOps().flatMap((op) => (op.fusions ?? []).map((rule) => ({ op: op.name, rule })));
  const uses = new Map<Value, number>();
  for (const node of nodes) for (const value of node.arguments) uses.set(value, (uses.get(value) ?? 0) + 1);
  const removed = new Set<Node>(), fusedProducers = new Map<Value, Node>();
  const view: FusionView = {
    producer: (value) => {
      const node = fusedProducers.get(value) ?? graph.producer(value);
      return node === undefined || removed.has(node) ? undefined : node;
    },
    usedOnce: (value) => uses.get(value) === 1 && !outputs.has(value),
  };
  const fused: Node[] = [];
  for (const node of nodes) {
    let next = node;
    for (const { op, rule } of rules) {
      if (rule.last !== node.op.name) continue;
      const fusion = rule.match(node, view);
      if (fusion === undefined) continue;
      const target = getOp(op);
      for (const replaced of fusion.replaced) removed.add(replaced);
      next = {
        op: target,
        arguments: fusion.arguments,
        results: fusion.results,
        inputs: fusion.arguments.map((value) => value.spec),
        outputs: fusion.results.map((value) => value.spec),
        attributes: { ...target.attributes, ...fusion.attributes },
        fused: [...fusion.replaced, node].flatMap((each) => each.fused ?? [each.op.name]),
      };
      for (const value of next.results) fusedProducers.set(value, next);
      break;
    }
    fused.push(next);
  }
  return fused.filter((node) => !removed.has(node));
}
