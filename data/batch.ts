/** From bytes to batches: order, augmentation and normalisation. All randomness follows from (seed, epoch, image). */

import { philox, Random } from "../core/mod.ts";
import type { Augmentation } from "./augmentation.ts";
import type { ImageSplit } from "./dataset.ts";
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

/** What {@link Batcher} is told about an image set. */
export interface BatcherOptions {
  /** The images. */
  readonly split: ImageSplit;
  /** Channels, height and width of an image. */
  readonly shape: readonly [number, number, number];
  /** The mean and standard deviation of each channel. */
  readonly normalisation: Normalisation;
  /** The random changes; none unless given. */
  readonly augmentation?: Augmentation;
  /** The seed of the changes; 0 unless given. */
  readonly seed?: number;
}

/** The stream of augmentation, apart from those that are named. */
const AUGMENTATION_STREAM = 0x61756721;

/**
 * Fills batches that the caller owns; nothing is allocated for an image. What happens to an image depends on nothing but
 * the seed, the epoch and its place in the split: neither on the batch it is in nor on the batch's order.
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
export class Batcher {
  readonly #options: BatcherOptions;
  readonly #tables: Float32Array[];
  readonly #words = new Uint32Array(4);
  readonly #counter = new Uint32Array(4);
  readonly #key: Uint32Array;

  /** Works out the normalised value of every byte in every channel. */
  constructor(options: BatcherOptions) {
    this.#options = options;
    this.#key = Uint32Array.of(options.seed ?? 0, AUGMENTATION_STREAM);
    const { mean, std } = options.normalisation;
    this.#tables = mean.map((average, c) =>
      Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - average) / std[c])
    );
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
    const { split, shape: [channels, height, width], augmentation } = this.#options;
    const size = channels * height * width, padding = augmentation?.padding ?? 0;
    for (let k = 0; k < indices.length; k++) {
      const index = indices[k];
      labels[k] = split.labels[index];
      let down = 0, right = 0, mirrored = false;
      if (augmentation !== undefined) {
        this.#counter[0] = index;
        this.#counter[1] = epoch;
        philox(this.#counter, this.#key, this.#words);
        down = this.#words[0] % (2 * padding + 1) - padding;
        right = this.#words[1] % (2 * padding + 1) - padding;
        mirrored = augmentation.flip && (this.#words[2] & 1) === 1;
      }
      for (let c = 0; c < channels; c++) {
        const table = this.#tables[c];
        for (let y = 0; y < height; y++) {
          const target = k * size + (c * height + y) * width, row = y + down;
          if (row < 0 || row >= height) {
            images.fill(0, target, target + width);
            continue;
          }
          const source = index * size + (c * height + row) * width;
          for (let x = 0; x < width; x++) {
            const column = (mirrored ? width - 1 - x : x) + right;
            images[target + x] = column >= 0 && column < width ? table[split.pixels[source + column]] : 0;
          }
        }
      }
    }
  }
}
