/**
 * The epilogue of a convolution, applied to outputs in registers: a residual is added, then the sum is clamped. Three
 * arguments: the residual, laid out as y, or 0; the least value and the largest.
 */

import { pointer } from "./simd";

/** Whether anything is added or clamped. */
export function hasEpilogue(epilogue: usize): bool {
  return pointer(epilogue, 0) != 0 || load<f32>(epilogue, 4) != -Infinity || load<f32>(epilogue, 8) != Infinity;
}

/** NaN stays: a pseudo-minimum or maximum gives its first operand where none is less. */
// @ts-ignore: decorator
@inline
export function clampVector(v: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(v, low), high);
}

/** {@link clampVector} of one value by the limits of an epilogue. */
export function clampOne(value: f32, epilogue: usize): f32 {
  const low = load<f32>(epilogue, 4), high = load<f32>(epilogue, 8);
  return value < low ? low : value > high ? high : value;
}
