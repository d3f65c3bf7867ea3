/** What an op gives the WebGPU backend: kernels, each a shader's text, the buffers it binds, and how many workgroups run. */

import type { TensorSpec } from "../graph/shape.ts";

/** Work in which one thread computes one element and needs nothing of the others. */
export interface WebGpuElements {
  /** The number of elements. */
  readonly count: number;
  /** WGSL that computes element `i`, a u32. */
  readonly body: string;
  /** WGSL of what the body names: functions, aliases, constants. */
  readonly declarations?: string;
  /** Loop iterations that an element takes. Defaults to 1. */
  readonly iterations?: number;
}

/** One shader and its size. */
export interface WebGpuKernel {
  /**
   * The shader's body: everything but its bindings, which are generated. It defines `main`, and addresses each buffer by its
   * name in {@link WebGpuKernel.bindings}. It may call the functions of `core/webgpu/text/prelude.ts`.
   */
  readonly wgsl: string;
  /**
   * The buffers by name. An index counts the op's inputs, then its outputs, then {@link KernelSequence.workspace}.
   * `vector` binds the buffer as an array of vec4. `texels` makes `name` a function instead: `name(i)` is the `i`-th vec4, read
   * through a texture that the buffer is copied into before the dispatch.
   */
  readonly bindings: readonly {
    readonly name: string;
    readonly index: number;
    readonly write?: boolean;
    readonly vector?: boolean;
    readonly texels?: boolean;
  }[];
  /** The number of workgroups along each axis. */
  readonly workgroups: readonly [number, number, number];
  /** The elementwise form, if there is one; such kernels can be merged into one dispatch. */
  readonly elements?: WebGpuElements;
}

/** The kernels of one application of an op. */
export interface KernelSequence {
  /** The kernels, in order. */
  readonly kernels: readonly WebGpuKernel[];
  /** Scratch buffers, which hold garbage at the first kernel. */
  readonly workspace?: readonly TensorSpec[];
  /** Indices of workspace that is dead after the last kernel, and may be shared between the nodes of a program. */
  readonly transient?: readonly number[];
}
