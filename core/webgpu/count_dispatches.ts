/** The kernels and dispatches of a plan, counted without a device. */

import type { Plan } from "../plan/plan.ts";
import type { TensorSpec } from "../graph/shape.ts";
import type { Node, Value } from "../graph/graph.ts";
import { MOST_BUFFERS } from "./executable.ts";
import { viewOf } from "./text/merge.ts";
import { schedule, type ScheduledKernel } from "./schedule.ts";
import type { DeviceProfile } from "./tuning/device_profile.ts";
import type { WebGpuVariant } from "./tuning/family.ts";
import { KernelPolicy } from "./tuning/policy.ts";

/** The number of kernels of each node of a plan, in the variant that runs where nothing was measured. */
export function countKernels({ nodes }: Plan, device: DeviceProfile): number[] {
  const policy = new KernelPolicy(device);
  return nodes.map((node) => policy.choose(node).kernels.length);
}

/** The number of dispatches of a step of a plan on a device, without the prologue's. */
export function countDispatches({ nodes, placement, variables, inputs }: Plan, device: DeviceProfile): number {
  const memoryOf = (value: Value): Memory => placement.get(value) ?? value;
  const policy = new KernelPolicy(device);
  const kernels = nodes.flatMap((node) => kernelsOf(node, policy.choose(node), memoryOf));
  const kept = new Set<Memory>(variables.filter(({ kind }) => kind !== "constant")), written = new Set<Memory>(inputs);
  return schedule(kernels, {
    mostBuffers: Math.min(MOST_BUFFERS, device.limits.maxStorageBuffersPerShaderStage),
    isVariable: (memory) => kept.has(memory),
    isInput: (memory) => written.has(memory),
  }).step.length;
}

/** The number of a planned buffer, a value with one of its own, or the specification of scratch memory. */
type Memory = number | Value | TensorSpec;

/** The kernels of a node, with the memory that stands for their buffers. */
function kernelsOf(
  node: Node,
  variant: WebGpuVariant,
  memoryOf: (value: Value) => Memory,
): ScheduledKernel<Memory>[] {
  const values = [...node.arguments, ...node.results];
  const scratch = (variant.workspace ?? []).map((spec) => ({ ...spec }));
  const specs = [...values.map(({ spec }) => spec), ...scratch], memory = [...values.map(memoryOf), ...scratch];
  return variant.kernels.map(({ elements, bindings }) => ({
    movable: elements !== undefined,
    buffers: bindings.map(({ index, write = false, ...view }) => ({
      buffer: memory[index],
      write,
      as: viewOf({ ...view, dtype: specs[index].dtype, write }),
    })),
  }));
}
