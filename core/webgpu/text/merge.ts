/** Merges several elementwise kernels into one: a range of workgroups computes the elements of each. */

import type { WebGpuElements, WebGpuKernel } from "../kernel.ts";
import type { DeviceLimits } from "../tuning/device_profile.ts";
import type { MergeShape } from "../tuning/policy.ts";
import { type DeclaredBuffer, shaderText } from "./shader.ts";
import { hasSizes } from "./sizes.ts";
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
  readonly text: string;
  /** The bound buffers, in the order of the binding numbers. */
  readonly buffers: readonly BoundBuffer<B>[];
  /** What is bound after them, as a uniform, where the text is free of sizes: {@link RANGE_WORDS} words for each kernel. */
  readonly uniform?: Uint32Array<ArrayBuffer>;
  /** The number of workgroups along each axis. */
  readonly workgroups: readonly [number, number, number];
}

/** Words of a merged kernel's range: its first workgroup, the one after its last, elements of a workgroup, elements. */
const RANGE_WORDS = 4;

/** The bytes of a program's uniforms: each dispatch has its own from a multiple of WebGPU's alignment on. */
export function uniformBytes(kernels: readonly WebGpuKernel[], { uniform }: MergeShape): number {
  if (!uniform) return 0;
  return kernels.filter(({ elements, wgsl }) => elements || hasSizes(wgsl)).length * UNIFORM_ALIGNMENT;
}

/** Where the uniform of a dispatch may begin, in bytes; that of a kernel is no larger. */
export const UNIFORM_ALIGNMENT = 256;

/** A kernel's view of a buffer. Kernels that read the same memory by equal views share one binding. */
export function viewOf({ dtype, vector, write }: Omit<DeclaredBuffer, "name">): string {
  return `${write ? "read_write" : "read"} ${vector ? "vec4 " : ""}${dtype}`;
}

/**
 * Merges kernels, none of which reads or writes a buffer that another writes. Equal kernels in an equal order give an equal text.
 * Where sizes are a uniform, one pipeline serves all dispatches of the same kernels, whatever their sizes.
 */
export function mergeKernels<B>(
  kernels: readonly ElementsKernel<B>[],
  limits: DeviceLimits,
  shape: MergeShape,
): MergedKernel<B> {
  const bound: BoundBuffer<B>[] = [], functions: string[] = [], branches: string[] = [];
  const bindingsOf = new Map<B, Map<string, number>>(), ranges = new Uint32Array(kernels.length * RANGE_WORDS);
  const { lanes, uniform } = shape;
  let groups = 0;
  kernels.forEach(({ elements, buffers }, index) => {
    const names = new Map<string, string>();
    for (const each of buffers) {
      const bindingOfView = bindingsOf.get(each.buffer) ?? new Map<string, number>(), view = viewOf(each);
      bindingsOf.set(each.buffer, bindingOfView);
      const binding = bindingOfView.get(view) ?? bound.length, name = `shared${binding}`;
      names.set(each.name, name);
      if (binding === bound.length) {
        bindingOfView.set(view, binding);
        bound.push({ ...each, name });
      } else if (each.size > bound[binding].size) bound[binding] = { ...bound[binding], size: each.size };
    }
    const { count, body, declarations = "" } = elements;
    for (const [, name] of declarations.matchAll(DECLARATION)) names.set(name, `kernel${index}_${name}`);
    functions.push(rename(`${declarations}\nfn kernel${index}(i: u32) {\n  ${body}\n}`, names));
    const share = lanes * elementsOfThread(elements, shape), first = groups;
    groups += Math.ceil(count / share);
    const range = [first, groups, share, count];
    ranges.set(range, index * RANGE_WORDS);
    const words = range.map((word, k) => uniform ? `ranges[${index}].${"xyzw"[k]}` : `${word}u`);
    branches.push(`if (group < ${words[1]}) {
    ${shape.threads === Infinity ? oneElement(lanes, index, words) : manyElements(lanes, index, words)}
  }`);
  });
  return {
    text: shaderText(
      `${
        uniform ? `@group(0) @binding(${bound.length}) var<uniform> ranges: array<vec4<u32>, ${kernels.length}>;\n` : ""
      }${functions.join("\n")}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let group = id.y * groups.x + id.x;
  ${branches.join(" else ")}
}`,
      bound,
    ),
    buffers: bound,
    uniform: uniform ? ranges : undefined,
    workgroups: linearWorkgroups(groups, limits, 1),
  };
}

/** The branch of a kernel whose threads compute an element each. */
function oneElement(lanes: number, index: number, [first, , , count]: readonly string[]): string {
  return `let i = (group - ${first}) * ${lanes}u + lane;
    if (i < ${count}) { kernel${index}(i); }`;
}

/** The branch of a kernel whose threads loop over many. */
function manyElements(lanes: number, index: number, [first, , share, count]: readonly string[]): string {
  return `let start = (group - ${first}) * ${share};
    let end = min(start + ${share}, ${count});
    for (var i = start + lane; i < end; i += ${lanes}u) { kernel${index}(i); }`;
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
