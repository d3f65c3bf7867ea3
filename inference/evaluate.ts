/** Runs a model over a whole split. */

import { type Collective, Pauses, type Program, UsageError } from "../core/mod.ts";
import {
  BatchLoader,
  type Dataset,
  defaultPreprocessing,
  FolderDataset,
  type PreparationOptions,
} from "../data/mod.ts";
import { evaluateLogits, type Evaluation } from "./metrics.ts";

/** An evaluation and the logits that it is made of. */
export interface EvaluatedSplit extends Evaluation {
  /** The logits [count, classes], in the order of the split. */
  readonly logits: Float32Array;
  /** The model's class of each image [count]: by the split's labels, but where an image could not be read, that of the one in its place. */
  readonly labels: Uint32Array;
}

/** The images of {@link evaluateSplit}. */
export interface EvaluationOptions extends Pick<PreparationOptions, "shape" | "normalisation" | "preprocessing"> {
  /** The images. */
  readonly split: Dataset;
  /** The model's class of each class of the set, from 0, where they are not the same. */
  readonly classMap?: readonly number[];
  /** Hears after each batch how many images are done, of how many. */
  readonly onProgress?: (done: number, total: number) => void;
  /** The ranks that divide the images among them; each then has the results of all. Defaults to one rank. */
  readonly collective?: Collective;
}

/** The most bytes that the results of an evaluation may take: the logits of all images, and counts of all pairs of classes. */
const MOST_BYTES = 4 * 2 ** 30;

/** The program of an evaluation, and what it takes. */
export interface EvaluationProgram {
  /** As `compileInference` makes it. */
  readonly program: Program;
  /** The batch size of the program. */
  readonly batch: number;
  /** The number of classes. */
  readonly classes: number;
  /** The number of images to take, from the first. Defaults to all. */
  readonly limit?: number;
}

/**
 * Evaluates a split as often as is wanted, each time with the program's weights of then, and with the memory and the workers
 * of the first time.
 *
 * @example
 * ```ts
 * import { CpuBackend } from "@residua/residua/core";
 * import { compileInference, SplitEvaluator } from "@residua/residua/inference";
 * import { modelByName, shapesSet } from "@residua/residua";
 * import { Variables } from "@residua/residua/weights";
 * const { validation: split, shape, classes } = shapesSet({ trainCount: 20, validationCount: 20 });
 * const model = modelByName("resnet8", { classes: classes.length });
 * const program = await compileInference(model, new CpuBackend(), 10, new Variables());
 * const images = { split, shape, normalisation: { mean: [0.5, 0.5, 0.5], std: [0.3, 0.3, 0.3] } };
 * await using evaluator = new SplitEvaluator({ program, batch: 10, classes: classes.length }, images);
 * console.log((await evaluator.evaluate()).logits.length === 20 * classes.length); // true
 * ```
 */
export class SplitEvaluator {
  readonly #program: EvaluationProgram;
  readonly #options: EvaluationOptions;
  readonly #count: number;
  /** The batches of this rank, of all. */
  readonly #ranks: { readonly rank: number; readonly size: number };
  readonly #loader: BatchLoader;

