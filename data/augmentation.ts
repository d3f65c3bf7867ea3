/** Which random changes training images go through. */

import { UsageError } from "../core/mod.ts";
import type { ImageSet } from "./dataset.ts";

/** Random changes to an image, drawn anew in each epoch. */
export interface Augmentation {
  /** Zeros added on each side before a random crop of the image's own size (He et al. 2015, section 4.2: 4). */
  readonly padding: number;
  /** Whether every other image is mirrored. */
  readonly flip: boolean;
}

/** The names of the augmentations. */
export const AUGMENTATIONS = ["auto", "none", "crop", "crop+flip"] as const;

/**
 * The augmentation of that name. `auto` crops, and flips where mirror images keep their class.
 *
 * @param name One of {@link AUGMENTATIONS}.
 * @param set The images it is for.
 * @returns The augmentation; that of `none` changes nothing.
 * @throws {UsageError} If there is none.
 *
 * @example
 * ```ts
 * import { augmentationByName } from "./mod.ts";
 * console.log(augmentationByName("auto", { mirrorable: false })); // { padding: 4, flip: false }
 * ```
 */
export function augmentationByName(name: string, set: Pick<ImageSet, "mirrorable">): Augmentation {
  switch (name) {
    case "auto":
      return { padding: 4, flip: set.mirrorable };
    case "none":
      return { padding: 0, flip: false };
    case "crop":
      return { padding: 4, flip: false };
    case "crop+flip":
      return { padding: 4, flip: true };
    case "vgg":
      throw new UsageError(`The augmentation "vgg" is not available yet; there are ${AUGMENTATIONS.join(", ")}`);
    default:
      throw new UsageError(`There is no augmentation named "${name}"; there are ${AUGMENTATIONS.join(", ")}`);
  }
}
