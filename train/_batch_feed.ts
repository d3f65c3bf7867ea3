/** Where the loop's batches come from: the only place in which training touches images. */

import { type Augmentation, Batcher, epochOrder, type ImageSet, type Normalisation } from "../data/mod.ts";

/** What {@link BatchFeed} is told about a run. */
export interface BatchFeedOptions {
  /** The images. */
  readonly set: ImageSet;
  /** Images in a batch. */
  readonly batch: number;
  /** The normalisation of the images. */
  readonly normalisation: Normalisation;
  /** The random changes of the images; none unless given. */
  readonly augmentation?: Augmentation;
  /** Whether each epoch has an order of its own. */
  readonly shuffle: boolean;
  /** The seed of order and augmentation. */
  readonly seed: number;
}

/** Fetches the batches of an epoch. What is in one follows from the seed, the epoch and its place alone. */
export class BatchFeed {
  /** The images of the batch that was fetched last, [batch, C, H, W]. */
  readonly images: Float32Array;
  /** Their labels, [batch]. */
  readonly labels: Uint32Array;
  readonly #options: BatchFeedOptions;
  readonly #batcher: Batcher;
  #epoch = -1;
  #order: Uint32Array = new Uint32Array();

  /** Allocates room for a batch. */
  constructor(options: BatchFeedOptions) {
    const { set: { train, shape }, batch, normalisation, augmentation, seed } = options;
    this.#options = options;
    this.#batcher = new Batcher({ split: train, shape, normalisation, augmentation, seed });
    this.images = new Float32Array(batch * shape[0] * shape[1] * shape[2]);
    this.labels = new Uint32Array(batch);
  }

  /** Fetches batch `index` of an epoch, both from 0, into {@link BatchFeed.images} and {@link BatchFeed.labels}. */
  fetch(epoch: number, index: number): void {
    const { set, batch, seed, shuffle } = this.#options;
    if (epoch !== this.#epoch) {
      this.#order = epochOrder(set.train.count, seed, epoch, shuffle);
      this.#epoch = epoch;
    }
    this.#batcher.fill(this.#order.subarray(index * batch, (index + 1) * batch), epoch, this.images, this.labels);
  }
}
