/** Small training runs that tests share. */

import { type Backend, elementCount, type Precision, Random, type TuneOptions } from "../core/mod.ts";
import type { SequentialModel } from "../models/mod.ts";
import { Trainer } from "../train/mod.ts";

/** Random images and labels. */
export function smallBatch(model: SequentialModel, batch: number): { images: Float32Array; labels: Uint32Array } {
  const random = new Random(4, "batch"), size = elementCount(model.inputShape);
  return {
    images: Float32Array.from({ length: batch * size }, () => random.normal()),
    labels: Uint32Array.from({ length: batch }, () => random.integer(model.classes)),
  };
}

/** The losses of steps on one small batch. */
export async function losses(
  backend: Backend,
  model: SequentialModel,
  steps: number,
  rate: number,
  options: { readonly precision?: Precision; readonly tune?: TuneOptions } = {},
): Promise<number[]> {
  const { images, labels } = smallBatch(model, 8);
  const trainer = await Trainer.create({ model, backend, batch: 8, seed: 2, ...options });
  for (let k = 0; k < steps; k++) trainer.step({ images, labels }, rate);
  const results = await trainer.results();
  trainer.destroy();
  return results.map(({ loss }) => loss);
}
