/** Shared parts of ops with sliding windows. */

import { ShapeError } from "../core/mod.ts";

/**
 * The number of windows along one axis.
 *
 * @throws {ShapeError} If no window fits.
 */
export function outputExtent(
  op: string,
  input: number,
  kernel: number,
  stride: number,
  padding: number,
  dilation: number,
): number {
  const extent = Math.floor((input + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
  if (extent >= 1) return extent;
  throw new ShapeError(
    `${op}: a kernel of ${kernel} with dilation ${dilation} does not fit an input of ${input} with padding ${padding}`,
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
