/** What a plan becomes on a device, without one. */

import type { WebGpuLimits } from "../op.ts";
import type { Plan } from "../plan.ts";
import type { TensorSpec } from "../shape.ts";
import type { Node, Value } from "../graph.ts";
import { MOST_BUFFERS, preferredVariant } from "./executable.ts";
import { viewOf } from "./merge.ts";
import { schedule, type SchedulePass } from "./schedule.ts";

/** The passes of each node of a plan, in the variant that is taken where nothing was measured. */
export function countPasses({ nodes }: Plan, limits: WebGpuLimits): number[] {
  return nodes.map((node) => variantOf(node, limits).passes.length);
}

/** The dispatches of a step of a plan on a device with such limits; those that only make something ready do not count. */
export function countDispatches({ nodes, placement, variables, inputs }: Plan, limits: WebGpuLimits): number {
  const memoryOf = (value: Value): Memory => placement.get(value) ?? value;
  const passes = nodes.flatMap((node) => passesOf(node, limits, memoryOf));
  const kept = new Set<Memory>(variables.filter(({ kind }) => kind !== "constant")), written = new Set<Memory>(inputs);
  return schedule(passes, {
    mostBuffers: Math.min(MOST_BUFFERS, limits.maxStorageBuffersPerShaderStage),
    isVariable: (memory) => kept.has(memory),
    isInput: (memory) => written.has(memory),
  }).step.length;
}

/** The number of a planned buffer, a value with one of its own, or the specification of scratch memory. */
type Memory = number | Value | TensorSpec;

function variantOf(node: Node, limits: WebGpuLimits) {
  const variants = node.op.webgpu(node, limits);
  return variants[preferredVariant(variants)];
}

/** The passes of a node, with the memory that stands for their buffers. */
function passesOf(
  node: Node,
  limits: WebGpuLimits,
  memoryOf: (value: Value) => Memory,
): SchedulePass<Memory>[] {
  const variant = variantOf(node, limits), values = [...node.arguments, ...node.results];
  const scratch = (variant.workspace ?? []).map((spec) => ({ ...spec }));
  const specs = [...values.map(({ spec }) => spec), ...scratch], memory = [...values.map(memoryOf), ...scratch];
  return variant.passes.map(({ elements, bindings }) => ({
    movable: elements !== undefined,
    buffers: bindings.map(({ index, write = false, ...view }) => ({
      buffer: memory[index],
      write,
      as: viewOf({ ...view, dtype: specs[index].dtype, write }),
    })),
  }));
}
