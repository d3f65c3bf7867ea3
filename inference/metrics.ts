/** Metrics of a classifier, from its logits, in float64. */

/** How well a model does on a set. */
export interface Evaluation {
  /** The mean cross-entropy. */
  readonly loss: number;
  /** The share of images whose class has the largest logit. */
  readonly top1: number;
  /** The share of images whose class is among the five largest logits. */
  readonly top5: number;
  /** Counts of images by [true class][predicted class]. */
  readonly confusion: readonly (readonly number[])[];
}

/**
 * Measures logits against labels.
 *
 * @param logits [count, classes], row by row.
 * @param labels [count].
 * @param classes The number of classes.
 *
 * @example
 * ```ts
 * import { evaluateLogits } from "@residua/residua";
 * console.log(evaluateLogits(new Float32Array([0, 2, 3, 1]), [1, 1], 2).top1); // 0.5
 * ```
 */
export function evaluateLogits(logits: Float32Array, labels: ArrayLike<number>, classes: number): Evaluation {
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  let loss = 0, top1 = 0, top5 = 0;
  for (let row = 0; row < labels.length; row++) {
    const scores = logits.subarray(row * classes, (row + 1) * classes), label = labels[row];
    let largest = -Infinity, predicted = 0, ahead = 0;
    for (let k = 0; k < classes; k++) {
      if (scores[k] > largest) {
        largest = scores[k];
        predicted = k;
      }
      if (scores[k] > scores[label] || (scores[k] === scores[label] && k < label)) ahead++;
    }
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += Math.exp(scores[k] - largest);
    loss += largest + Math.log(sum) - scores[label];
    confusion[label][predicted]++;
    if (predicted === label) top1++;
    if (ahead < 5) top5++;
  }
  const count = labels.length;
  return { loss: loss / count, top1: top1 / count, top5: top5 / count, confusion };
}
