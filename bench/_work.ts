/** The work that benchmarks measure. */

import { Random } from "../core/mod.ts";
import { cifarResNet, type SequentialModel } from "../models/mod.ts";

/** ResNet-20 and a batch of random images and labels. */
export function resnetBatch(
  batch: number,
  random: Random,
): { model: SequentialModel; images: Float32Array; labels: Uint32Array } {
  return {
    model: cifarResNet({ depth: 20 }),
    images: Float32Array.from({ length: batch * 3 * 32 * 32 }, () => random.normal()),
    labels: Uint32Array.from({ length: batch }, () => random.integer(10)),
  };
}
