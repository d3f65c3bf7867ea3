/** The bottleneck block of He et al. 2015, figure 5 and section 4.1: 1x1, 3x3 and 1x1 convolutions and a shortcut. */

import { lastGamma } from "./_last_gamma.ts";
import { type Block, convNorm } from "./conv_norm.ts";
import { downsamplingConvNorm } from "./downsampling.ts";
import type { ResidualOptions } from "./residual.ts";
import { joinShortcut } from "./shortcut.ts";

/** How many times wider a bottleneck block's output is than its 3x3 convolution. */
export const BOTTLENECK_EXPANSION = 4;

/** The options of {@link bottleneckBlock}. */
export interface BottleneckOptions extends ResidualOptions {
  /** Channels C of the first two convolutions; the block gives 4C. */
  readonly channels: number;
  /** The convolution that halves the resolution. Defaults to the 3x3, as torchvision's; the paper's is the first 1x1. */
  readonly strideOn?: "3x3" | "1x1";
}

/**
 * conv 1x1 → BN → ReLU → conv 3x3 → BN → ReLU → conv 1x1 → BN, plus the shortcut, → ReLU. The input is [N, Cin, H, W], the
 * output [N, 4C, H/stride, W/stride].
 *
 * @example
 * ```ts
 * import { f32, Graph } from "@residua/residua";
 * import { bottleneckBlock } from "@residua/residua";
 * const graph = new Graph({ training: true });
 * const features = graph.input("features", f32([2, 256, 56, 56]));
 * const block = bottleneckBlock({ name: "layer2.0", channels: 128, stride: 2 });
 * console.log(block.forward(graph, features).spec.shape); // [ 2, 512, 28, 28 ]
 * ```
 */
export function bottleneckBlock(options: BottleneckOptions): Block {
  const { name, channels, stride = 1, shortcut = "B", downsampling = "stride", initialization = "fan-in" } = options;
  const onFirst = options.strideOn === "1x1", output = BOTTLENECK_EXPANSION * channels;
  const reduce = downsamplingConvNorm({
    conv: `${name}.conv1`,
    norm: `${name}.bn1`,
    channels,
    kernel: 1,
    stride: onFirst ? stride : 1,
    initialization,
  }, downsampling);
  const middle = downsamplingConvNorm({
    conv: `${name}.conv2`,
    norm: `${name}.bn2`,
    channels,
    stride: onFirst ? 1 : stride,
    initialization,
  }, downsampling);
  const expand = convNorm({
    conv: `${name}.conv3`,
    norm: `${name}.bn3`,
    channels: output,
    kernel: 1,
    activation: "none",
    initialization,
    initialGamma: lastGamma(options),
  });
  const join = { name, channels: output, stride, shortcut, downsampling, initialization };
  return {
    forward(graph, input) {
      const branch = expand.forward(graph, middle.forward(graph, reduce.forward(graph, input)));
      return joinShortcut(graph, input, branch, join);
    },
  };
}
