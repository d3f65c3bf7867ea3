/** What elementwise ops share: their CPU tasks and their WebGPU variant. */

import {
  type CpuKernel,
  elementwise,
  linearWorkgroups,
  type NumericArray,
  type WebGpuLimits,
  type WebGpuVariant,
} from "../core/mod.ts";

/** Elements of a CPU task: fixed, so that a split does not depend on the number of threads. */
const TASK = 65536;

/** A CPU kernel over a range of elements. */
export function rangeKernel(
  count: number,
  run: (buffers: readonly NumericArray[], from: number, to: number) => void,
): CpuKernel {
  return {
    phases: [{
      tasks: Math.ceil(count / TASK),
      run: (buffers, task) => run(buffers, task * TASK, Math.min(count, (task + 1) * TASK)),
    }],
  };
}

/**
 * The WebGPU kernel of one thread an element.
 *
 * @param names The names of the op's inputs and outputs, in order; one that ends in `!` is written.
 * @param body WGSL that computes element `i`.
 */
export function elementwiseVariants(
  count: number,
  limits: WebGpuLimits,
  names: readonly string[],
  body: string,
  declarations = "",
): WebGpuVariant[] {
  return [{
    name: "elementwise",
    passes: [{
      wgsl: elementwise(count, body, declarations),
      bindings: names.map((name, index) => ({ name: name.replace("!", ""), index, write: name.endsWith("!") })),
      workgroups: linearWorkgroups(count, limits),
    }],
  }];
}
