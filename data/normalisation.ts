/** Per-channel normalisation by a training set's mean and standard deviation. */

import { DataError, elementCount } from "../core/mod.ts";
import type { ImageSplit } from "./dataset.ts";

/** A mean and a standard deviation for each channel, of pixels scaled to [0, 1]. */
export interface Normalisation {
  /** The mean of each channel. */
  readonly mean: readonly number[];
  /** The biased standard deviation of each channel; 1 for a channel that never varies. */
  readonly std: readonly number[];
}

/**
 * Measures a split. Sums of bytes are exact, so the order of the images makes no difference.
 *
 * @param split The images.
 * @param shape Channels, height and width of an image.
 * @throws {DataError} If the split is empty.
 *
 * @example
 * ```ts
 * import { measureNormalisation } from "./mod.ts";
 * const split = { count: 2, pixels: new Uint8Array([0, 255]), labels: new Uint8Array(2) };
 * console.log(measureNormalisation(split, [1, 1, 1])); // { mean: [ 0.5 ], std: [ 0.5 ] }
 * ```
 */
export function measureNormalisation(split: ImageSplit, [channels, ...size]: readonly number[]): Normalisation {
  if (split.count === 0) {
    throw new DataError("Expected images to measure the mean and deviation of but the split is empty");
  }
  const plane = elementCount(size), mean: number[] = [], std: number[] = [];
  for (let c = 0; c < channels; c++) {
    let sum = 0, squares = 0;
    for (let n = 0; n < split.count; n++) {
      const from = (n * channels + c) * plane;
      for (let i = from; i < from + plane; i++) {
        const value = split.pixels[i];
        sum += value;
        squares += value * value;
      }
    }
    const count = split.count * plane, average = sum / count;
    mean.push(average / 255);
    std.push(Math.sqrt(Math.max(0, squares / count - average * average)) / 255 || 1);
  }
  return { mean, std };
}

/** ImageNet's mean and standard deviation, by which torchvision's weights expect images to be normalised. */
export const IMAGENET_NORMALISATION: Normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
