/**
 * What an op is: one declaration that holds its shape rule, its gradient, its kernels for every backend, its cost and the
 * samples by which it is checked. The rest of the system knows ops only through this interface.
 */

import type { CpuKernelName } from "./cpu/wasm/kernel_names.ts";
import type { FusionRule } from "./plan/fuse.ts";
import type { Graph, Node, Value } from "./graph/graph.ts";
import type { Random } from "./util/random.ts";
import { byteSize, type TensorSpec } from "./graph/shape.ts";

/** The values that an op's attributes can have. They are plain data, so that a program can be printed and compared. */
export type AttributeValue = number | boolean | string | readonly number[];

/** An op's attributes by name. */
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** An op applied to arguments of known shapes: all that a kernel may depend on. */
export interface OpSpec<A extends Attributes = Attributes> {
  /** The specification of each input. */
  readonly inputs: readonly TensorSpec[];
  /** The specification of each output, as {@link OpDefinition.infer} gives it. */
  readonly outputs: readonly TensorSpec[];
  /** The attributes, defaults filled in. */
  readonly attributes: A;
}

/** A tensor's elements, on the CPU. Reference kernels also run in float64. */
export type NumericArray = Float32Array | Float64Array | Uint32Array;

/** Plain loops over an op's inputs followed by its outputs, exact enough to judge the other kernels when run in float64. */
export type ReferenceKernel = (buffers: readonly NumericArray[]) => void;

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
  | { readonly workspace: number };

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
   * `{ workspace }` that of an element of the workspace.
   */
  readonly arguments: readonly CpuArgument[];
  /**
   * Whether it only brings weights into another form. A stage that does, and reads nothing but variables, is repeated only
   * after they have changed; the kernel's workspace must then hold nothing else.
   */
  readonly prepacks?: boolean;
}

/** One step of a CPU kernel: tasks that may run in any order, and write to disjoint places. */
export type CpuStage = CpuFunctionStage | CpuNativeStage;

/** A kernel of the CPU backend: stages run one after the other. */
export interface CpuStages {
  /** The number of float32 elements of memory that tasks and stages share. */
  readonly workspace?: number;
  /** The number of float32 elements of memory that each running task has to itself. */
  readonly scratch?: number;
  /** The stages, in order. */
  readonly stages: readonly CpuStage[];
}

/** The limits of a WebGPU device that kernels must respect. */
export interface WebGpuLimits {
  /** The most workgroups of a dispatch along one axis. */
  readonly maxComputeWorkgroupsPerDimension: number;
  /** The most threads of a workgroup. */
  readonly maxComputeInvocationsPerWorkgroup: number;
  /** The most bytes of workgroup memory. */
  readonly maxComputeWorkgroupStorageSize: number;
  /** The largest storage binding in bytes. */
  readonly maxStorageBufferBindingSize: number;
  /** The most storage buffers of one dispatch. */
  readonly maxStorageBuffersPerShaderStage: number;
  /** The most vectors of four elements that a kernel can read of a buffer through a texture; 0 if none. */
  readonly maxTexels: number;
  /** Whether the adapter runs on the CPU: there large register tiles pay, and workgroup memory does not. */
  readonly software: boolean;
}

/** A dispatch of threads that need nothing of each other, one an element. */
export interface WebGpuElements {
  /** The number of elements. */
  readonly count: number;
  /** WGSL that computes element `i`, a u32. */
  readonly body: string;
  /** WGSL of what the body names: functions, aliases, constants. */
  readonly declarations?: string;
  /** Loop iterations that an element takes; 1 unless given. */
  readonly iterations?: number;
}

/** One dispatch of a WebGPU kernel. */
export interface WebGpuKernel {
  /**
   * The body of the shader: everything but its bindings, which are generated. It defines `main`, and addresses each buffer
   * by its name in {@link WebGpuKernel.bindings}. It may call the functions of `core/webgpu/text/prelude.ts`.
   */
  readonly wgsl: string;
  /**
   * The buffers by name. An index counts the op's inputs, then its outputs, then {@link WebGpuVariant.workspace}.
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
  /**
   * What `wgsl` was made of, where that are threads of an element each (`elementKernel` makes both). Such kernels may share a
   * dispatch.
   */
  readonly elements?: WebGpuElements;
}

/** One way to compute an op on WebGPU. */
export interface WebGpuVariant {
  /** The variant's name, unique among the op's for this shape. */
  readonly name: string;
  /** The dispatches, in order. */
  readonly kernels: readonly WebGpuKernel[];
  /** Whether this is expected to be the fastest on the adapter; of several, the first counts. */
  readonly preferred?: boolean;
  /** Scratch buffers, which hold garbage at the first kernel. */
  readonly workspace?: readonly TensorSpec[];
  /**
   * Which of the workspace means nothing after the last kernel, by number from 0: applications of ops in a program share the
   * memory of these.
   */
  readonly transient?: readonly number[];
}

