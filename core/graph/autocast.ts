/**
 * Mixed precision while a graph is recorded (Micikevicius et al. 2018, "Mixed Precision Training"): an op whose inputs are to
 * be rounded to f16 gets them so, others take what comes where they may, and the rest get f32. Gradients follow, since the
 * gradient of a cast is the cast back.
 */

import type { Value } from "./graph.ts";
import type { Attributes, Op } from "../op.ts";
import { type DType, isFloat, isFloat16 } from "./shape.ts";

/** How a graph computes: in float32, or with f16 activations and weights where ops take them. */
export type Precision = "float32" | "mixed";

/** The name of the op that changes the type of a tensor. */
export const CAST = "cast";

/**
 * The inputs that an op gets in place of others under mixed precision.
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
  const half = new Set(op.half?.(inputs.length, attributes).filter((index) => isFloat(inputs[index].spec)) ?? []);
  const wanted = op.castsToFloat16 || [...half].every((index) => isFloat16(inputs[index].spec)) ? "f16" : "f32";
  return inputs.map((value, index) => {
    const dtype = half.has(index) ? wanted : "f32";
    return !isFloat(value.spec) || value.spec.dtype === dtype ? value : cast(value, dtype);
  });
}
