/** A set of images in memory, from images that the caller has by class: of files in a browser, of a camera. */

import { DataError, UsageError } from "../core/mod.ts";
import { createLabels, type Dataset, type ImageSet, MemoryDataset } from "./dataset.ts";
import { areMirrorable } from "./formats/_class_names.ts";
import { expectFraction, holdOut } from "./formats/_held_out.ts";
import type { DecodedImage } from "./formats/decoded_image.ts";
import { type ImageInput, toRgb } from "./formats/image_input.ts";
import { leastSize } from "./least_size.ts";
import { defaultPreprocessing, WHOLE_IMAGE } from "./preprocessing.ts";
import { resizeAndCrop, resizeImage, sizeOfShorter } from "./resize/resize.ts";

/** An image of any size, or a function that gives it when its turn comes, so that large ones need not be there at once. */
export type ImageSupply = ImageInput | (() => ImageInput | Promise<ImageInput>);

/** The options of {@link imageSetOf}. */
export interface ImageSetOptions {
  /** The height and width that a network sees, in pixels. */
  readonly size: number;
  /** What the set is called. Defaults to `images`. */
  readonly name?: string;
  /**
   * The share of each class that is validated on, above 0 and below 1. Defaults to as much as gives a hundred images, from 0.1
   * to 0.2.
   */
  readonly validationFraction?: number;
  /** The seed by which those are chosen. Defaults to 0. */
  readonly splitSeed?: number;
  /** Hears how many images are there, of how many. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Makes a set of images in memory, as `openImageSet` makes one of a folder: a share of each class is validated on, and images
 * are resized as everywhere in the library. Up to 64 pixels a side they are kept at the size of the network; for larger
 * networks, whose training draws parts of them, at twice the size to which they are resized whole.
 *
 * @param classes The images of each class, by its name. The order is that of the classes.
 * @param options The size, and how the set is divided.
 * @returns The set. It counts as mirrorable unless the classes are named by single letters or by numbers.
 * @throws {DataError} If there are fewer than two classes, a class without images, or an image without 1, 3 or 4 bytes a pixel.
 * @throws {UsageError} If the size is no whole number above 0, or the fraction is not between 0 and 1.
 *
 * @example
 * ```ts
 * import { imageSetOf } from "@residua/residua/data";
 * const plain = (red: number) => ({ width: 80, height: 60, pixels: new Uint8Array(80 * 60 * 3).fill(red) });
 * const set = await imageSetOf(new Map([["dark", [plain(9), plain(20)]], ["light", [plain(230)]]]), { size: 32 });
 * console.log(set.classes, set.train.count, set.validation.count); // [ "dark", "light" ] 2 1
 * ```
 */
export async function imageSetOf(
  classes: ReadonlyMap<string, readonly ImageSupply[]>,
  options: ImageSetOptions,
): Promise<ImageSet> {
  const { size, name = "images", validationFraction, splitSeed = 0, onProgress } = options, names = [...classes.keys()];
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new UsageError(`Expected the size to be a whole number of pixels of at least 1 but it is ${size}`);
  }
  expectFraction(validationFraction, name);
  if (names.length < 2) throw new DataError(`${name}: expected at least two classes but there are ${names.length}`);
  const empty = names.find((label) => classes.get(label)!.length === 0);
  if (empty !== undefined) throw new DataError(`${name}: expected images of each class but there are none of ${empty}`);
  const shape = [3, size, size] as const, total = [...classes.values()].reduce((sum, list) => sum + list.length, 0);
  let done = 0;
  const read = async (supplies: ReadonlyMap<string, readonly ImageSupply[]>): Promise<Dataset> => {
    const images: DecodedImage[] = [], labels: number[] = [];
    for (const [label, list] of supplies) {
      for (const [k, supply] of list.entries()) {
        const image = typeof supply === "function" ? await supply() : supply;
        images.push(reduced(toRgb(image, `image ${k} of ${label}`), shape));
        labels.push(names.indexOf(label));
        onProgress?.(++done, total);
      }
    }
    return datasetOf(images, labels, names.length, shape);
  };
  const [train, validation] = holdOut(classes, validationFraction, splitSeed);
  return {
    name,
    classes: names,
    shape,
    train: await read(train),
    validation: await read(validation),
    mirrorable: areMirrorable(names),
  };
}

/** The image as it is kept. */
function reduced(image: DecodedImage, shape: readonly [number, number, number]): DecodedImage {
  const { resize, crop, interpolation } = defaultPreprocessing(shape);
  if (shape[1] <= WHOLE_IMAGE) return resizeAndCrop(image, resize, crop, interpolation);
  const { side } = leastSize(shape);
  return Math.min(image.width, image.height) <= side ? image : resizeImage(image, ...sizeOfShorter(image, side));
}

function datasetOf(
  images: readonly DecodedImage[],
  classes: readonly number[],
  count: number,
  shape: readonly [number, number, number],
): Dataset {
  const labels = createLabels(images.length, count);
  labels.set(classes);
  const [channels, height, width] = shape, plane = height * width;
  if (height > WHOLE_IMAGE) return { count: images.length, labels, read: (index) => images[index] };
  const pixels = new Uint8Array(images.length * channels * plane);
  for (const [k, image] of images.entries()) {
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < plane; i++) pixels[(k * channels + c) * plane + i] = image.pixels[i * channels + c];
    }
  }
  return new MemoryDataset(shape, pixels, labels);
}
