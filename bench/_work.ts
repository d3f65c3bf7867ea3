/** The work that benchmarks measure. */

import { elementCount, Random } from "../core/mod.ts";
import { modelByName, type SequentialModel } from "../models/mod.ts";

/**
 * A model and a batch of random images and labels.
 *
 * @throws {UsageError} If there is no model of that name.
 */
export function randomBatch(
  name: string,
  batch: number,
): { model: SequentialModel; images: Float32Array; labels: Uint32Array } {
  const model = modelByName(name), random = new Random(0, "bench");
  return {
    model,
    images: Float32Array.from({ length: batch * elementCount(model.inputShape) }, () => random.normal()),
    labels: Uint32Array.from({ length: batch }, () => random.integer(model.classes)),
  };
}
