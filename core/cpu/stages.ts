/** What an op gives the CPU backend: stages of tasks, in WebAssembly or in TypeScript. */

import type { NumericArray } from "../op.ts";
import type { CpuKernelName } from "./wasm/kernel_names.ts";

/** What the CPU backend lends to a running kernel. */
export interface CpuContext {
  /** Memory of the size that the kernel asked for, shared by its tasks and stages; it holds garbage at the first stage. */
  readonly workspace: Float32Array;
  /** Memory of the size that the kernel asked for, for one task alone; it holds garbage at its start. */
  readonly scratch: Float32Array;
}

/** An argument of a WebAssembly kernel: a 32-bit integer, a float, or the address of an element. */
export type CpuArgument =
  | number
  | { readonly float: number }
  | { readonly buffer: number; readonly offset?: number }
  | { readonly workspace: number }
  | { readonly prepacked: number };

/** A stage in TypeScript, which runs on the calling thread. */
export interface CpuFunctionStage {
  /** The number of tasks; fixed by the shapes alone, so that results repeat. */
  readonly tasks: number;
  /** Runs one task over the op's inputs followed by its outputs. */
  run(buffers: readonly NumericArray[], task: number, context: CpuContext): void;
}

/** A stage in WebAssembly, whose tasks run on all threads. */
export interface CpuNativeStage {
  /** The number of tasks; fixed by the shapes, never by the number of threads, so that results do not depend on it. */
  readonly tasks: number;
  /** The kernel, one of those in `core/cpu/wasm/assembly/dispatch.ts`. */
  readonly kernel: CpuKernelName;
  /**
   * Its arguments, in its own order. `{ buffer }` is the address of one of the op's inputs followed by its outputs,
   * `{ workspace }` that of an element of the workspace, `{ prepacked }` that of one of the prepacked weights.
   */
  readonly arguments: readonly CpuArgument[];
  /**
   * Whether it only brings weights into another form. A stage that does, and reads nothing but variables, is repeated only
   * after they have changed; it writes to {@link CpuStages.prepacked} and nowhere else.
   */
  readonly prepacks?: boolean;
}

/** One step of a CPU kernel: tasks that may run in any order, and write to disjoint memory. */
export type CpuStage = CpuFunctionStage | CpuNativeStage;

/** A kernel of the CPU backend: stages run one after the other. */
export interface CpuStages {
  /** The number of float32 elements of memory that tasks and stages share. */
  readonly workspace?: number;
  /** The number of float32 elements that prepacking stages write; no other stage does. */
  readonly prepacked?: number;
  /** The number of float32 elements of memory that each running task has to itself. */
  readonly scratch?: number;
  /** The stages, in order. */
  readonly stages: readonly CpuStage[];
}
