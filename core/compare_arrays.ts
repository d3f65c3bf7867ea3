/** Holds a tensor to its float64 value. */

import { formatSpec, isFloat16, type TensorSpec } from "./graph/shape.ts";
import type { NumericArray } from "./op.ts";
import { ResiduaError } from "./util/errors.ts";
import { LEAST_NORMAL_FLOAT16 } from "./util/float16.ts";

/** The relative tolerance of every comparison with float64. */
const RELATIVE_TOLERANCE = 1e-4;
/** Half the distance of neighbouring f16 numbers, relative to them: their significands have 11 bits, and stores round to the nearest. */
const FLOAT16_ROUNDING = 2 ** -11;
/** The absolute tolerance as a fraction of the tensor's largest element: sums of terms that cancel have no relative one. */
const ABSOLUTE_FRACTION = 1e-5;

/**
 * Compares a tensor with its float64 value: relative tolerance 1e-4, and 1e-5 of the largest element; integers exactly. What
 * is stored as f16 may be rounded once more: by 2^-11 of itself, or to 0 if it is below the normal numbers.
 *
 * @param roundings How often. Defaults to once.
 * @throws {ResiduaError} At the first element that differs: where, and both values.
 */
export function compareArrays(
  label: string,
  spec: TensorSpec,
  actual: NumericArray,
  expected: NumericArray,
  roundings = 1,
): void {
  if (actual.length !== expected.length) {
    throw new ResiduaError(`${label}: expected ${expected.length} elements but there are ${actual.length}`);
  }
  const rounding = isFloat16(spec) ? roundings : 0;
  let largest = 0;
  for (const value of expected) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  for (let i = 0; i < expected.length; i++) {
    const tolerance = spec.dtype === "u32"
      ? 0
      : (RELATIVE_TOLERANCE + rounding * FLOAT16_ROUNDING) * Math.abs(expected[i]) +
        (ABSOLUTE_FRACTION * largest + rounding * LEAST_NORMAL_FLOAT16);
    if (
      actual[i] === expected[i] || Object.is(actual[i], expected[i]) || Math.abs(actual[i] - expected[i]) <= tolerance
    ) continue;
    throw new ResiduaError(
      `${label}: element ${i} of ${formatSpec(spec)} is ${actual[i]}, expected ${expected[i]} ± ${tolerance}`,
    );
  }
}
