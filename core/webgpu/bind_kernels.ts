/** The kernels of a program's nodes with their buffers, and the sums over ranks between them. */

import type { BackendCompileOptions } from "../backend.ts";
import type { Node } from "../graph/graph.ts";
import { byteSize } from "../graph/shape.ts";
import type { Plan } from "../plan/plan.ts";
import type { WebGpuBackend } from "./backend.ts";
import type { BoundKernel } from "./dispatches.ts";
import { type ExchangePoint, exchangePoints } from "./exchange.ts";
import type { ProfiledKernel } from "./profiler.ts";
import type { ProgramMemory } from "./program_memory.ts";

/** A kernel of a node's variant with its buffers, and what a profile tells of it. */
export interface ProfiledBoundKernel extends BoundKernel<GPUBuffer> {
  readonly profile: ProfiledKernel;
}

/** What runs in its turn: a kernel, or what has to do with other ranks. */
export type BoundStep = ProfiledBoundKernel | ExchangePoint;

/** Chooses the kernels of all nodes, and gives them buffers, scratch memory too. */
export function bindKernels(
  backend: WebGpuBackend,
  { nodes }: Plan,
  memory: ProgramMemory,
  options: BackendCompileOptions,
): BoundStep[] {
  const exchanges = pointsOf(backend, nodes, memory, options), points = (index: number) => exchanges.get(index) ?? [];
  const all = nodes.flatMap((node, index) => {
    const waits = points(index).filter(({ waits }) => waits), begins = points(index).filter(({ waits }) => !waits);
    return [...waits, ...(begins.length > 0 ? begins : bindNode(backend, node, index, memory, options))];
  });
  return [...all, ...points(nodes.length)];
}

/** Where sums over ranks begin and are waited for, by the index of the node. */
function pointsOf(
  backend: WebGpuBackend,
  nodes: readonly Node[],
  memory: ProgramMemory,
  { collective }: BackendCompileOptions,
): Map<number, ExchangePoint[]> {
  if (collective === undefined) return new Map();
  const bufferOf = memory.bufferOf.bind(memory), keep = memory.keep.bind(memory);
  return exchangePoints(nodes, backend, collective, bufferOf, keep);
}

/** The kernels of a node, with their buffers. */
function bindNode(
  { policy }: WebGpuBackend,
  node: Node,
  index: number,
  memory: ProgramMemory,
  options: BackendCompileOptions,
): ProfiledBoundKernel[] {
  const variant = policy.choose(node, options), cost = node.op.cost(node);
  const bound = [...node.arguments, ...node.results].map((value) => ({
    spec: value.spec,
    buffer: memory.bufferOf(value),
  }));
  const shared = new Set<GPUBuffer>();
  for (const [slot, spec] of (variant.workspace ?? []).entries()) {
    const buffer = variant.transient?.includes(slot)
      ? memory.scratch(byteSize(spec), shared)
      : memory.own(byteSize(spec), `scratch of ${node.op.name}`);
    bound.push({ spec, buffer });
  }
  return variant.kernels.map((kernel, number) => ({
    kernel,
    buffers: kernel.bindings.map(({ name, index, write, vector, texels }) => {
      const { spec, buffer } = bound[index], size = Math.ceil(byteSize(spec) / 16) * 16;
      return { name, buffer, size, dtype: spec.dtype, write, vector, texels };
    }),
    profile: {
      op: node.op.name,
      variant: variant.name,
      kernel: number,
      node: index,
      cost,
      whole: variant.kernels.length === 1,
    },
  }));
}
