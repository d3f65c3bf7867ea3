/** Runs a model over a whole split. */

import type { Program } from "../core/mod.ts";
import { Batcher, type BatcherOptions } from "../data/mod.ts";
import { Pauses } from "./_pause.ts";
import { evaluateLogits, type Evaluation } from "./metrics.ts";

/** An evaluation and the logits that it is made of. */
export interface EvaluatedSplit extends Evaluation {
  /** The logits [count, classes], in the order of the split. */
  readonly logits: Float32Array;
}

/**
 * Computes the logits of a split and measures them. The last batch is filled up with images that are not counted.
 *
 * @param program As `compileInference` makes it.
 * @param options The images and their normalisation.
 * @param batch The batch size of the program.
 * @param classes The number of classes.
 * @param limit The number of images to take, from the first; all unless given.
 * @param signal Stops the evaluation, which then throws the signal's reason.
 */
export async function evaluateSplit(
  program: Program,
  options: Omit<BatcherOptions, "augmentation">,
  batch: number,
  classes: number,
  limit: number = Infinity,
  signal?: AbortSignal,
): Promise<EvaluatedSplit> {
  const { split, shape } = options, count = Math.min(limit, split.count);
  const batcher = new Batcher(options), indices = new Uint32Array(batch);
  const images = new Float32Array(batch * shape[0] * shape[1] * shape[2]), labels = new Uint32Array(batch);
  const logits = new Float32Array(count * classes), pauses = new Pauses();
  for (let first = 0; first < count; first += batch) {
    for (let k = 0; k < batch; k++) indices[k] = Math.min(first + k, count - 1);
    batcher.fill(indices, 0, images, labels);
    program.write("image", images);
    program.run();
    const scores = await program.read("logits") as Float32Array;
    logits.set(scores.subarray(0, Math.min(batch, count - first) * classes), first * classes);
    await pauses.take();
    signal?.throwIfAborted();
  }
  return { logits, ...evaluateLogits(logits, split.labels.subarray(0, count), classes) };
}
