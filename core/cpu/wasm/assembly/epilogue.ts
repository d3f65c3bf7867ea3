/**
 * What follows a convolution while its outputs are in registers or in a near cache: a residual is added, then the sum is
 * clamped. Three arguments: the residual, which lies in memory as y does, or 0; the least value and the largest.
 */

import { pointer } from "./simd";

/** Bytes from an output to its residual. */
// @ts-ignore: decorator
@inline
export function residualGap(epilogue: usize, y: usize): usize {
  return pointer(epilogue, 0) - y;
}

/** Whether anything is added or clamped. */
export function hasEpilogue(epilogue: usize): bool {
  return pointer(epilogue, 0) != 0 || load<f32>(epilogue, 4) != -Infinity || load<f32>(epilogue, 8) != Infinity;
}

/** The clamp alone. NaN stays: a pseudo-minimum or maximum gives its first operand where none is less. */
// @ts-ignore: decorator
@inline
export function clampOutputs(v: v128, epilogue: usize): v128 {
  return f32x4.pmin(f32x4.pmax(v, v128.load32_splat(epilogue, 4)), v128.load32_splat(epilogue, 8));
}

/** Four neighbouring outputs with all that follows them. */
// @ts-ignore: decorator
@inline
export function finish(v: v128, epilogue: usize, residual: usize): v128 {
  if (pointer(epilogue, 0) != 0) v = f32x4.add(v, v128.load(residual));
  return clampOutputs(v, epilogue);
}
