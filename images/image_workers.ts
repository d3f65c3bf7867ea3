/** Worker threads that prepare the images of a folder. */

import {
  type Advice,
  argument,
  DataError,
  DeviceError,
  OutOfMemoryError,
  Sentence,
  sentence,
  StallWatch,
  UsageError,
} from "../core/mod.ts";
import {
  allocateImages,
  type BatchFiller,
  type CacheMemory,
  type FolderDataset,
  type ImageBatch,
  type Labels,
  leastSize,
  mixes,
  type PathList,
  type PreparationOptions,
} from "../data/mod.ts";

import { DecodeBudget } from "./decode_budget.ts";
import type { DecodeMode } from "./decode_image.ts";
import { type ImageWorker, startImageWorker } from "./start_worker.ts";

/** Tells a worker of its folder. */
export interface OpenRequest {
  /** Where the folder is. */
  readonly location: string;
  /** The paths of its images, in shared memory. */
  readonly files: Pick<PathList, "bytes" | "offsets">;
  /** Their labels. */
  readonly labels: Labels;
  /** How they become tensors. */
  readonly options: PreparationOptions;
  /** How many may be damaged. */
  readonly maxBad: number;
  /** Whether large JPEGs are read smaller. */
  readonly decode: DecodeMode;
  /** The most pixels of an image, in millions. */
  readonly maxMegapixels: number;
  /** What those that are decoded at once share, in shared memory. */
  readonly budget: Pick<DecodeBudget, "bytes" | "words">;
  /** What keeps them, in shared memory. */
  readonly cache?: CacheMemory;
}

/** Asks every worker for its share of a batch. */
export interface FillRequest {
  /** The batch's number. */
  readonly id: number;
  /** The indices of its images in the set. */
  readonly indices: Uint32Array;
  /** The epoch. */
  readonly epoch: number;
  /** Receives the images; in shared memory. */
  readonly batch: ImageBatch;
  /** The next image that no worker has taken; in shared memory. */
  readonly next: Int32Array;
}

/** The message of an error as it is sent: text, and the arguments that it names. */
export type ErrorParts = readonly (string | Advice)[];

/** A worker says that no image of a batch is left. */
export interface WorkerAnswer {
  /** The batch's number. */
  readonly id: number;
  /** The images that it could not read, and why. */
  readonly failures: readonly (readonly [index: number, why: ErrorParts])[];
  /** Why it gave the batch up. */
  readonly error?: ErrorParts;
  /** Whether that is a lack of memory, which says nothing of the images. */
  readonly lacksMemory?: boolean;
}

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
/** Seconds in which no worker takes an image or is done, after which they are taken to hang: the largest image takes one of them. */
const STALL_SECONDS = 600;
const FEWER = sentence`use fewer ${argument("workers")}`;

/**
 * Fills batches by workers. All of a batch's images are in the workers' queues at once and go to shared memory, so that
 * they need nothing of this thread, which a training step on the CPU keeps busy.
 */
export class WorkerFiller implements BatchFiller {
  readonly ahead: number = AHEAD;
  readonly #dataset: FolderDataset;
  readonly #options: PreparationOptions;
  readonly #workers: ImageWorker[];
  readonly #waiting = new Map<number, Waiting>();
  readonly #watch: StallWatch;
  #batches = 0;
  #answers = 0;
  #stopped: Error | undefined;

  /**
   * Starts the workers.
   *
   * @param dataset The folder's images.
   * @param options How they become tensors.
   * @param reading `workers`: their number; `maxBad`: how many images may be damaged; `decode`: how they are decoded;
   * `maxMegapixels`: the most pixels of an image, in millions; `stallTimeout`: the seconds without any progress after which
   * workers are taken to hang. Defaults to 600.
   * @throws {UsageError} If the augmentation has functions, which no worker can be sent.
   */
  constructor(
    dataset: FolderDataset,
    options: PreparationOptions,
    { workers, maxBad, decode, maxMegapixels, stallTimeout = STALL_SECONDS }: {
      readonly workers: number;
      readonly maxBad: number;
      readonly decode: DecodeMode;
      readonly maxMegapixels: number;
      readonly stallTimeout?: number;
    },
  ) {
    if (options.augmentation?.transforms !== undefined) {
      throw new UsageError(sentence`Transforms of one's own cannot be sent to workers; use ${argument("workers", 0)}`);
    }
    this.#dataset = dataset;
    this.#options = options;
    const { shape, normalisation, augmentation, seed, preprocessing, once = false } = options;
    // Its own, since a worker that is ended gives nothing back.
    const { bytes, words } = new DecodeBudget();
    const request: OpenRequest = {
      location: dataset.source.location,
      files: { bytes: dataset.files.bytes, offsets: dataset.files.offsets },
      labels: dataset.labels,
      options: { shape, normalisation, augmentation, seed, preprocessing, once },
      maxBad,
      decode,
      maxMegapixels,
      budget: { bytes, words },
      cache: once ? undefined : dataset.cacheOf(leastSize(shape, augmentation, preprocessing))?.memory,
    };
    this.#watch = new StallWatch({
      limit: () => stallTimeout,
      progress: () => [...this.#waiting.values()].reduce((sum, { next }) => sum + Atomics.load(next, 0), this.#answers),
      onStall: (seconds) =>
        this.#stop(
          new DeviceError(
            sentence`The workers that prepare images have done nothing for ${seconds} seconds, so one has died or its disk hangs; ${FEWER}, or where the disk is only slow ${
              argument("stallTimeout", 4 * seconds)
            }`,
          ),
        ),
    });
    this.#workers = Array.from({ length: workers }, () => {
      const worker = startImageWorker({
        hear: (answer) => this.#hear(worker, answer as WorkerAnswer),
        fail: (reason) =>
          this.#stop(
            new DeviceError(
              sentence`A worker that prepares images has stopped (${reason}); if that happens again, ${FEWER}`,
            ),
          ),
      });
      worker.postMessage(request);
      return worker;
    });
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
    const request: FillRequest = { id, indices, epoch, batch, next };
    return new Promise<void>((resolve, reject) => {
      this.#waiting.set(id, { left: new Set(this.#workers), next, error: undefined, resolve, reject });
      this.#watch.begin();
      for (const worker of this.#workers) worker.postMessage(request);
    });
  }

  /** Ends the workers. Batches in work are given up: whoever waits for one is told. */
  close(): void {
    for (const worker of this.#workers) worker.terminate();
    this.#stop(new DataError("The workers that prepare images were ended while a batch was in work"));
  }

  #hear(worker: ImageWorker, { id, failures, error, lacksMemory }: WorkerAnswer): void {
    const waiting = this.#waiting.get(id);
    this.#answers++;
    // One that answers twice does not answer for another, which may still write.
    if (waiting?.left.delete(worker) !== true) return;
    if (error !== undefined) {
      const why = new Sentence(error);
      waiting.error ??= lacksMemory ? new OutOfMemoryError(sentence`${why}; ${FEWER}`, 0) : new DataError(why);
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
    this.#watch.end();
    if (waiting.error === undefined) waiting.resolve();
    else waiting.reject(waiting.error);
  }

  #stop(error: Error): void {
    this.#stopped ??= error;
    this.#watch.stop();
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
