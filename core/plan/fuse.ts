/**
 * Fusion: replaces runs of nodes by one node that does their work in one pass. The rules belong to the fused ops; this file
 * only applies them.
 */

import type { Graph, Node, Value } from "../graph/graph.ts";
import type { Attributes } from "../op.ts";
import { getOp, listOps } from "../registry.ts";

/** What a rule may ask of the program it changes. */
export interface FusionView {
  /** The node that computes a value, fused ones included. */
  producer(value: Value): Node | undefined;
  /** Whether a value is used once, and only inside the program, so that it need not exist. */
  usedOnce(value: Value): boolean;
}

/** What takes the place of the matched nodes. */
export interface Fusion {
  /** The nodes that go; the last one's place is taken. */
  readonly replaced: readonly Node[];
  /** The new node's arguments. */
  readonly arguments: readonly Value[];
  /** The values that it computes, in the order of its outputs. */
  readonly results: readonly Value[];
  /** The attributes that differ from the defaults. */
  readonly attributes?: Attributes;
}

/** A rule: given the last node of a run, what the fused op would be applied to, or nothing. */
export interface FusionRule {
  /** The name of the last op of the run. */
  readonly last: string;
  /** Looks at a node of that op. */
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
  const gone = new Set<Node>(), fusedProducers = new Map<Value, Node>();
  const view: FusionView = {
    producer: (value) => {
      const node = fusedProducers.get(value) ?? graph.producer(value);
      return node === undefined || gone.has(node) ? undefined : node;
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
      for (const replaced of fusion.replaced) gone.add(replaced);
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
  return fused.filter((node) => !gone.has(node));
}
