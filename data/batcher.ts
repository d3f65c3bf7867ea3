/** From bytes in memory to batches: cropped, mirrored, normalised. All randomness follows from (seed, epoch, image). */

import { elementCount } from "../core/mod.ts";
import { ShiftDraw } from "./augment/_shift_draw.ts";
import { TensorWriter } from "./_tensor_writer.ts";
import { allocateImages, type BatchFiller, type ImageBatch, type PreparationOptions } from "./batch_filler.ts";
import type { ImageSplit } from "./dataset.ts";

/** The options of {@link Batcher}. */
export interface BatcherOptions extends PreparationOptions {
  /** The images. */
  readonly split: ImageSplit;
}

/**
 * Fills batches from images in memory, cropped and mirrored and no more; nothing is allocated for an image. What happens to an
 * image depends on nothing but the seed, the epoch and its index in the split: neither on the batch it is in nor on the
 * batch's order.
 *
 * @example
 * ```ts
 * import { shapesSet } from "@residua/residua";
 * import { Batcher, measureNormalisation } from "@residua/residua/data";
 * const { train: split, shape } = shapesSet({ trainCount: 20, validationCount: 0 });
 * const batcher = new Batcher({ split, shape, normalisation: measureNormalisation(split, shape) });
 * const batch = batcher.allocate(2);
 * batcher.fill(Uint32Array.of(13, 7), 0, batch);
 * console.log(batch.labels); // Uint32Array(2) [ 3, 7 ]
 * ```
 */
export class Batcher implements BatchFiller {
  /** Batches are filled at once. */
  readonly ahead = 0;
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

  /** Makes room for a batch. */
  allocate(count: number): ImageBatch {
    return allocateImages(count, this.#shape);
  }

  /** Writes images and labels. Cropping adds zeros after normalisation, which is the mean colour. */
  fill(indices: Uint32Array, epoch: number, { images, labels }: ImageBatch): void {
    const size = elementCount(this.#shape), layout = { base: 0, pixel: 1, channel: size / this.#shape[0] };
    for (let k = 0; k < indices.length; k++) {
      const index = indices[k], image = index % this.#split.count;
      labels[k] = this.#split.labels[image];
      layout.base = image * size;
      this.#writer.write(this.#split.pixels, layout, this.#shifts.draw(index, epoch), images, k * size);
    }
  }

  /** There is nothing to end. */
  close(): void {}
}
