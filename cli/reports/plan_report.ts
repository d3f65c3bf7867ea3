/** The program of a plan as people read it: what runs, in which memory, and how much work it is. */

import {
  byteSize,
  countDispatches,
  countKernels,
  countShaders,
  countStages,
  DEFAULT_PROFILE,
  type Node,
  type Plan,
  plannedBytes,
  requestAdapter,
  type Value,
  WebGpuBackend,
} from "../../core/mod.ts";
import { formatTable } from "./table.ts";

/** How a plan is carried out on a backend. */
interface Execution {
  /** The kernels of each node. */
  readonly kernels: readonly number[];
  /** All of them, in words. */
  readonly total: string;
}

/** A table of the nodes of a plan, and what they come to on a backend; `gpu` as `openBackend` takes it. */
export async function formatPlan(plan: Plan, backend: "cpu" | "webgpu", gpu?: GPU): Promise<string> {
  const { nodes, placement, bufferSizes } = plan;
  const { kernels, total } = backend === "cpu" ? onCpu(plan) : await onWebGpu(plan, gpu);
  const costs = nodes.map((node) => node.op.cost(node));
  const flops = costs.reduce((sum, cost) => sum + cost.flops, 0);
  const bytes = costs.reduce((sum, cost) => sum + cost.bytes, 0);
  return [
    formatTable([
      ["op", "fuses or updates", "output", "buffer", "kernels", "MFLOP", "MB"],
      ...nodes.map((node, index) => [
        node.op.name,
        aboutOf(node),
        outputOf(node),
        bufferOf(node, placement),
        kernels[index],
        (costs[index].flops / 1e6).toFixed(1),
        (costs[index].bytes / 1e6).toFixed(1),
      ]),
      [
        "all",
        "",
        "",
        "",
        kernels.reduce((sum, count) => sum + count, 0),
        (flops / 1e6).toFixed(1),
        (bytes / 1e6).toFixed(1),
      ],
    ]),
    "",
    `${nodes.length} ops, ${total}`,
    `${(flops / 1e9).toFixed(2)} GFLOP, ${
      bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
    } moved where each tensor moves once`,
    `${mebibytes(plannedBytes(plan))} MiB of computed values in ${bufferSizes.length} buffers, ${
      mebibytes(sizeOf(plan.variables))
    } MiB of variables, ${mebibytes(sizeOf(plan.inputs))} MiB of inputs`,
  ].join("\n");
}

/** Bytes as MiB. */
export function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

/** The bytes of some values. */
export function sizeOf(values: readonly Value[]): number {
  return values.reduce((sum, { spec }) => sum + byteSize(spec), 0);
}

function onCpu(plan: Plan): Execution {
  return { kernels: countStages(plan), total: `${plan.nodes.length} kernel calls on the CPU` };
}

/** On the adapter at hand, or on one that offers what all do. */
async function onWebGpu(plan: Plan, gpu: GPU | undefined): Promise<Execution> {
  const backend = await requestAdapter({ gpu }) === undefined ? undefined : await WebGpuBackend.create({ gpu });
  const device = backend?.profile ?? DEFAULT_PROFILE,
    where = backend?.adapter.name ?? "a device of WebGPU's default limits";
  backend?.destroy();
  const { shaders, characters } = countShaders(plan, device);
  return {
    kernels: countKernels(plan, device),
    total: `${countDispatches(plan, device)} dispatches on WebGPU, ${where}\n${shaders} shaders to compile, ${
      (characters / 1e3).toFixed(0)
    } kB of text`,
  };
}

/** The ops whose work a node does in their place; or the variable that it updates, where it computes nothing else. */
function aboutOf({ fused = [], results, arguments: [first] }: Node): string {
  return results.length > 0 ? fused.join(", ") : first.name;
}

/** The shape of what a node computes or updates. */
function outputOf({ results: [result], arguments: [first] }: Node): string {
  return (result ?? first).spec.shape.join("x") || "scalar";
}

/** The number of the buffer; none for what is updated in place. */
function bufferOf({ results: [result] }: Node, placement: Plan["placement"]): string | number {
  return result === undefined ? "-" : placement.get(result)!;
}