/** The work of one application of an op. */
export interface Cost {
  /** Floating-point operations; a multiplication and an addition count as two. */
  readonly flops: number;
  /** Bytes read and written when every tensor moves once. */
  readonly bytes: number;
}

/** A case by which an op is checked. */
export interface Sample<A extends Attributes = Attributes> {
  /** The specification of each input. */
  readonly inputs: readonly TensorSpec[];
  /** The attributes that differ from the defaults. */
  readonly attributes?: Partial<A>;
  /** Fills the inputs where random normal numbers (and labels below 2) are not what the op takes. */
  readonly fill?: (inputs: readonly NumericArray[], random: Random) => void;
}

/** Arguments that an op must refuse, and a part of the message with which it must do so. */
export interface BadSample<A extends Attributes = Attributes> {
  /** The specification of each input. */
  readonly inputs: readonly TensorSpec[];
  /** The attributes that differ from the defaults. */
  readonly attributes?: Partial<A>;
  /** What the message must contain. */
  readonly message: string;
}

/** An application of an op that gives results of a node again. */
export interface Recomputation {
  /** The op. */
  readonly op: Op;
  /** The node's arguments, or those of its results that are kept. */
  readonly arguments: readonly Value[];
  /** Which of the node's results it gives, in the order of its outputs; the others are kept. */
  readonly results: readonly Value[];
  /** The attributes that differ from the defaults. */
  readonly attributes: Attributes;
}

/** The declaration of an op. */
export interface OpDefinition<A extends Attributes = Attributes> {
  /** The op's name, unique in the registry. */
  readonly name: string;
  /** Every attribute with its default. */
  readonly attributes: A;
  /** Indices of the inputs that the op writes in place, such as running statistics; they must be variables. */
  readonly updates?: readonly number[];
  /**
   * Which of so many inputs may be f16, all of them together; none unless given. WebGPU kernels need not care: their loads
   * and stores of f16 are converted, so that they compute in float32.
   */
  half?(inputs: number, attributes: A): readonly number[];
  /** Whether mixed precision rounds these inputs to f16; unless said so it leaves them as they come. */
  readonly castsToFloat16?: boolean;
  /**
   * The specification of the outputs.
   *
   * @throws {ShapeError} If the op does not take these inputs or attributes.
   */
  infer(inputs: readonly TensorSpec[], attributes: A): TensorSpec[];
  /**
   * Builds the gradient of each input from the gradients of the outputs, by other registered ops. An output that the
   * result does not depend on has no gradient. An op without this rule stops differentiation with an error.
   */
  gradient?(graph: Graph, node: Node<A>, outputGradients: readonly (Value | undefined)[]): (Value | undefined)[];
  /**
   * How results of an op with {@link OpDefinition.updates} are computed again, to the bit and without the updates, for a
   * backward pass that did not keep them. Without this rule the results of such an op are kept.
   */
  recompute?(node: Node<A>): Recomputation;
  /** Plain loops, run in float64 to judge the others, and in float32 where `cpu` is absent. */
  reference(spec: OpSpec<A>): ReferenceKernel;
  /** The fast kernel of the CPU backend. */
  cpu?(spec: OpSpec<A>): CpuStages;
  /** The WebGPU kernels, the safest choice first. */
  webgpu(spec: OpSpec<A>, limits: WebGpuLimits): WebGpuVariant[];
  /** The work of one application. */
  cost(spec: OpSpec<A>): Cost;
  /** Representative shapes, edge cases included. */
  samples(): Sample<A>[];
  /** Arguments that must be refused. */
  badSamples(): BadSample<A>[];
  /** Ways in which this op replaces a run of others. */
  readonly fusions?: readonly FusionRule[];
}

/**
 * A registered op. It is erased to plain {@link Attributes} inside graphs.
 *
 * @typeParam A The op's attributes.
 */
export interface Op<A extends Attributes = Attributes> extends OpDefinition<A> {
  /**
   * Records the op in a graph.
   *
   * @returns The outputs.
   * @throws {ShapeError} If the op does not take these inputs or attributes.
   */
  apply(graph: Graph, inputs: readonly Value[], attributes?: Partial<A>): Value[];
}

/** The bytes of a tensor each: the lower bound of an op that reads its inputs and writes its outputs once. */
export function bytesMoved(spec: OpSpec): number {
  return [...spec.inputs, ...spec.outputs].reduce((bytes, tensor) => bytes + byteSize(tensor), 0);
}
