/** What elementwise ops share: their CPU tasks and their WebGPU variant. */

import {
  type CpuArgument,
  type CpuKernelName,
  type CpuStages,
  elementKernel,
  type Implementation,
  oneWay,
  type WebGpuKernel,
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

/** The bindings of an op's inputs and outputs, in order, by name; the name of one that is written ends in `!`. */
function bindingsOf(names: readonly string[], vector = false): WebGpuKernel["bindings"] {
  return names.map((name, index) => ({
    name: name.replace("!", ""),
    index,
    write: name.endsWith("!"),
    ...(vector ? { vector } : {}),
  }));
}

/**
 * The WebGPU kernel of one thread an element.
 *
 * @param names The names of the op's inputs and outputs, in order; one that ends in `!` is written.
 * @param body WGSL that computes element `i`.
 * @param iterations The most loop iterations that this takes.
 */
export function elementwiseKernels(
  count: number,
  names: readonly string[],
  body: string,
  iterations = 1,
): Implementation {
  return oneWay("elementwise", ({ limits }) => [elementKernel({ count, body, iterations }, bindingsOf(names), limits)]);
}

/**
 * The WebGPU kernel of one thread for four elements; buffers are padded to whole vectors.
 *
 * @param names As for {@link elementwiseKernels}.
 * @param body WGSL that computes vector `i`, where all buffers are arrays of `vec4<f32>`.
 */
export function vectorKernels(count: number, names: readonly string[], body: string): Implementation {
  const elements = { count: Math.ceil(count / 4), body, iterations: 1 };
  return oneWay("vectors", ({ limits }) => [elementKernel(elements, bindingsOf(names, true), limits)]);
}
