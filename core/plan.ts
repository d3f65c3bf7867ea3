/**
 * The planner: which nodes run, and which memory each value has. Values whose lives do not overlap share a buffer. A buffer
 * is a whole allocation, since WebGPU refuses one buffer bound both for reading and for writing in a dispatch.
 */

import { fuse } from "./fuse.ts";
import type { Graph, Node, Value } from "./graph.ts";
import { byteSize } from "./shape.ts";

/** A program ready for a backend. */
export interface Plan {
  /** The nodes, in the order of execution. */
  readonly nodes: readonly Node[];
  /** The inputs, which the caller writes. */
  readonly inputs: readonly Value[];
  /** The parameters, states and constants, which outlive a step. */
  readonly variables: readonly Value[];
  /** The number of the planned buffer that holds each computed value. */
  readonly placement: ReadonlyMap<Value, number>;
  /** The bytes of each planned buffer. */
  readonly bufferSizes: readonly number[];
  /** The values that can be read after a step. */
  readonly outputs: ReadonlyMap<string, Value>;
}

/**
 * Plans a graph: drops what no output or update needs, fuses, and assigns memory by liveness (greedy best fit).
 *
 * @param graph The traced graph.
 * @param outputs The values that can be read after a step, by name.
 * @param options `fuse`: whether fusion rules apply, true unless said otherwise.
 */
export function plan(graph: Graph, outputs: ReadonlyMap<string, Value>, options: { fuse?: boolean } = {}): Plan {
  const kept = new Set(outputs.values());
  let nodes = neededNodes(graph, kept);
  if (options.fuse ?? true) nodes = fuse(graph, nodes, kept);

  const lastUse = new Map<Value, number>();
  nodes.forEach((node, index) => {
    for (const value of [...node.results, ...node.arguments]) lastUse.set(value, index);
  });
  for (const value of kept) lastUse.set(value, nodes.length);

  const placement = new Map<Value, number>();
  const bufferSizes: number[] = [];
  const free: number[] = [];
  nodes.forEach((node, index) => {
    for (const value of node.results) placement.set(value, takeBuffer(byteSize(value.spec), free, bufferSizes));
    for (const value of new Set([...node.results, ...node.arguments])) {
      if (lastUse.get(value) === index && placement.has(value)) free.push(placement.get(value)!);
    }
  });

  const used = new Set(nodes.flatMap((node) => node.arguments));
  for (const value of kept) used.add(value);
  return {
    nodes,
    inputs: graph.values.filter((value) => value.kind === "input" && used.has(value)),
    variables: graph.values.filter((value) =>
      (value.kind === "parameter" || value.kind === "state" || value.kind === "constant") && used.has(value)
    ),
    placement,
    bufferSizes,
    outputs,
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

function takeBuffer(bytes: number, free: number[], sizes: number[]): number {
  let best = -1, largest = -1;
  free.forEach((buffer, index) => {
    if (sizes[buffer] >= bytes && (best < 0 || sizes[buffer] < sizes[free[best]])) best = index;
    if (largest < 0 || sizes[buffer] > sizes[free[largest]]) largest = index;
  });
  if (best >= 0) return free.splice(best, 1)[0];
  if (largest >= 0) {
    const [buffer] = free.splice(largest, 1);
    sizes[buffer] = bytes;
    return buffer;
  }
  sizes.push(bytes);
  return sizes.length - 1;
}
