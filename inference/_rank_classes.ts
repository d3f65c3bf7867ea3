/** The most probable classes of an image. */

import type { RankedClass } from "./loaded_model.ts";

/**
 * Ranks classes by their logits; of equal ones the first comes first. Probabilities are computed in float64.
 *
 * @param logits [classes].
 * @param classes Their names.
 * @param top How many are wanted.
 */
export function rankClasses(logits: Float32Array, classes: readonly string[], top: number): RankedClass[] {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = weights.reduce((a, b) => a + b, 0);
  const order = Array.from(logits, (_, index) => index).sort((a, b) => logits[b] - logits[a] || a - b);
  return order.slice(0, top).map((index) => ({ label: classes[index], index, probability: weights[index] / sum }));
}
