/** The kernels, dispatches and shaders of a plan, counted without a device. */

import type { Plan } from "../plan/plan.ts";
import { byteSize, type TensorSpec } from "../graph/shape.ts";
import type { Node, Value } from "../graph/graph.ts";
import { type BoundKernel, writeDispatches, type WrittenProgram } from "./dispatches.ts";
import type { DeviceProfile } from "./tuning/device_profile.ts";
import type { WebGpuVariant } from "./tuning/family.ts";
import { KernelPolicy } from "./tuning/policy.ts";

/** The number of kernels of each node of a plan, in the variant that runs where nothing was measured. */
export function countKernels({ nodes }: Plan, device: DeviceProfile): number[] {
  const policy = new KernelPolicy(device);
  return nodes.map((node) => policy.choose(node).kernels.length);
}

/** The number of dispatches of a step of a plan on a device, without the prologue's. */
export function countDispatches(plan: Plan, device: DeviceProfile): number {
  return writtenProgram(plan, device).step.length;
}

/** The shaders of a plan. */
export interface ShaderCount {
  /** The distinct texts, each of which is compiled once. */
  readonly shaders: number;
  /** Their characters. */
  readonly characters: number;
}

/** What there is to compile of a plan on a device. */
export function countShaders(plan: Plan, device: DeviceProfile): ShaderCount {
  const { prologue, step } = writtenProgram(plan, device);
  const texts = [...new Set([...prologue, ...step].map(({ text }) => text))];
  return { shaders: texts.length, characters: texts.reduce((sum, { length }) => sum + length, 0) };
}

function writtenProgram({ nodes, placement, variables, inputs }: Plan, device: DeviceProfile): WrittenProgram<Memory> {
  const memoryOf = (value: Value): Memory => placement.get(value) ?? value;
  const policy = new KernelPolicy(device);
  const kernels = nodes.flatMap((node) => kernelsOf(node, policy.choose(node), memoryOf));
  const kept = new Set<Memory>(variables.filter(({ kind }) => kind !== "constant")), written = new Set<Memory>(inputs);
  return writeDispatches(kernels, policy, {
    isVariable: (memory) => kept.has(memory),
    isInput: (memory) => written.has(memory),
  });
}

/** The number of a planned buffer, a value with one of its own, or the specification of scratch memory. */
type Memory = number | Value | TensorSpec;

/** The kernels of a node, with the memory that stands for their buffers. */
function kernelsOf(
  node: Node,
  variant: WebGpuVariant,
  memoryOf: (value: Value) => Memory,
): BoundKernel<Memory>[] {
  const values = [...node.arguments, ...node.results];
  const scratch = (variant.workspace ?? []).map((spec) => ({ ...spec }));
  const specs = [...values.map(({ spec }) => spec), ...scratch], memory = [...values.map(memoryOf), ...scratch];
  return variant.kernels.map((kernel) => ({
    kernel,
    buffers: kernel.bindings.map(({ index, ...view }) => ({
      ...view,
      buffer: memory[index],
      size: byteSize(specs[index]),
      dtype: specs[index].dtype,
    })),
  }));
}
