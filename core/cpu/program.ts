/** A plan on the CPU: its kernels, the offsets of its values, and the memory that they take. */

import { type Arena, placeInArena } from "./arena.ts";
import type { MemoryNeed } from "../backend.ts";
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
  /** Floats of the workspace that kernels share. */
  readonly workspace: number;
  /** Floats of scratch memory of a thread. */
  readonly scratch: number;
}

/** Chooses every kernel and places every computed value. */
export function programOf({ nodes, outputs, lean }: Plan): CpuProgram {
  const updated = new Set(nodes.flatMap((node) => (node.op.updates ?? []).map((index) => node.arguments[index])));
  const kernels = nodes.map((node): NodeKernel => {
    const kernel = kernelOf(node), sources = prepackSources(kernel, [...node.arguments, ...node.results]);
    return lean || sources?.some((value) => updated.has(value)) ? { node, kernel } : { node, kernel, sources };
  });
  const lifetimes = lifetimesOf(nodes, new Set(outputs.values()));
  const most = (size: (node: NodeKernel) => number) => kernels.reduce((most, node) => Math.max(most, size(node)), 0);
  return {
    kernels,
    arena: placeInArena([...lifetimes.values()]),
    values: [...lifetimes.keys()],
    workspace: most((node) => sharedPrepacked(node) + (node.kernel.workspace ?? 0)),
    scratch: most(({ kernel }) => kernel.scratch ?? 0),
  };
}

/** Floats at the start of the shared workspace that hold a kernel's prepacked weights, if it has no memory of its own for them. */
export function sharedPrepacked({ kernel: { prepacked = 0 }, sources }: NodeKernel): number {
  return sources === undefined ? Math.ceil(prepacked / 16) * 16 : 0;
}

/** The stages of each node of a plan. */
export function countStages({ nodes }: Plan): number[] {
  return nodes.map((node) => kernelOf(node).stages.length);
}

/** The memory that a plan takes, without its parameters and states and without the threads' scratch memory. */
export function memoryNeed(plan: Plan): MemoryNeed {
  const { kernels, arena, workspace } = programOf(plan);
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
