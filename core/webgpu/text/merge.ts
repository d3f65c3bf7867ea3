/** Several elementwise kernels as one: a range of workgroups computes the elements of each. */

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

/** A kernel of which each thread computes elements by themselves. */
export interface ElementsKernel<B> {
  /** What is computed. */
  readonly elements: WebGpuElements;
  /** The buffers. */
  readonly buffers: readonly BoundBuffer<B>[];
}

/** A merged kernel. */
export interface MergedKernel<B> {
  /** The whole text. */
  readonly wgsl: string;
  /** What is bound, in the order of the binding numbers. */
  readonly entries: readonly { readonly buffer: B; readonly size: number; readonly texels?: false }[];
  /** The number of workgroups along each axis. */
  readonly workgroups: readonly [number, number, number];
}

/** How a kernel sees a buffer; equal ones of the same memory need one binding if they are read. */
export function viewOf({ dtype, vector, write }: Omit<DeclaredBuffer, "name">): string {
  return `${write ? "read_write" : "read"} ${vector ? "vec4 " : ""}${dtype}`;
}

/** Merges kernels, none of which touches what another writes. Equal kernels in an equal order give an equal text. */
export function mergeKernels<B>(
  kernels: readonly ElementsKernel<B>[],
  limits: DeviceLimits,
  shape: MergeShape,
): MergedKernel<B> {
  const entries: { buffer: B; size: number }[] = [], declared: DeclaredBuffer[] = [], functions: string[] = [];
  const branches: string[] = [], known = new Map<B, Map<string, number>>();
  const { lanes } = shape;
  let groups = 0;
  kernels.forEach(({ elements, buffers }, index) => {
    const names = new Map<string, string>();
    for (const bound of buffers) {
      const views = known.get(bound.buffer) ?? new Map<string, number>(), view = viewOf(bound);
      known.set(bound.buffer, views);
      const place = views.get(view) ?? entries.length, name = `shared${place}`;
      names.set(bound.name, name);
      if (place === entries.length) {
        views.set(view, place);
        entries.push({ buffer: bound.buffer, size: bound.size });
        declared.push({ ...bound, name });
      } else entries[place].size = Math.max(entries[place].size, bound.size);
    }
    const { count, body, declarations = "" } = elements;
    for (const [, name] of declarations.matchAll(DECLARATION)) names.set(name, `kernel${index}_${name}`);
    functions.push(rename(`${declarations}\nfn kernel${index}(i: u32) {\n  ${body}\n}`, names));
    const share = lanes * elementsOf(elements, shape), first = groups;
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
      declared,
    ),
    entries,
    workgroups: linearWorkgroups(groups, limits, 1),
  };
}

/** The elements of a thread. */
function elementsOf({ count, iterations = 1 }: WebGpuElements, { threads }: MergeShape): number {
  return Math.max(1, Math.min(Math.ceil(count / threads), Math.floor(MAX_ITERATIONS / (iterations + 1))));
}

/** What a declaration introduces at the module's level. */
const DECLARATION = /^\s*(?:fn|alias|const|override|struct|var(?:<\w+>)?)\s+(\w+)/gm;

/** Replaces names that are not members of something. */
function rename(text: string, names: ReadonlyMap<string, string>): string {
  return text.replace(/(?<![\w.@])[A-Za-z_]\w*/g, (word) => names.get(word) ?? word);
}
