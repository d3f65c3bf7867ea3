/** What a matrix product is, whichever kernel computes it. */

import type { WebGpuKernel } from "../../core/mod.ts";

/** C [m, n] = A [m, k] · B [k, n], and maybe a bias; or several such products with the same A. */
export interface GemmProblem {
  /** Rows of A and C. */
  readonly m: number;
  /** Columns of B and C. */
  readonly n: number;
  /** The depth: columns of A and rows of B. */
  readonly k: number;
  /** Elements from a row of A to the next, and from a column. */
  readonly a: readonly [number, number];
  /** Elements from a row of B to the next, and from a column. */
  readonly b: readonly [number, number];
  /** How many B and C there are, each following the one before. Defaults to 1. */
  readonly batch?: number;
  /** The indices of the buffers of A, B and C. The workspace begins behind the last of all. */
  readonly buffers: { readonly a: number; readonly b: number; readonly c: number };
  /** The bias: the index of its buffer, and whether C's rows or columns have one each. */
  readonly bias?: { readonly buffer: number; readonly of: "row" | "column" };
  /**
   * Whether A is worth packing where its rows are whole vectors: weights, which are packed once for many runs. Defaults to
   * false.
   */
  readonly packsA?: boolean;
  /** Whether the elements of A and of B are float16. Defaults to false. */
  readonly float16?: boolean;
  /** What is done to an element of C before it is stored. Defaults to nothing. */
  readonly epilogue?: GemmEpilogue;
}

/** What is done to an element of C before it is stored. */
export interface GemmEpilogue {
  /** WGSL of what is stored, given the expressions of a finished value, its index in C and its size. */
  apply(value: string, index: string, size: 1 | 4): string;
  /** The buffers that it names, bound as vectors where C is. */
  bindings(vector: boolean): WebGpuKernel["bindings"];
}

/** The first index behind the buffers of a product: where its workspace begins. */
export function workspaceOf({ buffers: { a, b, c }, bias }: GemmProblem): number {
  return Math.max(a, b, c, bias?.buffer ?? 0) + 1;
}
