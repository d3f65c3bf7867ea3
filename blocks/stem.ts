/** The first layers of the ImageNet residual networks (He et al. 2015, table 1). */

import { maxPool2d } from "../ops/mod.ts";
import { type Block, convNorm, type HeInitialization } from "./conv_norm.ts";

/** The options of {@link imageNetStem}. */
export interface StemOptions {
  /** Output channels. Defaults to 64. */
  readonly channels?: number;
  /** The initialisation of the weights. Defaults to fan-in. */
  readonly initialization?: HeInitialization;
}

/**
 * conv 7x7 by 2 (`conv1`) → BN (`bn1`) → ReLU → max pool 3x3 by 2, padded by 1. The input is [N, C, H, W], the output
 * [N, channels, H/4, W/4].
 *
 * @example
 * ```ts
 * import { f32, Graph } from "@residua/residua";
 * import { imageNetStem } from "@residua/residua/blocks";
 * const graph = new Graph();
 * const image = graph.input("image", f32([1, 3, 224, 224]));
 * console.log(imageNetStem().forward(graph, image).spec.shape); // [ 1, 64, 56, 56 ]
 * ```
 */
export function imageNetStem({ channels = 64, initialization }: StemOptions = {}): Block {
  const conv = convNorm({ conv: "conv1", norm: "bn1", channels, kernel: 7, stride: 2, initialization });
  return {
    forward(graph, input) {
      const window = { kernel: [3, 3], stride: [2, 2], padding: [1, 1] };
      return maxPool2d.apply(graph, [conv.forward(graph, input)], window)[0];
    },
  };
}
