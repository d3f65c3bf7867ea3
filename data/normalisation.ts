/** Normalisation by a training set's means and standard deviations. */

import { elementCount } from "../core/mod.ts";

/** Means and standard deviations, of pixels scaled to [0, 1]. */
export interface Normalisation {
  /** The mean of each channel; or of each pixel in each channel, [C, H, W]. */
  readonly mean: readonly number[];
  /** What each channel is divided by: its biased standard deviation; 1 for a channel that never varies. */
  readonly std: readonly number[];
}

/**
 * Whether a normalisation is for images of a shape: a mean for each channel or each pixel, and a deviation above 0 for each
 * channel.
 *
 * @param normalisation The normalisation.
 * @param shape Channels, height and width of an image.
 *
 * @example
 * ```ts
 * import { normalisationFits } from "@residua/residua/data";
 * console.log(normalisationFits({ mean: [0.5], std: [0.2] }, [3, 32, 32])); // false
 * ```
 */
export function normalisationFits({ mean, std }: Normalisation, shape: readonly number[]): boolean {
  return (mean.length === shape[0] || mean.length === elementCount(shape)) && std.length === shape[0] &&
    std.every((deviation) => deviation > 0);
}

/** ImageNet's mean and standard deviation, by which torchvision's weights expect images to be normalised. */
export const IMAGENET_NORMALISATION: Normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
