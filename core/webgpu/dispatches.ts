/** The dispatches of a program, written without a device: kernels are scheduled, and those that share a dispatch are merged. */

import type { WebGpuKernel } from "./kernel.ts";
import { schedule, type ScheduleOptions } from "./schedule.ts";
import { type BoundBuffer, type ElementsKernel, mergeKernels, viewOf } from "./text/merge.ts";
import { shaderText } from "./text/shader.ts";
import { withUniformSizes } from "./text/sizes.ts";
import type { KernelPolicy } from "./tuning/policy.ts";

/** The most buffers of a merged dispatch, which keeps its text short. */
const MOST_BUFFERS = 32;

/** A kernel of a node's variant with its buffers. */
export interface BoundKernel<B> {
  /** The kernel. */
  readonly kernel: WebGpuKernel;
  /** The buffers in the order of the kernel's bindings. */
  readonly buffers: readonly BoundBuffer<B>[];
}

/** A transfer between buffers and the host, which keeps its place among the kernels that use these buffers. */
export interface BoundTransfer<B> {
  /** There is none. */
  readonly kernel?: undefined;
  /** The buffers, as if a kernel bound them. */
  readonly buffers: readonly BoundBuffer<B>[];
}

/** Where a transfer happens. */
export interface PlacedTransfer {
  /** The index of the transfer among the kernels. */
  readonly index: number;
  /** The number of dispatches of a step that run before it. */
  readonly after: number;
}

/** A dispatch of one kernel, or of several merged ones. */
export interface WrittenDispatch<B> {
  /** The indices of the kernels. */
  readonly members: readonly number[];
  /** The whole text of the shader. */
  readonly text: string;
  /** The buffers in the order of their binding numbers. */
  readonly buffers: readonly BoundBuffer<B>[];
  /** What the last binding, a uniform, holds where the text is free of sizes. */
  readonly uniform?: Uint32Array<ArrayBuffer>;
  /** The number of workgroups along each axis. */
  readonly workgroups: readonly [number, number, number];
}

/** The dispatches of a program, in the order of running. */
export interface WrittenProgram<B> {
  /** Those that run before the first step and again after a weight is written. */
  readonly prologue: readonly WrittenDispatch<B>[];
  /** Those of every step. */
  readonly step: readonly WrittenDispatch<B>[];
  /** The transfers of every step, in order. */
  readonly transfers: readonly PlacedTransfer[];
}

/** Schedules the kernels of a program and writes its shaders. */
export function writeDispatches<B>(
  kernels: readonly (BoundKernel<B> | BoundTransfer<B>)[],
  policy: KernelPolicy,
  memory: Pick<ScheduleOptions<B>, "isVariable" | "isInput">,
): WrittenProgram<B> {
  const { prologue, step } = schedule(
    kernels.map(({ kernel, buffers }) => ({
      movable: kernel?.elements !== undefined,
      buffers: buffers.map((bound) => ({ buffer: bound.buffer, write: bound.write ?? false, as: viewOf(bound) })),
    })),
    { ...memory, mostBuffers: Math.min(MOST_BUFFERS, policy.device.limits.maxStorageBuffersPerShaderStage) },
  );
  const write = (members: readonly number[]) => {
    const bound = members.map((index) => kernels[index]).filter((each) => each.kernel !== undefined);
    return writeDispatch(bound, members, policy);
  };
  const isTransfer = ([first]: readonly number[]) => kernels[first].kernel === undefined;
  const transfers: PlacedTransfer[] = [];
  for (const [index, members] of step.entries()) {
    if (isTransfer(members)) transfers.push({ index: members[0], after: index - transfers.length });
  }
  return { prologue: prologue.map(write), step: step.filter((members) => !isTransfer(members)).map(write), transfers };
}

function writeDispatch<B>(
  bound: readonly BoundKernel<B>[],
  members: readonly number[],
  { device, mergeShape }: KernelPolicy,
): WrittenDispatch<B> {
  if (members.length > 1) {
    const merged = bound.map(({ kernel, buffers }): ElementsKernel<B> => ({ elements: kernel.elements!, buffers }));
    return { members, ...mergeKernels(inOneOrder(merged), device.limits, mergeShape) };
  }
  const { kernel: { wgsl, workgroups }, buffers } = bound[0];
  const sized = mergeShape.uniform ? withUniformSizes(wgsl, buffers.length) : undefined;
  return { members, text: shaderText(sized?.wgsl ?? wgsl, buffers), buffers, uniform: sized?.words, workgroups };
}

/** Kernels in an order of their texts, so that the same ones in any order give one shader. None reads what another writes. */
function inOneOrder<B>(kernels: readonly ElementsKernel<B>[]): ElementsKernel<B>[] {
  const keyOf = ({ elements: { body, declarations = "" } }: ElementsKernel<B>) => `${declarations}\n${body}`;
  return kernels.map((kernel) => ({ kernel, key: keyOf(kernel) }))
    .sort((a, b) => a.key < b.key ? -1 : Number(a.key > b.key))
    .map(({ kernel }) => kernel);
}
