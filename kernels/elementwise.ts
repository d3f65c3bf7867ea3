/** What elementwise ops share: their CPU tasks and their WebGPU variant. */

import {
  type CpuArgument,
  type CpuKernelName,
  type CpuStages,
  elementKernel,
  type WebGpuLimits,
  type WebGpuVariant,
} from "../core/mod.ts";

/** Elements of a CPU task: fixed, so that a split does not depend on the number of threads. */
const TASK = 16_384;

/**
 * A kernel of `core/cpu/wasm/assembly/elementwise.ts`.
 *
 * @param buffers Which of the op's buffers it takes, or how many, from the first on.
 * @param others What follows the number of elements among its arguments.
 */
export function elementwiseStages(
  kernel: CpuKernelName,
  buffers: number | readonly number[],
  count: number,
  others: readonly CpuArgument[] = [],
): CpuStages {
  const taken = typeof buffers === "number" ? [...Array(buffers).keys()] : buffers;
  const addresses = taken.map((buffer) => ({ buffer }));
  return {
    stages: [{ kernel, tasks: Math.ceil(count / TASK), arguments: [...addresses, count, TASK, ...others] }],
  };
}

/**
 * The WebGPU kernel of one thread an element.
 *
 * @param names The names of the op's inputs and outputs, in order; one that ends in `!` is written.
 * @param body WGSL that computes element `i`.
 * @param iterations The most loop iterations that this takes.
 */
export function elementwiseVariants(
  count: number,
  limits: WebGpuLimits,
  names: readonly string[],
  body: string,
  iterations = 1,
): WebGpuVariant[] {
  const bindings = names.map((name, index) => ({ name: name.replace("!", ""), index, write: name.endsWith("!") }));
  return [{ name: "elementwise", kernels: [elementKernel({ count, body, iterations }, bindings, limits)] }];
}

/**
 * The WebGPU kernel of one thread for four elements; buffers are padded to whole vectors.
 *
 * @param names As for {@link elementwiseVariants}.
 * @param body WGSL that computes vector `i`, where all buffers are arrays of `vec4<f32>`.
 */
export function vectorVariants(
  count: number,
  limits: WebGpuLimits,
  names: readonly string[],
  body: string,
): WebGpuVariant[] {
  const [{ kernels: [{ bindings, ...kernel }] }] = elementwiseVariants(Math.ceil(count / 4), limits, names, body);
  return [{
    name: "vectors",
    kernels: [{ ...kernel, bindings: bindings.map((entry) => ({ ...entry, vector: true })) }],
  }];
}
