/**
 * What an op is: one declaration that holds its shape rule, its gradient, its kernels for every backend, its cost and the
 * samples by which it is checked. The rest of the system knows ops only through this interface.
 */

import type { CpuStages } from "./cpu/stages.ts";
import type { FusionRule } from "./plan/fuse.ts";
import type { Graph, Node, Value } from "./graph/graph.ts";
import type { Random } from "./util/random.ts";
import { byteSize, type TensorSpec } from "./graph/shape.ts";
import type { Implementation } from "./webgpu/tuning/family.ts";

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
  float16Inputs?(inputs: number, attributes: A): readonly number[];
  /**
   * Whether each output is the sum of the input with its index over all ranks that compute together. A backend that was given
   * a {@link Collective} has that sum them; the op's kernels are those of one rank alone, which copy.
   */
  readonly sumsOverRanks?: boolean;
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
  /** The ways to run on WebGPU. An op without them runs on the CPU alone. */
  webgpu?(spec: OpSpec<A>): Implementation;
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
