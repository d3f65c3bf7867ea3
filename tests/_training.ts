/** Small training runs that tests share. */

import { type Backend, elementCount, type Precision, Random, type TuneOptions } from "../core/mod.ts";
import { classifierHead, convNorm, invertedResidualBlock } from "../blocks/mod.ts";
import { cifarResNet, sequential, type SequentialModel } from "../models/mod.ts";
import { Trainer } from "../train/mod.ts";

/**
 * A network of odd sizes, and its batch. Tests share them because a software adapter compiles each shader for a tenth of a
 * second, and keeps it for the next test.
 */
export const SMALL = cifarResNet({ depth: 8, inputShape: [3, 9, 9] });
export const SMALL_BATCH = 6;

/** MobileNet-V2's blocks: without an expansion, with a stride, and with a shortcut. */
export const INVERTED: SequentialModel = sequential({
  name: "inverted",
  classes: 10,
  inputShape: SMALL.inputShape,
  layers: [
    { name: "stem", block: convNorm({ conv: "conv1", norm: "bn1", channels: 8, activation: "relu6" }) },
    { name: "a", block: invertedResidualBlock({ name: "a", channels: 6, stride: 1, expansion: 1 }) },
    { name: "b", block: invertedResidualBlock({ name: "b", channels: 9, stride: 2, expansion: 6 }) },
    { name: "c", block: invertedResidualBlock({ name: "c", channels: 9, stride: 1, expansion: 6 }) },
    { name: "d", block: invertedResidualBlock({ name: "d", channels: 9, stride: 1, expansion: 6 }) },
    { name: "fc", block: classifierHead("fc", 10) },
  ],
});

/** Random images and labels. */
export function smallBatch(
  model: Pick<SequentialModel, "inputShape" | "classes">,
  batch: number,
): { images: Float32Array; labels: Uint32Array } {
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
  const { images, labels } = smallBatch(model, SMALL_BATCH);
  const trainer = await Trainer.create({ model, backend, batch: SMALL_BATCH, seed: 2, ...options });
  for (let k = 0; k < steps; k++) trainer.step({ images, labels }, rate);
  const results = await trainer.results();
  trainer.destroy();
  return results.map(({ loss }) => loss);
}
