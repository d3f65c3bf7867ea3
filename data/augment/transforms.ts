/** Changes to the bytes of an image: crops at random, and whatever else a user puts together. */

import { type Random, UsageError } from "../../core/mod.ts";
import { drawBox, expectRange } from "./_random_box.ts";
import type { DecodedImage } from "../formats/decoded_image.ts";
import { resizeBox, sizeOfShorter } from "../resize/resize.ts";

/**
 * A change to an image. All that it draws comes from `random`, the image's own stream of this epoch, so that the result
 * does not depend on what happens to other images.
 */
export type ImageTransform = (image: DecodedImage, random: Random) => DecodedImage;

/**
 * VGG's scale jitter (Simonyan and Zisserman 2015, section 3.1; He et al. 2015, section 3.4): the shorter side gets a
 * random length, each as likely, then a random crop is taken, each position as likely.
 *
 * @param least The least length of the shorter side, in pixels.
 * @param most The greatest.
 * @param crop The height and width that are kept, neither of which may be more than `least`.
 * @throws {UsageError} If the crop does not fit, or the lengths are no range of whole numbers.
 *
 * @example
 * ```ts
 * import { Random } from "@residua/residua";
 * import { scaleJitter } from "@residua/residua/data";
 * const image = { width: 40, height: 30, pixels: new Uint8Array(40 * 30 * 3) };
 * const { width, height } = scaleJitter(32, 60, [28, 28])(image, new Random(0));
 * console.log(width, height); // 28 28
 * ```
 */
export function scaleJitter(least: number, most: number, crop: readonly [number, number]): ImageTransform {
  const [height, width] = crop;
  if (!Number.isSafeInteger(least) || !Number.isSafeInteger(most) || least > most || Math.max(height, width) > least) {
    throw new UsageError(
      `scaleJitter: expected whole numbers from the crop of ${height} x ${width} up but the shorter side is to have ` +
        `${least} to ${most} pixels`,
    );
  }
  return (image, random) => {
    const shorter = least + random.integer(most - least + 1);
    const [newWidth, newHeight] = sizeOfShorter(image, shorter);
    const left = random.integer(newWidth - width + 1), top = random.integer(newHeight - height + 1);
    return resizeBox(image, newWidth, newHeight, { left, top, width, height });
  };
}

/** The options of {@link randomResizedCrop}. */
export interface ResizedCropOptions {
  /** The share of the image's area that the crop has. Defaults to 0.08 to 1. */
  readonly area?: readonly [number, number];
  /** The crop's width divided by its height, drawn evenly in its logarithm. Defaults to 3/4 to 4/3. */
  readonly aspect?: readonly [number, number];
}

/**
 * A crop of random area, shape and position, resized (Szegedy et al. 2015, "Going Deeper with Convolutions", section 6), as
 * torchvision's `RandomResizedCrop`: what does not fit in ten attempts is the middle, as near to the shapes as it goes.
 *
 * @param size The height and width of the result.
 * @param options The crop's area and proportions.
 * @throws {UsageError} If a range is empty or not above 0.
 *
 * @example
 * ```ts
 * import { Random } from "@residua/residua";
 * import { randomResizedCrop } from "@residua/residua/data";
 * const image = { width: 40, height: 30, pixels: new Uint8Array(40 * 30 * 3) };
 * console.log(randomResizedCrop([8, 8])(image, new Random(0)).width); // 8
 * ```
 */
export function randomResizedCrop(size: readonly [number, number], options: ResizedCropOptions = {}): ImageTransform {
  const { area = [0.08, 1], aspect = [3 / 4, 4 / 3] } = options, [height, width] = size;
  expectRange("randomResizedCrop", "area", area);
  expectRange("randomResizedCrop", "aspect", aspect);
  const whole = { left: 0, top: 0, width, height };
  return (image, random) => resizeBox(image, width, height, whole, drawBox(image, area, aspect, random));
}
