/**
 * The planner: chooses the nodes that run and the buffer of each value. Values whose lifetimes do not overlap share a buffer.
 * A buffer is a whole allocation, since WebGPU refuses a dispatch that binds one buffer both for reading and for writing.
 */

import { assignBuffers } from "./assign_buffers.ts";
import { exchangeEarly } from "./exchanges.ts";
import { fuse } from "./fuse.ts";
import type { Graph, Node, Value } from "../graph/graph.ts";
import { lifetimesOf } from "./lifetimes.ts";
import { recompute } from "./recompute.ts";
import { updateEarly } from "./update_early.ts";

/** A program ready for a backend. */
export interface Plan {
  /** The nodes, in the order of execution. */
  readonly nodes: readonly Node[];
  /** The inputs, which the caller writes. */
  readonly inputs: readonly Value[];
  /** The parameters, states and constants, which outlive a step. */
  readonly variables: readonly Value[];
  /** The index of each computed value's planned buffer. */
  readonly placement: ReadonlyMap<Value, number>;
  /** The bytes of each planned buffer. */
  readonly bufferSizes: readonly number[];
  /** The values that can be read after a step. */
  readonly outputs: ReadonlyMap<string, Value>;
  /** Whether memory goes before time, as {@link PlanOptions.lean} asks. */
  readonly lean: boolean;
}

/** The options of a plan. */
export interface PlanOptions {
  /** Whether fusion rules apply. Defaults to true. */
  readonly fuse?: boolean;
  /** Whether the backward pass computes values of the forward pass again, which saves memory. Defaults to false. */
  readonly recompute?: boolean;
  /**
   * Whether memory goes before time: updates run as soon as they can, and no other form of the weights is kept from one step
   * to the next. Defaults to false.
   */
  readonly lean?: boolean;
}

/**
 * Plans a graph: drops nodes that no output or update needs, fuses, and assigns memory by liveness ({@link assignBuffers}).
 *
 * @param graph The traced graph.
 * @param outputs The values that can be read after a step, by name.
 */
export function plan(graph: Graph, outputs: ReadonlyMap<string, Value>, options: PlanOptions = {}): Plan {
  const kept = new Set(outputs.values());
  let nodes: readonly Node[] = neededNodes(graph, kept);
  if (options.fuse ?? true) nodes = fuse(graph, nodes, kept);
  if (options.recompute ?? false) nodes = recompute(graph, nodes, kept);
  nodes = exchangeEarly(nodes);
  const lean = options.lean ?? false;
  if (lean) nodes = updateEarly(nodes);

  const lifetimes = lifetimesOf(nodes, kept), values = [...lifetimes.keys()];
  const { buffers, sizes } = assignBuffers([...lifetimes.values()]);
  const placement = new Map(values.map((value, index) => [value, buffers[index]]));

  const used = new Set(nodes.flatMap((node) => node.arguments));
  for (const value of kept) used.add(value);
  return {
    nodes,
    inputs: graph.values.filter((value) => value.kind === "input" && used.has(value)),
    variables: graph.values.filter((value) =>
      (value.kind === "parameter" || value.kind === "state" || value.kind === "constant") && used.has(value)
    ),
    placement,
    bufferSizes: sizes,
    outputs,
    lean,
  };
}

/** The bytes of all planned buffers: the peak of activations, gradients and intermediate values. */
export function plannedBytes(plan: Plan): number {
  return plan.bufferSizes.reduce((sum, size) => sum + size, 0);
}

function neededNodes(graph: Graph, outputs: ReadonlySet<Value>): Node[] {
  const needed = new Set(outputs);
  const nodes: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.op.updates?.length && !node.results.some((value) => needed.has(value))) continue;
    for (const value of node.arguments) needed.add(value);
    nodes.push(node);
  }
  return nodes.reverse();
}
