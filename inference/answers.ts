/** What logits say of each image: the class they name, and how probable that and the true one are. */

/** What a network says of one image. */
export interface Answer {
  /** The class of the largest logit; of equal ones the first. */
  readonly predicted: number;
  /** Its probability, by the softmax of all logits. */
  readonly probability: number;
  /** The probability of the image's own class. */
  readonly labelProbability: number;
}

/**
 * Reads the answer of one image from its logits, in float64.
 *
 * @param scores The logits [classes].
 * @param label The image's own class.
 *
 * @example
 * ```ts
 * import { answerOf } from "@residua/residua/inference";
 * const { predicted, labelProbability } = answerOf(new Float32Array([0, Math.log(3)]), 0);
 * console.log(predicted, labelProbability.toFixed(4)); // 1 0.2500
 * ```
 */
export function answerOf(scores: Float32Array, label: number): Answer {
  let largest = -Infinity, predicted = 0, sum = 0;
  for (let k = 0; k < scores.length; k++) {
    if (scores[k] > largest) {
      largest = scores[k];
      predicted = k;
    }
  }
  for (let k = 0; k < scores.length; k++) sum += Math.exp(scores[k] - largest);
  return { predicted, probability: 1 / sum, labelProbability: Math.exp(scores[label] - largest) / sum };
}
