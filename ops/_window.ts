/** Shared parts of ops with sliding windows. */

import { ShapeError } from "../core/mod.ts";

/** What is added around an input; pairs are vertical, horizontal. */
export interface Padding {
  /** Above and on the left. */
  readonly before: readonly [number, number];
  /** Below and on the right. */
  readonly after: readonly [number, number];
}

/**
 * The padding that an attribute says: [vertical, horizontal], the same on both sides, or [top, left, bottom, right].
 *
 * @throws {ShapeError} If it is neither.
 */
export function paddingOf(op: string, padding: readonly number[]): Padding {
  const isWhole = Array.isArray(padding) && padding.every((part) => Number.isInteger(part) && part >= 0);
  if (!isWhole || (padding.length !== 2 && padding.length !== 4)) {
    throw new ShapeError(
      `${op}: expected padding to be [vertical, horizontal] or [top, left, bottom, right], of whole numbers of at ` +
        `least 0, but it is ${JSON.stringify(padding)}`,
    );
  }
  const [top, left, bottom = top, right = left] = padding;
  return { before: [top, left], after: [bottom, right] };
}

/** Windows along one axis. */
export interface WindowAxis {
  /** Elements of the input. */
  readonly input: number;
  /** Elements of a window. */
  readonly kernel: number;
  /** The distance between neighbouring windows. */
  readonly stride: number;
  /** The distance between neighbouring elements of a window. */
  readonly dilation: number;
  /** Padding before the input. */
  readonly before: number;
  /** Padding after the input. */
  readonly after: number;
  /** Whether a last window may overhang the padding, if it begins before it. Defaults to not. */
  readonly ceil?: boolean;
}

const AXIS_NAMES = ["height", "width"] as const;

/**
 * The number of windows along the height (0) or the width (1).
 *
 * @throws {ShapeError} If no window fits.
 */
export function outputExtent(op: string, index: 0 | 1, axis: WindowAxis): number {
  const { input, kernel, stride, dilation, before, after, ceil = false } = axis;
  const span = dilation * (kernel - 1) + 1, room = input + before + after - span;
  const extent = Math.floor((room + (ceil ? stride - 1 : 0)) / stride) + 1;
  // A window that begins in the padding behind the input would hold nothing of it.
  if (extent >= 1) return ceil && (extent - 1) * stride >= input + before ? extent - 1 : extent;
  const least = span - (ceil ? stride - 1 : 0), padded = input + before + after;
  throw new ShapeError(
    `${op}: expected the input's ${AXIS_NAMES[index]} to be at least ${least} with its padding, for a window of ` +
      `${kernel}${dilation > 1 ? ` with dilation ${dilation}` : ""}, but it is ${padded}` +
      (padded === input ? "" : ` (${input} and a padding of ${before} and ${after})`),
  );
}

/** Checks that an attribute is a pair of whole numbers of at least `minimum`: vertical, horizontal. */
export function expectPair(op: string, attribute: string, value: readonly number[], minimum: number): void {
  if (value?.length === 2 && value.every((part) => Number.isInteger(part) && part >= minimum)) return;
  throw new ShapeError(
    `${op}: expected ${attribute} to be a pair of whole numbers of at least ${minimum} but it is ${
      JSON.stringify(value)
    }`,
  );
}
