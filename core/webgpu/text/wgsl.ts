/** Helpers from which ops build their WGSL. Shapes are constants of the text, so that compilers can unroll loops. */

import type { WebGpuElements, WebGpuKernel } from "../kernel.ts";
import type { DeviceLimits } from "../tuning/device_profile.ts";

/** The workgroup size of elementwise kernels. */
export const ELEMENTWISE_WORKGROUP = 64;

/** The most loop iterations of one thread: lavapipe silently ends a thread's loops after 65,535 iterations in all. */
export const MAX_ITERATIONS = 60_000;

/**
 * The workgroups for `count` threads, along two axes where the device's limit for one does not suffice.
 *
 * @param count The number of threads.
 * @param limits The device's limits.
 * @param size The threads of a workgroup. Defaults to {@link ELEMENTWISE_WORKGROUP}.
 */
export function linearWorkgroups(
  count: number,
  limits: DeviceLimits,
  size: number = ELEMENTWISE_WORKGROUP,
): [number, number, number] {
  const groups = Math.ceil(count / size);
  const x = Math.min(groups, limits.maxComputeWorkgroupsPerDimension);
  return [x, Math.ceil(groups / x), 1];
}

/**
 * A kernel of one thread an element, dispatched by {@link linearWorkgroups}.
 *
 * @param count The number of threads; those beyond it do nothing.
 * @param body WGSL that computes element `i`, a u32.
 * @param declarations Constants and functions before `main`.
 */
export function elementwise(count: number, body: string, declarations: string = ""): string {
  return `${declarations}
@compute @workgroup_size(${ELEMENTWISE_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.y * (groups.x * ${ELEMENTWISE_WORKGROUP}u) + id.x;
  if (i >= ${count}u) { return; }
  ${body}
}`;
}

/** A kernel of one thread an element, which may be merged with others into one dispatch. */
export function elementKernel(
  elements: WebGpuElements,
  bindings: WebGpuKernel["bindings"],
  limits: DeviceLimits,
): WebGpuKernel {
  const { count, body, declarations } = elements;
  return {
    wgsl: elementwise(count, body, declarations),
    elements,
    bindings,
    workgroups: linearWorkgroups(count, limits),
  };
}

/**
 * WGSL of a loop bound that is `count` at run time but unknown to compilers, so that they do not unroll the loop. Mesa unrolls
 * loops of up to 32 iterations, which takes ten times as long to compile.
 *
 * @param buffer The name of a bound buffer with at least as many elements.
 */
export function boundAtRun(count: number, buffer: string): string {
  return `min(${count}u, arrayLength(&${buffer}))`;
}

/** WGSL of u32 constants: `constants({ WIDTH: 32 })` is `const WIDTH: u32 = 32u;`. */
export function constants(values: Readonly<Record<string, number>>): string {
  return Object.entries(values).map(([name, value]) => `const ${name}: u32 = ${value}u;`).join("\n");
}

/** The WGSL literal of a number rounded to f32, exact to the bit. */
export function float(value: number): string {
  const text = String(Math.fround(value));
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}