  /**
   * Makes room for batches, and starts what prepares them.
   *
   * @throws {UsageError} If the images and classes are so many that the results would take more than 4 GiB.
   */
  constructor(program: EvaluationProgram, options: EvaluationOptions) {
    const { split: dataset, shape, normalisation, collective } = options,
      { batch, classes, limit = Infinity } = program;
    const count = Math.min(limit, dataset.count), { rank = 0, size = 1 } = collective ?? {};
    expectRoom(count, classes);
    this.#program = program;
    this.#options = options;
    this.#count = count;
    this.#ranks = { rank, size };
    const preprocessing = options.preprocessing ??
      (dataset instanceof FolderDataset ? defaultPreprocessing(shape) : undefined);
    const own = Math.max(0, Math.ceil((Math.ceil(count / batch) - rank) / size));
    // What would not fill a batch is filled up with the last image.
    const imageOf = (k: number) => (rank + size * Math.floor(k / batch)) * batch + k % batch;
    const order = Uint32Array.from({ length: own * batch }, (_, k) => Math.min(imageOf(k), count - 1));
    this.#loader = new BatchLoader({
      dataset,
      shape,
      normalisation,
      preprocessing,
      batch,
      epochs: 1,
      order: () => order,
    });
  }

  /**
   * Computes the logits and measures them.
   *
   * @param signal Stops the evaluation, which then throws the signal's reason.
   */
  async evaluate(signal?: AbortSignal): Promise<EvaluatedSplit> {
    const { program, batch, classes } = this.#program, { rank, size } = this.#ranks, count = this.#count;
    const { collective, classMap, onProgress } = this.#options;
    const logits = new Float32Array(count * classes), labels = new Uint32Array(count), pauses = new Pauses();
    for (let k = 0; k < this.#loader.batchesPerEpoch; k++) {
      const made = await this.#loader.fetch(0, k), first = (rank + k * size) * batch;
      const filled = Math.min(batch, count - first);
      program.write("image", made.images);
      program.run();
      labels.set(made.labels.subarray(0, filled), first);
      const scores = await program.read("logits") as Float32Array;
      logits.set(scores.subarray(0, filled * classes), first * classes);
      // The others are about as far.
      onProgress?.(Math.min(count, (k + 1) * size * batch), count);
      await pauses.take();
      signal?.throwIfAborted();
    }
    if (collective !== undefined) await joinRanks(collective, logits, labels);
    if (classMap !== undefined) labels.forEach((label, k) => labels[k] = classMap[label]);
    return { logits, labels, ...evaluateLogits(logits, labels, classes) };
  }

  /** Ends what prepares batches. */
  close(): Promise<void> {
    return this.#loader.close();
  }

  /** Closes it at the end of a block that is `using` it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Computes the logits of a split and measures them, once. The last batch is filled up with images that are not counted. Image
 * files are resized and cropped as `preprocessing` says, in the usual way for the shape by default, also those that have its
 * size; images of other sets only where they have another size, or `preprocessing` is given.
 *
 * @param program As `compileInference` makes it.
 * @param options The images and their normalisation.
 * @param batch The batch size of the program.
 * @param classes The number of classes.
 * @param limit The number of images to take, from the first. Defaults to all.
 * @param signal Stops the evaluation, which then throws the signal's reason.
 * @throws {UsageError} If the images and classes are so many that the results would take more than 4 GiB.
 */
export async function evaluateSplit(
  program: Program,
  options: EvaluationOptions,
  batch: number,
  classes: number,
  limit?: number,
  signal?: AbortSignal,
): Promise<EvaluatedSplit> {
  const evaluator = new SplitEvaluator({ program, batch, classes, limit }, options);
  try {
    return await evaluator.evaluate(signal);
  } finally {
    await evaluator.close();
  }
}

/** Joins the results of all ranks, each of which has zeros where others have theirs, so that sums keep every bit that counts. */
async function joinRanks(collective: Collective, logits: Float32Array, labels: Uint32Array): Promise<void> {
  await collective.sum(logits);
  const numbers = Float32Array.from(labels);
  await collective.sum(numbers);
  labels.set(numbers);
}

/** Checks that the results have room, before anything is computed. */
function expectRoom(count: number, classes: number): void {
  const bytes = Float32Array.BYTES_PER_ELEMENT * count * classes + Float64Array.BYTES_PER_ELEMENT * classes ** 2;
  if (bytes <= MOST_BYTES) return;
  throw new UsageError(
    `The results of ${count} images in ${classes} classes take ${
      (bytes / 2 ** 30).toFixed(1)
    } GiB, a logit for each image ` +
      `and class and a count for each pair of classes; expected ${
        MOST_BYTES / 2 ** 30
      } GiB at most: evaluate fewer images, ` +
      "or join classes",
  );
}
