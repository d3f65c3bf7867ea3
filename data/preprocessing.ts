/** How an image becomes what a network takes: resized, cropped, normalised. */

import { DataError } from "../core/mod.ts";
import { TensorWriter } from "./_tensor_writer.ts";
import type { DecodedImage } from "./formats/decoded_image.ts";
import { IMAGENET_NORMALISATION, type Normalisation } from "./normalisation.ts";
import { type Interpolation, resizeAndCrop } from "./resize/resize.ts";

/** How images of any size are brought to that of a network; {@link resizeAndCrop} does it. */
export interface Preprocessing {
  /** The shorter side after resizing, in pixels. */
  readonly resize: number;
  /** The height and width of the middle that is kept: the network's. */
  readonly crop: readonly [number, number];
  /** How pixels between pixels are made, antialiased: torchvision's `bilinear` or `bicubic`. */
  readonly interpolation: Interpolation;
}

/** Networks for larger images than this see the middle 224/256 of an image, as is usual for ImageNet. */
export const WHOLE_IMAGE = 64;

/**
 * The usual way to bring images to a network's size. For images of up to 64 pixels, the shorter side becomes the
 * network's; for larger ones it becomes 256/224 of that, and the middle is kept, as ImageNet is usually evaluated.
 *
 * @param inputShape Channels, height and width of the network's images.
 *
 * @example
 * ```ts
 * import { defaultPreprocessing } from "@residua/residua";
 * console.log(defaultPreprocessing([3, 224, 224]).resize); // 256
 * console.log(defaultPreprocessing([3, 32, 32]).resize); // 32
 * ```
 */
export function defaultPreprocessing([, height, width]: readonly [number, number, number]): Preprocessing {
  const larger = Math.max(height, width), resize = larger > WHOLE_IMAGE ? Math.round(larger * 256 / 224) : larger;
  return { resize, crop: [height, width], interpolation: "bilinear" };
}

/**
 * The mean and deviation that are usual for networks of a size: ImageNet's for colour images of more than 64 pixels a side.
 *
 * @param inputShape Channels, height and width of the network's images.
 * @returns Nothing for other networks, for which none is usual.
 *
 * @example
 * ```ts
 * import { defaultNormalisation } from "@residua/residua/data";
 * console.log(defaultNormalisation([3, 224, 224])?.mean); // [ 0.485, 0.456, 0.406 ]
 * console.log(defaultNormalisation([3, 32, 32])); // undefined
 * ```
 */
export function defaultNormalisation(
  [channels, height, width]: readonly [number, number, number],
): Normalisation | undefined {
  return channels === 3 && Math.max(height, width) > WHOLE_IMAGE ? IMAGENET_NORMALISATION : undefined;
}

/** The options of {@link Preprocessor}. */
export interface PreprocessorOptions {
  /** How images are resized and cropped. */
  readonly preprocessing: Preprocessing;
  /** The means, of the channels or of the pixels, and the deviation of each channel: three, or one for grey images. */
  readonly normalisation: Normalisation;
}

/**
 * Makes tensors of images: resized and cropped, divided by 255, normalised. A network of one channel gets the luma of
 * ITU-R 601, as PIL's `L`.
 *
 * @example
 * ```ts
 * import { defaultPreprocessing } from "@residua/residua";
 * import { Preprocessor } from "@residua/residua/data";
 * const normalisation = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
 * const preprocessor = new Preprocessor({ preprocessing: defaultPreprocessing([3, 1, 1]), normalisation });
 * const tensor = new Float32Array(3);
 * preprocessor.write({ width: 1, height: 1, pixels: Uint8Array.of(255, 0, 255) }, tensor);
 * console.log(tensor); // Float32Array(3) [ 1, -1, 1 ]
 * ```
 */
export class Preprocessor {
  readonly #preprocessing: Preprocessing;
  readonly #writer: TensorWriter;
  readonly #grey: Uint8Array | undefined;

  /**
   * Works out the normalised value of every byte in every channel.
   *
   * @throws {DataError} If there are not one or three channels, or the means are neither theirs nor those of the pixels.
   */
  constructor({ preprocessing, normalisation }: PreprocessorOptions) {
    const { mean, std } = normalisation, channels = std.length, [height, width] = preprocessing.crop;
    if (channels !== 1 && channels !== 3) {
      throw new DataError(
        `Images have one channel or three, but the normalisation has ${mean.length} means and ${channels} deviations`,
      );
    }
    this.#preprocessing = preprocessing;
    this.#writer = new TensorWriter([channels, height, width], normalisation);
    this.#grey = channels === 1 ? new Uint8Array(height * width) : undefined;
  }

  /**
   * Writes an image as a network takes it.
   *
   * @param image The pixels [H, W, 3], of any size.
   * @param tensor Receives [C, ...crop].
   */
  write(image: DecodedImage, tensor: Float32Array): void {
    const { resize, crop, interpolation } = this.#preprocessing, grey = this.#grey;
    const { pixels } = resizeAndCrop(image, resize, crop, interpolation);
    if (grey === undefined) return this.#writer.write(pixels, { base: 0, pixel: 3, channel: 1 }, UNMOVED, tensor, 0);
    for (let i = 0; i < grey.length; i++) {
      grey[i] = (pixels[i * 3] * 19595 + pixels[i * 3 + 1] * 38470 + pixels[i * 3 + 2] * 7471 + 0x8000) >> 16;
    }
    this.#writer.write(grey, { base: 0, pixel: 1, channel: 0 }, UNMOVED, tensor, 0);
  }
}

const UNMOVED = { down: 0, right: 0, mirrored: false };
