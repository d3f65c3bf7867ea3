/** From bytes in memory to batches: order, augmentation and normalisation. All randomness follows from (seed, epoch, image). */

import { elementCount, Random } from "../core/mod.ts";
import { ShiftDraw } from "./augment/_shift_draw.ts";
import { TensorWriter } from "./_tensor_writer.ts";
import type { Augmentation } from "./augment/augmentation.ts";
import type { ImageSplit } from "./dataset.ts";
import type { Mixture } from "./augment/mixture.ts";
import type { Normalisation } from "./normalisation.ts";

/**
 * The order in which an epoch visits the images.
 *
 * @param count The number of images.
 * @param seed The seed of the order.
 * @param epoch The epoch, from 0.
 * @param shuffle Whether the order is random, anew each epoch; else that of the files.
 * @returns Each of 0 to `count` - 1 once.
 *
 * @example
 * ```ts
 * import { epochOrder } from "./mod.ts";
 * console.log(epochOrder(3, 0, 0, false)); // Uint32Array(3) [ 0, 1, 2 ]
 * ```
 */
export function epochOrder(count: number, seed: number, epoch: number, shuffle: boolean): Uint32Array {
  return shuffle
    ? new Random(seed, `order of epoch ${epoch}`).permutation(count)
    : Uint32Array.from({ length: count }, (_, i) => i);
}

/** How images become tensors. */
export interface PreparationOptions {
  /** Channels, height and width of a tensor. */
  readonly shape: readonly [number, number, number];
  /** The mean and standard deviation of each channel. */
  readonly normalisation: Normalisation;
  /** The random changes; none unless given. */
  readonly augmentation?: Augmentation;
  /** The seed of the changes; 0 unless given. */
  readonly seed?: number;
}

/** What {@link Batcher} is told about an image set. */
export interface BatcherOptions extends PreparationOptions {
  /** The images. */
  readonly split: ImageSplit;
}

/** Fills batches, at once or in time. */
export interface BatchFiller {
  /** How many batches may be in work while another is in use: 0 for what is filled at once. */
  readonly ahead: number;
  /** Whether the arrays have to lie in shared memory. */
  readonly shared: boolean;
  /**
   * Writes normalised, augmented images and their labels.
   *
   * @param indices The images' places in the set, [batch].
   * @param epoch The epoch, from which the random changes follow.
   * @param images Receives [batch, C, H, W].
   * @param labels Receives [batch].
   * @param mixture Receives of what images are mixed, where the augmentation mixes them.
   */
  fill(
    indices: Uint32Array,
    epoch: number,
    images: Float32Array,
    labels: Uint32Array,
    mixture?: Mixture,
  ): void | Promise<void>;
  /** Ends what it has started. */
  close(): void;
}

/**
 * Fills batches that the caller owns from images in memory, cropped and mirrored and no more; nothing is allocated for an
 * image. What happens to an image depends on nothing but the seed, the epoch and its place in the split: neither on the
 * batch it is in nor on the batch's order.
 *
 * @example
 * ```ts
 * import { Batcher, measureNormalisation, shapesSet } from "./mod.ts";
 * const { train: split, shape } = shapesSet({ trainCount: 20, validationCount: 0 });
 * const batcher = new Batcher({ split, shape, normalisation: measureNormalisation(split, shape) });
 * const images = new Float32Array(2 * 3 * 32 * 32), labels = new Uint32Array(2);
 * batcher.fill(Uint32Array.of(13, 7), 0, images, labels);
 * console.log(labels); // Uint32Array(2) [ 3, 7 ]
 * ```
 */
export class Batcher implements BatchFiller {
  /** Batches are filled at once. */
  readonly ahead = 0;
  /** Any memory will do. */
  readonly shared = false;
  readonly #split: ImageSplit;
  readonly #shape: readonly [number, number, number];
  readonly #writer: TensorWriter;
  readonly #shifts: ShiftDraw;

  /** Works out the normalised value of every byte in every channel. */
  constructor({ split, shape, normalisation, augmentation, seed = 0 }: BatcherOptions) {
    this.#split = split;
    this.#shape = shape;
    this.#writer = new TensorWriter(shape, normalisation);
    this.#shifts = new ShiftDraw(augmentation ?? { padding: 0, flip: false }, seed);
  }

  /**
   * Writes normalised, augmented images and their labels.
   *
   * @param indices The images' places in the split, [batch].
   * @param epoch The epoch, from which the random changes follow.
   * @param images Receives [batch, C, H, W]. Cropping adds zeros after normalisation, which is the mean colour.
   * @param labels Receives [batch].
   */
  fill(indices: Uint32Array, epoch: number, images: Float32Array, labels: Uint32Array): void {
    const size = elementCount(this.#shape), layout = { base: 0, pixel: 1, channel: size / this.#shape[0] };
    for (let k = 0; k < indices.length; k++) {
      const index = indices[k];
      labels[k] = this.#split.labels[index];
      layout.base = index * size;
      this.#writer.write(this.#split.pixels, layout, this.#shifts.draw(index, epoch), images, k * size);
    }
  }

  /** There is nothing to end. */
  close(): void {}
}
