/** Which random changes training images go through: plain data, so that it can be kept in a file and sent to a worker. */

import { UsageError } from "../../core/mod.ts";
import type { ImageSet } from "../dataset.ts";
import { defaultPreprocessing, WHOLE_IMAGE } from "../preprocessing.ts";
import type { MixtureOptions } from "./mixture.ts";
import type { RandAugmentOptions } from "./rand_augment.ts";
import type { ColourComponents } from "../statistics.ts";
import type { ImageTransform } from "./transforms.ts";

/**
 * Random changes to an image, drawn anew in each epoch, in this order: the image is brought to the shape of the set, by
 * `scale` or `area` or else as it is for validation; `randAugment`; `transforms`; the shifted crop of `padding` and the mirroring of
 * `flip`; normalisation; `colourShift`; `erasing`; last, `mixup` or `cutmix` with another image of
 * the set, drawn at random, after all the others have been done to either.
 */
export interface Augmentation extends MixtureOptions {
  /** Zeros added on each side before a random crop of the shape (He et al. 2015, section 4.2: 4). */
  readonly padding: number;
  /** Whether every other image is mirrored. */
  readonly flip: boolean;
  /** The range of the shorter side, in pixels, before a random crop: VGG's scale jitter. */
  readonly scale?: readonly [number, number];
  /** The range of the share of the image's area that a crop has before it is resized. */
  readonly area?: readonly [number, number];
  /** RandAugment. */
  readonly randAugment?: RandAugmentOptions;
  /** The change of colour along the principal components. */
  readonly colourShift?: {
    /** The standard deviation of the change; AlexNet's is 0.1. */
    readonly deviation: number;
    /** Those of the training set. */
    readonly components: ColourComponents;
  };
  /** The share of the images that lose a rectangle. */
  readonly erasing?: number;
  /** A user's own changes, after `randAugment`. Workers cannot be sent them. */
  readonly transforms?: readonly ImageTransform[];
}

/** The names of the augmentations. */
export const AUGMENTATIONS = ["auto", "none", "crop", "crop+flip", "vgg", "inception"] as const;

/** The greatest shorter side that VGG draws, 480, by the least, 256, which is that of validation. */
const LARGEST_SCALE = 480 / 256;
/** AlexNet's deviation of the change of colour. */
const COLOUR_DEVIATION = 0.1;

/**
 * The augmentation of that name:
 *
 * - `none` changes nothing;
 * - `crop` pads by an eighth of the size, 4 for images of 32x32, and crops; `crop+flip` also mirrors;
 * - `vgg` scales the shorter side to between 1 and 480/256 times that of validation (from 256 to 480 pixels for images of
 *   224x224), crops, mirrors and shifts the colours;
 * - `inception` resizes a crop of random area and shape, and mirrors;
 * - `auto` is `inception` for images of over 64 pixels a side, else `crop`; it mirrors where mirror images keep their class.
 *
 * @param name One of {@link AUGMENTATIONS}.
 * @param set The images it is for.
 * @param components The training set's components of colour, which `vgg` needs.
 * @throws {UsageError} If there is none.
 *
 * @example
 * ```ts
 * import { augmentationByName } from "@residua/residua";
 * console.log(augmentationByName("auto", { mirrorable: false, shape: [3, 32, 32] })); // { padding: 4, flip: false }
 * ```
 */
export function augmentationByName(
  name: string,
  { mirrorable, shape }: Pick<ImageSet, "mirrorable" | "shape">,
  components?: ColourComponents,
): Augmentation {
  const size = Math.max(shape[1], shape[2]), padding = Math.round(size / 8), { resize } = defaultPreprocessing(shape);
  switch (name) {
    case "auto":
      return size > WHOLE_IMAGE ? inception(mirrorable) : { padding, flip: mirrorable };
    case "none":
      return { padding: 0, flip: false };
    case "crop":
      return { padding, flip: false };
    case "crop+flip":
      return { padding, flip: true };
    case "vgg":
      return {
        padding: 0,
        flip: true,
        scale: [resize, Math.round(resize * LARGEST_SCALE)],
        ...(components === undefined ? {} : { colourShift: { deviation: COLOUR_DEVIATION, components } }),
      };
    case "inception":
      return inception(true);
    default:
      throw new UsageError(`There is no augmentation named "${name}"; there are ${AUGMENTATIONS.join(", ")}`);
  }
}

function inception(flip: boolean): Augmentation {
  return { padding: 0, flip, area: [0.08, 1] };
}
