/** Fills batches with images of a folder by worker threads. */

import { argument, DataError, OutOfMemoryError, Sentence, sentence, UsageError } from "../core/mod.ts";
import {
  allocateImages,
  type BatchFiller,
  type FolderDataset,
  type ImageBatch,
  leastSize,
  mixes,
  type PreparationOptions,
} from "../data/mod.ts";
import type { ImageWorker } from "./start_worker.ts";
import type { OpenRequest, WorkerAnswer } from "./worker_messages.ts";
import type { WorkerPool } from "./worker_pool.ts";
import type { TeamMember, WorkerTeam } from "./worker_team.ts";

interface Waiting {
  /** The workers that have not answered. */
  readonly left: Set<ImageWorker>;
  /** The next image that no worker has taken. */
  readonly next: Int32Array;
  error: Error | undefined;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Batches in work while another is in use. */
const AHEAD = 2;
/** An index beyond every batch, from which a counter still has room. */
const NONE_LEFT = 2 ** 30;

/**
 * Fills batches by workers. All of a batch's images are in the workers' queues at once and go to shared memory, so that
 * they need nothing of this thread, which a training step on the CPU keeps busy.
 */
export class WorkerFiller implements BatchFiller {
  readonly ahead: number = AHEAD;
  readonly #dataset: FolderDataset;
  readonly #options: PreparationOptions;
  readonly #team: WorkerTeam;
  readonly #number: number;
  readonly #waiting = new Map<number, Waiting>();
  #batches = 0;
  #stopped: Error | undefined;

  /**
   * Has the workers of a pool open the images.
   *
   * @param dataset The folder's images.
   * @param options How they become tensors.
   * @param pool The workers.
   * @param reading `maxBad`: how many images may be damaged; `decode`: how they are decoded; `maxMegapixels`: the most pixels
   * of an image, in millions.
   * @throws {UsageError} If the augmentation has functions, which no worker can be sent.
   */
  constructor(
    dataset: FolderDataset,
    options: PreparationOptions,
    pool: WorkerPool,
    { maxBad, decode, maxMegapixels }: Pick<OpenRequest, "maxBad" | "decode" | "maxMegapixels">,
  ) {
    if (options.augmentation?.transforms !== undefined) {
      throw new UsageError(sentence`Transforms of one's own cannot be sent to workers; use ${argument("workers", 0)}`);
    }
    this.#dataset = dataset;
    this.#options = options;
    const { shape, normalisation, augmentation, seed, preprocessing, once = false } = options;
    const member: TeamMember = {
      taken: () => this.#taken,
      hear: (worker, answer) => this.#hear(worker, answer),
      fail: (error) => this.#stop(error),
    };
    const images = {
      location: dataset.source.location,
      files: { bytes: dataset.files.bytes, offsets: dataset.files.offsets },
      labels: dataset.labels,
      options: { shape, normalisation, augmentation, seed, preprocessing, once },
      maxBad,
      decode,
      maxMegapixels,
      cache: once ? undefined : dataset.cacheOf(leastSize(shape, augmentation, preprocessing))?.memory,
    };
    this.#team = pool.team;
    this.#number = this.#team.open(member, images);
  }

  /** Makes room for a batch where the workers reach it. */
  allocate(count: number): ImageBatch {
    const { shape, augmentation = {} } = this.#options;
    return allocateImages(count, shape, { mixed: mixes(augmentation), shared: true });
  }

  /** Has the workers fill a batch. */
  fill(indices: Uint32Array, epoch: number, batch: ImageBatch): Promise<void> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    const id = this.#batches++, next = new Int32Array(new SharedArrayBuffer(4));
    return new Promise<void>((resolve, reject) => {
      this.#waiting.set(id, { left: new Set(this.#team.workers), next, error: undefined, resolve, reject });
      this.#team.fill({ filler: this.#number, id, indices, epoch, batch, next });
    });
  }

  /** Lets the workers go. Batches in work are given up: whoever waits for one is told. */
  close(): void {
    this.#stop(new DataError("The workers that prepare images were ended while a batch was in work"));
    this.#team.close(this.#number);
  }

  /** The images of batches in work that workers have taken. */
  get #taken(): number {
    return [...this.#waiting.values()].reduce((sum, { next }) => sum + Atomics.load(next, 0), 0);
  }

  #hear(worker: ImageWorker, { id, failures, error, lacksMemory }: WorkerAnswer): void {
    const waiting = this.#waiting.get(id);
    // One that answers twice does not answer for another, which may still write.
    if (waiting?.left.delete(worker) !== true) return;
    if (error !== undefined) {
      const why = new Sentence(error);
      waiting.error ??= lacksMemory
        ? new OutOfMemoryError(sentence`${why}; use fewer ${argument("workers")}`, 0)
        : new DataError(why);
    }
    for (const [index, why] of failures) {
      try {
        this.#dataset.failed(index, new DataError(new Sentence(why)));
      } catch (tooMany) {
        waiting.error ??= tooMany as Error;
      }
    }
    // Until the last worker is done, the batch's memory is not free to be used again.
    if (waiting.left.size > 0) return;
    this.#waiting.delete(id);
    this.#team.settle();
    if (waiting.error === undefined) waiting.resolve();
    else waiting.reject(waiting.error);
  }

  #stop(error: Error): void {
    this.#stopped ??= error;
    for (const { next, reject } of this.#waiting.values()) {
      // The workers serve others meanwhile.
      Atomics.store(next, 0, NONE_LEFT);
      this.#team.settle();
      reject(error);
    }
    this.#waiting.clear();
  }
}
