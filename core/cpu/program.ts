/** A plan on the CPU: its kernels, the offsets of its values, and the memory that they take. */

import { type Arena, placeInArena } from "./arena.ts";
import type { MemoryNeed } from "../backend.ts";
import { type Exchange, exchangesOf } from "../plan/exchanges.ts";
import type { Node, Value } from "../graph/graph.ts";
import { lifetimesOf } from "../plan/lifetimes.ts";
import type { CpuStage, CpuStages } from "./stages.ts";
import type { Plan } from "../plan/plan.ts";
import { byteSize } from "../graph/shape.ts";
import { blockBytes } from "./memory.ts";

/** Words of a stage in memory: kernel, tasks, address of the arguments. */
export const STAGE_WORDS = 3;

/** A node's kernel. */
export interface NodeKernel {
  /** The node. */
  readonly node: Node;
  /** Its kernel. */
  readonly kernel: CpuStages;
  /**
   * The variables that its prepacking stages read, if these stages can go into the prologue, which runs only after the
   * variables have changed. The kernel then has memory of its own for what they write.
   */
  readonly sources?: readonly Value[];
}

/** The kernels of a plan and their memory. */
export interface CpuProgram {
  /** The kernel of each node. */
  readonly kernels: readonly NodeKernel[];
  /** The offsets of the computed values. */
  readonly arena: Arena;
  /** The computed values, in the order of {@link Arena.offsets}. */
  readonly values: readonly Value[];
  /** The sums over ranks, where there are others. */
  readonly exchanges: readonly PlacedExchange[];
  /** Floats of the workspace that kernels share. */
  readonly workspace: number;
  /** Floats of scratch memory of a thread. */
  readonly scratch: number;
}

/** A sum over ranks, whose values have memory of their own. */
export interface PlacedExchange extends Exchange {
  /** The arguments that lie there themselves and become their sums; others are copied. */
  readonly inPlace: ReadonlySet<Value>;
}

/**
 * Chooses every kernel and places every computed value.
 *
 * @param together Whether there are other ranks, over which ops sum.
 */
export function programOf({ nodes, outputs, lean }: Plan, together: boolean): CpuProgram {
  const updated = new Set(nodes.flatMap((node) => (node.op.updates ?? []).map((index) => node.arguments[index])));
  const kernels = nodes.map((node): NodeKernel => {
    const kernel = together && node.op.sumsOverRanks ? NO_STAGES : kernelOf(node);
    const sources = prepackSources(kernel, [...node.arguments, ...node.results]);
    return lean || sources?.some((value) => updated.has(value)) ? { node, kernel } : { node, kernel, sources };
  });
  const kept = new Set(outputs.values()), lifetimes = lifetimesOf(nodes, kept);
  const exchanges = together ? placeExchanges(nodes, kept) : [];
  for (const { node, inPlace } of exchanges) {
    for (const value of [...inPlace, ...nodes[node].results]) lifetimes.delete(value);
  }
  const most = (size: (node: NodeKernel) => number) => kernels.reduce((most, node) => Math.max(most, size(node)), 0);
  return {
    kernels,
    arena: placeInArena([...lifetimes.values()]),
    values: [...lifetimes.keys()],
    exchanges,
    workspace: most((node) => sharedPrepacked(node) + (node.kernel.workspace ?? 0)),
    scratch: most(({ kernel }) => kernel.scratch ?? 0),
  };
}

/** What runs of a node whose sums the collective computes. */
const NO_STAGES: CpuStages = { stages: [] };

/** The sums over ranks. A computed value that nothing else reads is summed where it lies. */
function placeExchanges(nodes: readonly Node[], kept: ReadonlySet<Value>): PlacedExchange[] {
  const uses = new Map<Value, number>(), sums = new Set<Value>();
  for (const node of nodes) {
    for (const value of node.arguments) uses.set(value, (uses.get(value) ?? 0) + 1);
    if (node.op.sumsOverRanks) { for (const value of node.results) sums.add(value); }
  }
  return exchangesOf(nodes).map((exchange) => {
    const alone = nodes[exchange.node].arguments.filter((value) =>
      value.kind === "computed" && uses.get(value) === 1 && !kept.has(value) && !sums.has(value)
    );
    return { ...exchange, inPlace: new Set(alone) };
  });
}

/** Floats at the start of the shared workspace that hold a kernel's prepacked weights, if it has no memory of its own for them. */
export function sharedPrepacked({ kernel: { prepacked = 0 }, sources }: NodeKernel): number {
  return sources === undefined ? Math.ceil(prepacked / 16) * 16 : 0;
}

/** The stages of each node of a plan. */
export function countStages({ nodes }: Plan): number[] {
  return nodes.map((node) => kernelOf(node).stages.length);
}

/**
 * The memory that a plan takes, without its parameters and states and without the threads' scratch memory.
 *
 * @param together As for {@link programOf}.
 */
export function memoryNeed(plan: Plan, together: boolean): MemoryNeed {
  const { kernels, arena, workspace, exchanges } = programOf(plan, together);
  const own = [...plan.inputs, ...plan.variables.filter(({ kind }) => kind === "constant")];
  const prepacked = kernels.filter(({ sources }) => sources !== undefined);
  const tables = [true, false].map((first) =>
    kernels.reduce((words, { kernel, sources }) => {
      const stages = kernel.stages.filter((stage) => (sources !== undefined && prepacks(stage)) === first);
      return stages.reduce((sum, stage) => "run" in stage ? sum : sum + STAGE_WORDS + stage.arguments.length, words);
    }, 0)
  );
  const sizes = [
    arena.bytes,
    ...exchanges.map(({ length }) => 4 * length),
    ...own.map(({ spec }) => byteSize(spec)),
    ...[workspace, ...prepacked.map(({ kernel }) => kernel.prepacked!), ...tables].map((words) => 4 * words),
  ];
  const values = [...plan.placement.keys(), ...plan.inputs, ...plan.variables];
  return {
    total: sizes.reduce((sum, size) => sum + blockBytes(size), 0),
    tensor: values.reduce((most, { spec }) => Math.max(most, byteSize(spec)), 0),
  };
}

/** Whether a stage only changes the layout of weights. */
export function prepacks(stage: CpuStage): boolean {
  return "prepacks" in stage && stage.prepacks === true;
}

/** A node's kernel: the op's own, or its reference loops in float32. */
function kernelOf(node: Node): CpuStages {
  if (node.op.cpu !== undefined) return node.op.cpu(node);
  const reference = node.op.reference(node);
  return { stages: [{ tasks: 1, run: (buffers) => reference(buffers) }] };
}

/** The variables that a kernel's prepacking stages read; nothing if there are no such stages or they read other values too. */
function prepackSources({ stages }: CpuStages, values: readonly Value[]): Value[] | undefined {
  if (!stages.some(prepacks) || stages.some((stage) => "run" in stage)) return undefined;
  const read = stages.flatMap((stage) => prepacks(stage) && "arguments" in stage ? stage.arguments : [])
    .flatMap((argument) => typeof argument === "object" && "buffer" in argument ? [values[argument.buffer]] : []);
  return read.every(({ kind }) => kind === "parameter" || kind === "state") ? read : undefined;
}
