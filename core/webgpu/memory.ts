/** How much memory a program takes on WebGPU: what `WebGpuExecutable` allocates, counted without a device. */

import type { BackendCompileOptions, MemoryNeed } from "../backend.ts";
import type { WebGpuLimits } from "../op.ts";
import type { Plan } from "../plan.ts";
import { byteSize } from "../shape.ts";
import { ringBytes, runsOf, variantOf } from "./executable.ts";

/** The bytes of the buffer for so many. */
export function bufferBytes(bytes: number): number {
  return Math.max(16, Math.ceil(bytes / 16) * 16);
}

/** What a plan takes beside its parameters and states: planned buffers, inputs, constants, scratch memory of kernels. */
export function memoryNeed(
  { nodes, bufferSizes, inputs, variables }: Plan,
  limits: WebGpuLimits,
  options: Pick<BackendCompileOptions, "scalars" | "chooseVariant">,
): MemoryNeed {
  const own = [...inputs, ...variables.filter(({ kind }) => kind === "constant")];
  const scratch = runsOf(nodes, limits).flatMap(({ from, to }) =>
    variantOf(nodes.slice(from, to), limits, options).workspace ?? []
  );
  const sizes = [
    ...bufferSizes,
    ...[...own.map(({ spec }) => spec), ...scratch].map(byteSize),
    ...(options.scalars.length > 0 ? [ringBytes(options.scalars)] : []),
  ].map(bufferBytes);
  const variableSizes = variables.map(({ spec }) => bufferBytes(byteSize(spec)));
  return {
    total: sizes.reduce((sum, size) => sum + size, 0),
    tensor: Math.max(0, ...sizes, ...variableSizes),
  };
}
