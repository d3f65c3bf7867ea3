/** The images that a network is most sure of and yet wrong about, as a sheet. */

import { elementCount } from "../../core/mod.ts";
import { type Dataset, ImagePipeline, type PreparationOptions } from "../../data/mod.ts";
import { answerOf } from "../../inference/mod.ts";
import { drawContactSheet, type SheetRow } from "./contact_sheet.ts";
import { denormalised } from "./inspect_data.ts";

/** An image that was taken for another class. */
export interface ConfidentError {
  /** Its index among the images. */
  readonly index: number;
  /** Its class. */
  readonly label: number;
  /** The class it was taken for. */
  readonly predicted: number;
  /** The probability of that, by the softmax of all logits. */
  readonly probability: number;
}

/** The most errors on a sheet, and the most in a row. */
const MOST_ERRORS = 64, MOST_IN_ROW = 8;

/**
 * Finds the errors that the network was most sure of, the surest first.
 *
 * @param logits [count, classes].
 * @param labels The class of each image, [count].
 * @param classes The number of classes.
 * @param most How many at most.
 */
export function confidentErrors(
  logits: Float32Array,
  labels: ArrayLike<number>,
  classes: number,
  most: number = MOST_ERRORS,
): ConfidentError[] {
  const errors: ConfidentError[] = [];
  for (let index = 0; index < labels.length; index++) {
    const scores = logits.subarray(index * classes, (index + 1) * classes);
    const { predicted, probability } = answerOf(scores, labels[index]);
    if (predicted !== labels[index]) errors.push({ index, label: labels[index], predicted, probability });
  }
  return errors.sort((a, b) => b.probability - a.probability || a.index - b.index).slice(0, most);
}

/**
 * Draws errors as the network sees the images: a row a class, the surest first, each with what it was taken for.
 *
 * @param title What stands above.
 * @param errors As {@link confidentErrors} finds them; at least one.
 * @param dataset The images.
 * @param options How they are made ready.
 * @param classes The names of the classes.
 * @returns The PNG's bytes.
 */
export async function drawErrorSheet(
  title: string,
  errors: readonly ConfidentError[],
  dataset: Dataset,
  options: PreparationOptions,
  classes: readonly string[],
): Promise<Uint8Array> {
  const pipeline = new ImagePipeline(dataset, options), tensor = new Float32Array(elementCount(options.shape));
  const rows: SheetRow[] = [];
  for (const label of new Set(errors.map(({ label }) => label))) {
    const row = errors.filter((error) => error.label === label).slice(0, MOST_IN_ROW), images: Uint8Array[] = [];
    for (const { index } of row) {
      await pipeline.prepare(index, 0, tensor, 0);
      images.push(denormalised(tensor, options));
    }
    const captions = row.map(({ predicted, probability }) =>
      `${Math.floor(100 * probability)} % ${classes[predicted]}`
    );
    rows.push({ label: classes[label], images, captions });
  }
  return await drawContactSheet(title, rows, [options.shape[1], options.shape[2]]);
}
