/** A network of your own: a stem, a block of Residua's that halves the resolution, your block, a classifier. */

import { classifierHead, convNorm, residualBlock, sequential, type SequentialModel } from "@residua/residua";
import { smoothBlock } from "./block.ts";

/**
 * The network.
 *
 * @param classes The number of classes.
 * @param inputShape Channels, height and width of its images.
 */
export function network(classes: number, inputShape: readonly [number, number, number]): SequentialModel {
  return sequential({
    name: "smooth",
    classes,
    inputShape,
    layers: [
      { name: "stem", block: convNorm({ conv: "stem.0", norm: "stem.1", channels: 16 }) },
      { name: "half", block: residualBlock({ name: "half", channels: 32, stride: 2 }) },
      { name: "smooth", block: smoothBlock("smooth", 32) },
      { name: "fc", block: classifierHead("fc", classes) },
    ],
  });
}
