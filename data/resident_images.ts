/** Images that lie on a device as bytes, for the op gatherImages: a step then uploads only which images it wants. */

import { VIEW_WORDS } from "../ops/mod.ts";
import { ShiftDraw } from "./augment/_shift_draw.ts";
import { byteLevels } from "./_tensor_writer.ts";
import type { BatchFiller, PreparationOptions, ViewBatch } from "./batch_filler.ts";
import { type Dataset, MemoryDataset } from "./dataset.ts";
import { isPlain } from "./pipeline.ts";

/**
 * A set's bytes as gatherImages takes them, and the views that make batches of them: the same images, to the bit, as a
 * `Batcher` makes.
 */
export class ResidentImages implements BatchFiller<ViewBatch> {
  /** Batches are filled at once. */
  readonly ahead = 0;
  /** The bytes [count, C, H, W], four a word, the first in the lowest bits. */
  readonly words: Uint32Array;
  /** What each byte stands for, [C, 256]. */
  readonly levels: Float32Array;
  /** Channels, height and width of an image. */
  readonly shape: readonly [number, number, number];
  readonly #labels: MemoryDataset["labels"];
  readonly #shifts: ShiftDraw;

  private constructor(dataset: MemoryDataset, { shape, normalisation, augmentation, seed = 0 }: PreparationOptions) {
    const { pixels, labels } = dataset;
    const words = new Uint32Array(Math.ceil(pixels.length / 4));
    new Uint8Array(words.buffer).set(pixels);
    this.words = words;
    this.levels = byteLevels(normalisation);
    this.shape = shape;
    this.#labels = labels;
    this.#shifts = new ShiftDraw(augmentation ?? { padding: 0, flip: false }, seed);
  }

  /**
   * The images of a set, if they are in memory, and are only cropped, mirrored and normalised by channel.
   *
   * @param dataset The images.
   * @param options What becomes of them.
   * @param mostBytes The most bytes that the device takes.
   * @returns Nothing if the set is too large or needs more than that.
   *
   * @example
   * ```ts
   * import { shapesSet } from "@residua/residua";
   * import { ResidentImages } from "@residua/residua/data";
   * const { train, shape } = shapesSet({ trainCount: 20, validationCount: 0 });
   * const normalisation = { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] };
   * console.log(ResidentImages.of(train, { shape, normalisation }, 2 ** 20)?.words.length); // 15360
   * ```
   */
  static of(dataset: Dataset, options: PreparationOptions, mostBytes: number): ResidentImages | undefined {
    const byChannel = options.normalisation.mean.length === options.shape[0];
    if (!(dataset instanceof MemoryDataset) || !isPlain(dataset, options) || !byChannel) return undefined;
    return dataset.pixels.length <= mostBytes ? new ResidentImages(dataset, options) : undefined;
  }

  /** Makes room for a batch of views. */
  allocate(count: number): ViewBatch {
    return { views: new Uint32Array(count * VIEW_WORDS), labels: new Uint32Array(count) };
  }

  /** Writes which images a batch is made of, and how they are shifted and mirrored. */
  fill(indices: Uint32Array, epoch: number, { views, labels }: ViewBatch): void {
    for (let k = 0; k < indices.length; k++) {
      const index = indices[k], { down, right, mirrored } = this.#shifts.draw(index, epoch), at = k * VIEW_WORDS;
      const image = index % this.#labels.length;
      labels[k] = this.#labels[image];
      views[at] = image;
      views[at + 1] = down;
      views[at + 2] = right;
      views[at + 3] = mirrored ? 1 : 0;
    }
  }

  /** There is nothing to end. */
  close(): void {}
}
