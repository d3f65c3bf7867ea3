/**
 * Mixed precision while a graph is recorded (Micikevicius et al. 2018, "Mixed Precision Training"). Some ops get their inputs
 * cast to f16; some take f16 if all of their inputs have it; all others get f32. Gradients follow, since the gradient of a cast
 * is the cast back.
 */

import type { Value } from "./graph.ts";
import type { Attributes, Op } from "../op.ts";
import { type DType, isFloat, isFloat16 } from "./shape.ts";

/** The precision in which a graph computes: float32, or with f16 activations and weights where ops take them. */
export type Precision = "float32" | "mixed";

/** The name of the op that changes the type of a tensor. */
export const CAST = "cast";

/**
 * The inputs of an op under mixed precision: the given ones, or casts of them.
 *
 * @param cast Records a cast to a type.
 */
export function autocast<A extends Attributes>(
  op: Op<A>,
  inputs: readonly Value[],
  attributes: A,
  cast: (value: Value, dtype: DType) => Value,
): Value[] {
  if (op.name === CAST) return [...inputs];
  const float16 = new Set(
    op.float16Inputs?.(inputs.length, attributes).filter((index) => isFloat(inputs[index].spec)) ?? [],
  );
  const wanted = op.castsToFloat16 || [...float16].every((index) => isFloat16(inputs[index].spec)) ? "f16" : "f32";
  return inputs.map((value, index) => {
    const dtype = float16.has(index) ? wanted : "f32";
    return !isFloat(value.spec) || value.spec.dtype === dtype ? value : cast(value, dtype);
  });
}
