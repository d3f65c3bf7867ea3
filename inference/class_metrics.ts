/** How well each class is told from the others: precision, recall and F1, from counts of images. */

/** The figures of a class, or their means over classes. */
export interface ClassScores {
  /** The share of the images taken for the class that are of it; 0 where none was taken for it. */
  readonly precision: number;
  /** The share of the images of the class that were taken for it; 0 where there are none. */
  readonly recall: number;
  /** The harmonic mean of both; 0 where the class has no images and none was taken for it. */
  readonly f1: number;
}

/** A class in an evaluation. */
export interface ClassMetrics extends ClassScores {
  /** The images of the class. */
  readonly images: number;
  /** The images taken for it. */
  readonly predicted: number;
  /** Those that are of it. */
  readonly right: number;
}

/** All classes of an evaluation. */
export interface ClassReport {
  /** Each class, in the order of the counts. */
  readonly classes: readonly ClassMetrics[];
  /**
   * The plain means over the classes that have images or were predicted, as scikit-learn's `average="macro"` takes them; 0
   * where there are none.
   */
  readonly macro: ClassScores;
}

/**
 * Works out the figures of each class.
 *
 * @param confusion Counts of images by [true class][predicted class], as `evaluateLogits` gives them.
 *
 * @example
 * ```ts
 * import { classMetrics } from "@residua/residua/inference";
 * const { classes, macro } = classMetrics([[3, 1], [0, 4]]);
 * console.log(classes[1].precision, classes[0].recall, macro.recall); // 0.8 0.75 0.875
 * ```
 */
export function classMetrics(confusion: readonly (readonly number[])[]): ClassReport {
  const classes = confusion.map((row, label): ClassMetrics => {
    const images = sum(row), predicted = sum(confusion.map((other) => other[label])), right = row[label];
    return {
      images,
      predicted,
      right,
      precision: share(right, predicted),
      recall: share(right, images),
      f1: share(2 * right, images + predicted),
    };
  });
  const met = classes.filter(({ images, predicted }) => images + predicted > 0);
  const mean = (of: keyof ClassScores) => share(sum(met.map((metrics) => metrics[of])), met.length);
  return { classes, macro: { precision: mean("precision"), recall: mean("recall"), f1: mean("f1") } };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
