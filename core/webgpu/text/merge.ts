/** Merges several elementwise kernels into one: a range of workgroups computes the elements of each. */

import type { WebGpuElements } from "../kernel.ts";
import type { DeviceLimits } from "../tuning/device_profile.ts";
import type { MergeShape } from "../tuning/policy.ts";
import { type DeclaredBuffer, shaderText } from "./shader.ts";
import { linearWorkgroups, MAX_ITERATIONS } from "./wgsl.ts";

/** A buffer of a kernel, by its name in the kernel's WGSL. */
export interface BoundBuffer<B> extends DeclaredBuffer {
  /** The memory. */
  readonly buffer: B;
  /** The bytes of it that are bound. */
  readonly size: number;
}

/** An elementwise kernel and its buffers. */
export interface ElementsKernel<B> {
  /** The elementwise form. */
  readonly elements: WebGpuElements;
  /** The buffers. */
  readonly buffers: readonly BoundBuffer<B>[];
}

/** A merged kernel. */
export interface MergedKernel<B> {
  /** The whole text of the shader. */
  readonly wgsl: string;
  /** The bound buffers, in the order of the binding numbers. */
  readonly entries: readonly BoundBuffer<B>[];
  /** The number of workgroups along each axis. */
  readonly workgroups: readonly [number, number, number];
}

/** A kernel's view of a buffer. Kernels that read the same memory by equal views share one binding. */
export function viewOf({ dtype, vector, write }: Omit<DeclaredBuffer, "name">): string {
  return `${write ? "read_write" : "read"} ${vector ? "vec4 " : ""}${dtype}`;
}

/**
 * Merges kernels, none of which reads or writes a buffer that another writes. Equal kernels in an equal order give an equal
 * text, so that one pipeline serves many layers.
 */
export function mergeKernels<B>(
  kernels: readonly ElementsKernel<B>[],
  limits: DeviceLimits,
  shape: MergeShape,
): MergedKernel<B> {
  const entries: BoundBuffer<B>[] = [], functions: string[] = [];
  const branches: string[] = [], bindingsOf = new Map<B, Map<string, number>>();
  const { lanes } = shape;
  let groups = 0;
  kernels.forEach(({ elements, buffers }, index) => {
    const names = new Map<string, string>();
    for (const bound of buffers) {
      const bindingOfView = bindingsOf.get(bound.buffer) ?? new Map<string, number>(), view = viewOf(bound);
      bindingsOf.set(bound.buffer, bindingOfView);
      const binding = bindingOfView.get(view) ?? entries.length, name = `shared${binding}`;
      names.set(bound.name, name);
      if (binding === entries.length) {
        bindingOfView.set(view, binding);
        entries.push({ ...bound, name });
      } else if (bound.size > entries[binding].size) entries[binding] = { ...entries[binding], size: bound.size };
    }
    const { count, body, declarations = "" } = elements;
    for (const [, name] of declarations.matchAll(DECLARATION)) names.set(name, `kernel${index}_${name}`);
    functions.push(rename(`${declarations}\nfn kernel${index}(i: u32) {\n  ${body}\n}`, names));
    const share = lanes * elementsOfThread(elements, shape), first = groups;
    groups += Math.ceil(count / share);
    branches.push(`if (group < ${groups}u) {
    let start = (group - ${first}u) * ${share}u;
    let end = min(start + ${share}u, ${count}u);
    for (var i = start + lane; i < end; i += ${lanes}u) { kernel${index}(i); }
  }`);
  });
  return {
    wgsl: shaderText(
      `${functions.join("\n")}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let group = id.y * groups.x + id.x;
  ${branches.join(" else ")}
}`,
      entries,
    ),
    entries,
    workgroups: linearWorkgroups(groups, limits, 1),
  };
}

/** The number of elements that a thread computes. */
function elementsOfThread({ count, iterations = 1 }: WebGpuElements, { threads }: MergeShape): number {
  return Math.max(1, Math.min(Math.ceil(count / threads), Math.floor(MAX_ITERATIONS / (iterations + 1))));
}

/** A declaration at the module's level; captures the name. */
const DECLARATION = /^\s*(?:fn|alias|const|override|struct|var(?:<\w+>)?)\s+(\w+)/gm;

/** Replaces names, except members (`.x`) and attributes (`@name`). */
function rename(text: string, names: ReadonlyMap<string, string>): string {
  return text.replace(/(?<![\w.@])[A-Za-z_]\w*/g, (word) => names.get(word) ?? word);
}
