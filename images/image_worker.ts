/** A worker that reads, decodes and augments images of a folder into the batches of {@link WorkerFiller}. */

import { parentPort } from "node:worker_threads";
import { OutOfMemoryError, ResiduaError } from "../core/mod.ts";
import { BadImages, type DecodedImage, FolderDataset, ImageCache, ImagePipeline, PathList } from "../data/mod.ts";
import { DecodeBudget, type Reservation } from "./decode_budget.ts";
import { decoderOf, discard } from "./decode_image.ts";
import { loadSharp } from "./load_sharp.ts";
import { DiskFolder } from "../files/mod.ts";
import type { ErrorParts, FillRequest, OpenRequest, WorkerAnswer } from "./image_workers.ts";

/** The way to who started this worker: the global object, or Node's port. */
interface Port {
  onmessage: (event: MessageEvent<OpenRequest | FillRequest>) => void;
  postMessage(answer: WorkerAnswer): void;
}

const isGlobal = typeof (globalThis as { postMessage?: unknown }).postMessage === "function";
const port = (isGlobal ? globalThis : parentPort) as unknown as Port;

let pipeline: ImagePipeline | undefined;
let prepared: Promise<void> | undefined;
let held: Reservation | undefined;
let decoded: DecodedImage | undefined;
let failures: [index: number, why: ErrorParts][] = [];

/** The message of an error, to be sent. */
function partsOf(error: Error): ErrorParts {
  return error instanceof ResiduaError ? error.sentence.parts : [error.message];
}

/** Every worker decodes on one thread, so that as many are busy as there are workers. */
async function prepareSharp(): Promise<void> {
  const sharp = await loadSharp();
  sharp.concurrency(1);
  sharp.cache(false);
}

function open(
  { location, files: packed, labels, options, maxBad, decode, maxMegapixels, budget, cache }: OpenRequest,
): void {
  const holding = held = new DecodeBudget(budget.bytes, budget.words).reserve();
  const bad = new BadImages(maxBad), files = new PathList(packed);
  const kept = cache && new ImageCache(cache);
  const decoder = decoderOf(decode, { maxMegapixels, hold: (bytes) => holding.hold(bytes) });
  const decodeAndNote: typeof decoder = async (...args) => {
    // One is written to its batch before another is read.
    release();
    return decoded = await decoder(...args);
  };
  const reading = { decode: decodeAndNote, cacheOf: () => kept };
  const dataset = new FolderDataset(new DiskFolder(location), files, labels, reading, bad);
  dataset.failed = (index, error) => {
    failures.push([index, partsOf(error)]);
    bad.add(`${location}/${files.at(index)}`, error);
  };
  pipeline = new ImagePipeline(dataset, options);
}

/** Frees what the image that was prepared has taken. */
function release(): void {
  if (decoded !== undefined) discard(decoded);
  decoded = undefined;
  held!.release();
}

/** Takes one image of the batch after the other, as the other workers do, until none is left. */
async function fill({ id, indices, epoch, batch, next }: FillRequest): Promise<void> {
  let error: ErrorParts | undefined, lacksMemory = false;
  try {
    await (prepared ??= prepareSharp());
    for (let k = Atomics.add(next, 0, 1); k < indices.length; k = Atomics.add(next, 0, 1)) {
      await pipeline!.prepareInto(k, indices[k], epoch, batch);
      release();
    }
  } catch (failure) {
    error = partsOf(failure as Error);
    lacksMemory = failure instanceof OutOfMemoryError;
  } finally {
    release();
  }
  port.postMessage({ id, failures, error, lacksMemory });
  failures = [];
}

let queue: Promise<void> = Promise.resolve();
function receive(request: OpenRequest | FillRequest): void {
  queue = queue.then(() => "files" in request ? open(request) : fill(request));
}
if (isGlobal) port.onmessage = ({ data }) => receive(data);
else parentPort!.on("message", receive);
