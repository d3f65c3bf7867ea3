/** Joins images that are asked for at the same time into batches. */

import type { Prediction } from "../../inference/mod.ts";

/** The error of a queue that takes no more. */
export class QueueFullError extends Error {}

/** The options of {@link Batcher}. */
export interface BatcherOptions {
  /** Classifies images [count, …] that lie one behind the other. */
  readonly run: (tensor: Float32Array) => Promise<readonly Prediction[]>;
  /** The most images of a batch. */
  readonly batch: number;
  /** Milliseconds for which the first image of a batch that is not full waits for others. */
  readonly wait: number;
  /** The most images that wait. */
  readonly most: number;
  /** Hears how many images each batch has. */
  readonly onBatch?: (images: number) => void;
}

interface Entry {
  readonly tensor: Float32Array;
  readonly signal: AbortSignal;
  readonly resolve: (prediction: Prediction) => void;
  readonly reject: (error: unknown) => void;
  readonly came: number;
}

/** Runs one batch after the other. While one runs, what comes gathers for the next. */
export class Batcher {
  readonly #options: BatcherOptions;
  #queue: Entry[] = [];
  #works = false;
  #full = () => {};

  /** Nothing waits yet. */
  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  /** The images that wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Classifies images, in their order.
   *
   * @param tensors Each as the network takes it.
   * @param signal Takes them out of the queue; the call then fails with its reason.
   * @throws {QueueFullError} If there is no room for all of them: none is taken.
   */
  async classify(tensors: readonly Float32Array[], signal: AbortSignal): Promise<Prediction[]> {
    const { most, batch } = this.#options;
    if (this.#queue.length + tensors.length > most) {
      throw new QueueFullError(`${this.#queue.length} images wait already, of ${most} at most; try again in a second`);
    }
    const came = performance.now();
    const predictions = tensors.map((tensor) =>
      new Promise<Prediction>((resolve, reject) => {
        this.#queue.push({ tensor, signal, resolve, reject, came });
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      })
    );
    if (this.#queue.length >= batch) this.#full();
    if (!this.#works) this.#work();
    return await Promise.all(predictions);
  }

  async #work(): Promise<void> {
    this.#works = true;
    while (this.#queue.length > 0) {
      await this.#gather();
      const { run, batch, onBatch } = this.#options;
      // Nobody waits for what was given up.
      this.#queue = this.#queue.filter(({ signal }) => !signal.aborted);
      const entries = this.#queue.splice(0, batch);
      if (entries.length === 0) continue;
      onBatch?.(entries.length);
      try {
        const size = entries[0].tensor.length, joined = new Float32Array(entries.length * size);
        entries.forEach(({ tensor }, k) => joined.set(tensor, k * size));
        const predictions = await run(joined);
        entries.forEach(({ resolve }, k) => resolve(predictions[k]));
      } catch (error) {
        for (const { reject } of entries) reject(error);
      }
    }
    this.#works = false;
  }

  /** Waits for a full batch, or until the first image has waited long enough. */
  async #gather(): Promise<void> {
    const { batch, wait } = this.#options, left = this.#queue[0].came + wait - performance.now();
    if (this.#queue.length >= batch || left <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, left);
      this.#full = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
