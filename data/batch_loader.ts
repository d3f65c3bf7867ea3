/** Fetches the batches of epochs, ahead of whoever uses them. */

import type { Batch, BatchFiller, ImageBatch, PreparationOptions } from "./batch_filler.ts";
import type { Dataset } from "./dataset.ts";
import { epochOrder } from "./epoch_order.ts";
import { createFiller } from "./pipeline.ts";

/** The options of {@link BatchLoader}. */
export interface BatchLoaderOptions<B extends Batch = ImageBatch> extends PreparationOptions {
  /** The images. */
  readonly dataset: Dataset;
  /** Images in a batch. */
  readonly batch: number;
  /** Whether each epoch has an order of its own; else it is that of the set, and each epoch begins where the last ended. */
  readonly shuffle?: boolean;
  /** The order in which an epoch visits images, in place of that of `shuffle`; what does not fill a batch is left out. Indices are as {@link BatchFiller.fill} takes them. */
  readonly order?: (epoch: number) => Uint32Array;
  /** What makes and fills the batches. Defaults to what {@link createFiller} makes for the set: batches of images. */
  readonly filler?: BatchFiller<B>;
  /** The number of epochs, beyond which nothing is made ready. Defaults to any number. */
  readonly epochs?: number;
}

/** A batch that is being made. */
interface PendingBatch<B> {
  readonly epoch: number;
  readonly index: number;
  readonly batch: B;
  readonly done: Promise<void> | void;
}

/**
 * Fetches batches. Those of images in memory are made when they are asked for, in the same array each time. Others are made
 * while the ones before are in use, a few ahead and no more, whatever the size of the set. A batch is overwritten when the
 * next is fetched.
 *
 * @example
 * ```ts
 * import { shapesSet } from "@residua/residua";
 * import { BatchLoader, measureNormalisation } from "@residua/residua/data";
 * const { train, shape } = shapesSet({ trainCount: 20, validationCount: 0 });
 * const normalisation = measureNormalisation(train, shape);
 * const loader = new BatchLoader({ dataset: train, shape, normalisation, batch: 8 });
 * console.log(loader.batchesPerEpoch, (await loader.fetch(0, 1)).labels[0]); // 2 8
 * await loader.close();
 * ```
 */
export class BatchLoader<B extends Batch = ImageBatch> {
  /** The batches of an epoch; images that do not fill one are left out. */
  readonly batchesPerEpoch: number;
  readonly #options: BatchLoaderOptions<B>;
  readonly #filler: BatchFiller<B>;
  readonly #free: B[];
  #used: B | undefined;
  #pending: PendingBatch<B>[] = [];
  #orderEpoch = -1;
  #order: Uint32Array = new Uint32Array();

  /** Allocates room for the batches in work and the one in use. */
  constructor(options: BatchLoaderOptions<B>) {
    const { dataset, batch, order } = options;
    this.#options = options;
    // Without a filler, B is what the set's own one fills.
    this.#filler = options.filler ?? createFiller(dataset, options) as BatchFiller<Batch> as BatchFiller<B>;
    this.batchesPerEpoch = Math.floor((order?.(0).length ?? dataset.count) / batch);
    this.#free = Array.from({ length: 1 + this.#filler.ahead }, () => this.#filler.allocate(batch));
  }

  /**
   * Fetches a batch. The one fetched before is given up. Batches are best fetched in their order.
   *
   * @param epoch The epoch, from 0.
   * @param index The batch in the epoch, from 0.
   * @returns The batch, or a promise of it where reading takes time.
   * @throws {DataError} If images cannot be read.
   */
  fetch(epoch: number, index: number): B | Promise<B> {
    if (this.#filler.ahead > 0) return this.#fetchAhead(epoch, index);
    const batch = this.#free[0];
    this.#filler.fill(this.#indices(epoch, index), epoch, batch);
    return batch;
  }

  /** Waits for the batches in work, and closes the filler. */
  async close(): Promise<void> {
    await this.#discard();
    this.#filler.close();
  }

  /** Closes it at the end of a block that is `using` it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #fetchAhead(epoch: number, index: number): Promise<B> {
    if (this.#used !== undefined) this.#free.push(this.#used);
    this.#used = undefined;
    const [first] = this.#pending;
    if (first === undefined || first.epoch !== epoch || first.index !== index) {
      await this.#discard();
      this.#begin(epoch, index);
    }
    const { batch, done } = this.#pending.shift()!;
    this.#used = batch;
    let last: Pick<PendingBatch<B>, "epoch" | "index"> = this.#pending.at(-1) ?? { epoch, index };
    while (this.#free.length > 0) {
      const wrap = last.index + 1 >= this.batchesPerEpoch;
      last = { epoch: wrap ? last.epoch + 1 : last.epoch, index: wrap ? 0 : last.index + 1 };
      if (last.epoch >= (this.#options.epochs ?? Infinity)) break;
      this.#begin(last.epoch, last.index);
    }
    await done;
    return batch;
  }

  #begin(epoch: number, index: number): void {
    const batch = this.#free.pop()!, done = this.#filler.fill(this.#indices(epoch, index), epoch, batch);
    // The error is raised to the caller that fetches the batch; until then it must not count as unhandled.
    done?.catch(() => {});
    this.#pending.push({ epoch, index, batch, done });
  }

  async #discard(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    for (const { batch, done } of pending) {
      await Promise.resolve(done).catch(() => {});
      this.#free.push(batch);
    }
  }

  #indices(epoch: number, index: number): Uint32Array {
    const { dataset, batch, shuffle = false, seed = 0, order } = this.#options;
    if (epoch !== this.#orderEpoch) {
      this.#order = order?.(epoch) ?? epochOrder(dataset.count, seed, epoch, shuffle, batch * this.batchesPerEpoch);
      this.#orderEpoch = epoch;
    }
    return this.#order.subarray(index * batch, (index + 1) * batch);
  }
}
