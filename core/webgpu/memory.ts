/** The memory that a program takes on WebGPU: the allocations of `WebGpuExecutable`, counted without a device. */

import { type BackendCompileOptions, type MemoryNeed, SCALAR_CAPACITY } from "../backend.ts";
import type { Node } from "../graph/graph.ts";
import { exchangesOf } from "../plan/exchanges.ts";
import type { Plan } from "../plan/plan.ts";
import { byteSize } from "../graph/shape.ts";
import { ScratchPool } from "./scratch.ts";
import { uniformBytes } from "./text/merge.ts";
import { TexelPool, texelShape, texelsOf, texelTextureBytes, type TexelType } from "./texels.ts";
import type { WebGpuVariant } from "./tuning/family.ts";
import type { KernelPolicy } from "./tuning/policy.ts";

/** The bytes of a buffer that holds `bytes`. */
export function bufferBytes(bytes: number): number {
  return Math.max(16, Math.ceil(bytes / 16) * 16);
}

/** The bytes of recorded scalars. */
export function ringBytes(scalars: readonly string[]): number {
  return SCALAR_CAPACITY * scalars.length * 4;
}

/**
 * The memory that a plan takes, without its parameters and states: planned buffers, inputs, constants, scratch memory of
 * kernels, and the textures that they read through.
 *
 * @param policy The policy that chooses the device's kernels.
 * @param largest The bytes of the largest buffer that the device binds.
 */
export function memoryNeed(
  { nodes, bufferSizes, inputs, variables }: Plan,
  policy: KernelPolicy,
  largest: number,
  options: Pick<BackendCompileOptions, "scalars" | "chooseVariant" | "collective">,
): MemoryNeed {
  const own = [...inputs, ...variables.filter(({ kind }) => kind === "constant")];
  const together = options.collective !== undefined;
  const kernels = nodes.filter(({ op }) => !(together && op.sumsOverRanks))
    .map((node) => ({ node, variant: policy.choose(node, options) }));
  const uniforms = uniformBytes(kernels.flatMap(({ variant }) => variant.kernels), policy.mergeShape);
  const sizes = [
    ...bufferSizes,
    ...own.map(({ spec }) => byteSize(spec)),
    ...scratchSizes(kernels.map(({ variant }) => variant), largest),
    ...(options.scalars.length > 0 ? [ringBytes(options.scalars)] : []),
    ...(uniforms > 0 ? [uniforms] : []),
    ...(together ? exchangesOf(nodes).map(({ length }) => 4 * length) : []),
  ].map(bufferBytes);
  const variableSizes = variables.map(({ spec }) => bufferBytes(byteSize(spec)));
  return {
    total: sizes.reduce((sum, size) => sum + size, 0) + texelBytes(kernels),
    tensor: Math.max(0, ...sizes, ...variableSizes),
  };
}

/** The bytes of each buffer of scratch memory; one that nodes share counts once. */
function scratchSizes(variants: readonly WebGpuVariant[], largest: number): number[] {
  const sizes: number[] = [];
  const pool = new ScratchPool((size) => {
    sizes.push(size);
    return { size: bufferBytes(size) };
  }, largest);
  for (const { workspace = [], transient } of variants) {
    const taken = new Set<{ readonly size: number }>();
    for (const [slot, spec] of workspace.entries()) {
      if (transient?.includes(slot)) pool.take(byteSize(spec), taken);
      else sizes.push(byteSize(spec));
    }
  }
  return sizes;
}

/** The bytes of the textures. */
function texelBytes(kernels: readonly { readonly node: Node; readonly variant: WebGpuVariant }[]): number {
  const pool = new TexelPool(texelShape);
  for (const { node, variant } of kernels) {
    const specs = [...node.inputs, ...node.outputs, ...(variant.workspace ?? [])];
    for (const { bindings } of variant.kernels) {
      const taken = new Set<ReturnType<typeof texelShape>>();
      for (const { index, texels } of bindings) {
        if (!texels) continue;
        const spec = specs[index], dtype = spec.dtype as TexelType;
        pool.take(texelsOf(bufferBytes(byteSize(spec)), dtype), dtype, taken);
      }
    }
  }
  return pool.clear().reduce((sum, texture) => sum + texelTextureBytes(texture), 0);
}
