/** What a worker does for fillers of batches: it reads, decodes and augments the images of each. */

import { setImmediate } from "node:timers";
import { OutOfMemoryError, ResiduaError } from "../core/mod.ts";
import { BadImages, type DecodedImage, FolderDataset, ImageCache, ImagePipeline, PathList } from "../data/mod.ts";
import { DiskFolder } from "../files/mod.ts";
import { DecodeBudget, type Reservation } from "./decode_budget.ts";
import { decoderOf, discard } from "./decode_image.ts";
import { loadSharp } from "./load_sharp.ts";
import type { ErrorParts, FillRequest, OpenRequest, WorkerAnswer, WorkerRequest } from "./worker_messages.ts";

/** Milliseconds of work between two moments at which messages are heard. */
const PATIENCE = 20;

/** The message of an error, to be sent. */
function partsOf(error: Error): ErrorParts {
  return error instanceof ResiduaError ? error.sentence.parts : [error.message];
}

/** The image that is being prepared, of whichever filler: a worker has one at a time. */
class ImageInWork {
  readonly #held: Reservation;
  #decoded: DecodedImage | undefined;

  constructor(budget: OpenRequest["budget"]) {
    this.#held = new DecodeBudget(budget.bytes, budget.words).reserve();
  }

  /** Decodes images, of which each frees what the one before has taken. */
  decoderOf({ decode, maxMegapixels }: OpenRequest): ReturnType<typeof decoderOf> {
    const decoder = decoderOf(decode, { maxMegapixels, hold: (bytes) => this.#held.hold(bytes) });
    return async (...args) => {
      // One is written to its batch before another is read.
      this.release();
      return this.#decoded = await decoder(...args);
    };
  }

  /** Frees what it has taken. */
  release(): void {
    if (this.#decoded !== undefined) discard(this.#decoded);
    this.#decoded = undefined;
    this.#held.release();
  }
}

/** The images of a filler, and the batches that it has asked for. */
class FillerImages {
  readonly #request: OpenRequest;
  readonly #inWork: ImageInWork;
  readonly #batches: FillRequest[] = [];
  #pipeline: ImagePipeline | undefined;
  #failures: [index: number, why: ErrorParts][] = [];

  /** Opens nothing before the first image, whose batch hears why where that fails. */
  constructor(request: OpenRequest, inWork: ImageInWork) {
    this.#request = request;
    this.#inWork = inWork;
  }

  /** Whether it has asked for a batch. */
  get waits(): boolean {
    return this.#batches.length > 0;
  }

  /** Notes a batch that it asks for. */
  ask(request: FillRequest): void {
    this.#batches.push(request);
  }

  /**
   * Takes an image of the first batch, as the other workers do.
   *
   * @param ready Resolves once images can be decoded.
   * @returns The answer, once no image of the batch is left.
   */
  async takeImage(ready: () => Promise<void>): Promise<WorkerAnswer | undefined> {
    const [{ filler, id, indices, epoch, batch, next }] = this.#batches;
    let error: ErrorParts | undefined, lacksMemory = false;
    try {
      await ready();
      const k = Atomics.add(next, 0, 1);
      if (k < indices.length) {
        await (this.#pipeline ??= this.#open()).prepareInto(k, indices[k], epoch, batch);
        return undefined;
      }
    } catch (failure) {
      error = partsOf(failure as Error);
      lacksMemory = failure instanceof OutOfMemoryError;
    } finally {
      this.#inWork.release();
    }
    const failures = this.#failures;
    this.#failures = [];
    this.#batches.shift();
    return { filler, id, failures, error, lacksMemory };
  }

  #open(): ImagePipeline {
    const { location, files: packed, labels, options, maxBad, cache } = this.#request;
    const bad = new BadImages(maxBad), files = new PathList(packed), kept = cache && new ImageCache(cache);
    const reading = { decode: this.#inWork.decoderOf(this.#request), cacheOf: () => kept };
    const dataset = new FolderDataset(new DiskFolder(location), files, labels, reading, bad);
    dataset.failed = (index, error) => {
      this.#failures.push([index, partsOf(error)]);
      bad.add(`${location}/${files.at(index)}`, error);
    };
    return new ImagePipeline(dataset, options);
  }
}

/** Every worker decodes on one thread, so that as many are busy as there are workers. */
async function prepareSharp(): Promise<void> {
  const sharp = await loadSharp();
  sharp.concurrency(1);
  sharp.cache(false);
}

/** Serves the fillers of a pool: an image of each in turn, so that none waits for all that another has asked for. */
export class ImageServer {
  readonly #answer: (answer: WorkerAnswer) => void;
  readonly #fillers = new Map<number, FillerImages>();
  #inWork: ImageInWork | undefined;
  #ready: Promise<void> | undefined;
  #busy = false;
  #heard = performance.now();

  /** Serves nobody yet; answers are given to `answer`. */
  constructor(answer: (answer: WorkerAnswer) => void) {
    this.#answer = answer;
  }

  /** Does what it is told; images are prepared later, until no filler waits for one. */
  receive(request: WorkerRequest): void {
    switch (request.kind) {
      case "open":
        // The fillers of a pool share a budget.
        this.#inWork ??= new ImageInWork(request.budget);
        this.#fillers.set(request.filler, new FillerImages(request, this.#inWork));
        break;
      case "close":
        this.#fillers.delete(request.filler);
        break;
      case "fill":
        this.#fillers.get(request.filler)?.ask(request);
        void this.#serve();
    }
  }

  async #serve(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let served = true; served;) {
      served = false;
      for (const filler of this.#fillers.values()) {
        if (!filler.waits) continue;
        served = true;
        const answer = await filler.takeImage(() => this.#ready ??= prepareSharp());
        if (answer !== undefined) this.#answer(answer);
        await this.#hearMessages();
      }
    }
    this.#busy = false;
  }

  /** Lets messages be heard now and then: images from a cache wait for nothing. */
  async #hearMessages(): Promise<void> {
    if (performance.now() - this.#heard < PATIENCE) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#heard = performance.now();
  }
}
