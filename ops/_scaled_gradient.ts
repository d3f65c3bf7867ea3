/** The cases by which updates of scaled gradients are checked. */

import { f32, type NumericArray, type Sample, type TensorSpec } from "../core/mod.ts";

/**
 * An update's inputs followed by a factor: one that undoes a scale, and one of 0 for a gradient that is not finite.
 *
 * @param gradient The index of the input that is the gradient.
 */
export function scaledSamples(inputs: readonly TensorSpec[], gradient: number): Sample<Record<never, never>>[] {
  return [2 ** -10, 0].map((factor) => ({
    inputs: [...inputs, f32([])],
    fill(arrays: readonly NumericArray[]) {
      arrays[arrays.length - 1][0] = factor;
      arrays[gradient].forEach((value, i) => arrays[gradient][i] = factor === 0 ? Infinity : value / factor);
    },
  }));
}
