/** The inverted residual block of MobileNet-V2 (Sandler et al. 2018, table 1 and figure 4b). */

import { UsageError } from "../core/mod.ts";
import { add } from "../ops/mod.ts";
import { type Block, convNorm, type ConvNormOptions, type HeInitialization } from "./conv_norm.ts";

/** The options of {@link invertedResidualBlock}. */
export interface InvertedResidualOptions extends Pick<ConvNormOptions, "padding" | "epsilon"> {
  /** The block's name, such as `features.2`: the prefix of its weights' names. */
  readonly name: string;
  /** Output channels. */
  readonly channels: number;
  /** The stride; 2 halves the resolution. Defaults to 1. */
  readonly stride?: number;
  /** The expansion t of the paper: the depthwise convolution's channels per input channel. Defaults to 6. */
  readonly expansion?: number;
  /** The initialisation of the weights. Defaults to fan-out, as torchvision's. */
  readonly initialization?: HeInitialization;
}

/**
 * conv 1x1 to t·Cin → BN → ReLU6 → depthwise 3x3 → BN → ReLU6 → conv 1x1 → BN. Where t is 1, the first conv, BN and ReLU6 are
 * left out. Where the stride is 1 and the channels stay the same, the input is added. The last 1x1 is linear: no activation
 * follows it or the sum. The input is [N, Cin, H, W], the output [N, channels, H/stride, W/stride].
 *
 * @throws {UsageError} If the expansion is less than 1.
 *
 * @example
 * ```ts
 * import { f32, Graph } from "@residua/residua";
 * import { invertedResidualBlock } from "@residua/residua";
 * const graph = new Graph({ training: true });
 * const features = graph.input("features", f32([2, 16, 112, 112]));
 * const block = invertedResidualBlock({ name: "features.2", channels: 24, stride: 2 });
 * console.log(block.forward(graph, features).spec.shape); // [ 2, 24, 56, 56 ]
 * ```
 */
export function invertedResidualBlock(options: InvertedResidualOptions): Block {
  const { name, channels, stride = 1, expansion = 6, initialization = "fan-out", padding, epsilon } = options;
  if (!(expansion >= 1)) throw new UsageError(`${name}: expected expansion to be at least 1 but it is ${expansion}`);
  const depthwise = expansion === 1 ? 0 : 1;
  const part = (index: number, kernel: number) => ({
    conv: `${name}.conv.${index}.0`,
    norm: `${name}.conv.${index}.1`,
    kernel,
    activation: "relu6" as const,
    initialization,
    padding,
    epsilon,
  });
  const project = convNorm({
    conv: `${name}.conv.${depthwise + 1}`,
    norm: `${name}.conv.${depthwise + 2}`,
    channels,
    kernel: 1,
    activation: "none",
    initialization,
    epsilon,
  });
  return {
    forward(graph, input) {
      const inputs = input.spec.shape[1], wide = Math.round(inputs * expansion);
      const expanded = depthwise === 0 ? input : convNorm({ ...part(0, 1), channels: wide }).forward(graph, input);
      const filter = convNorm({ ...part(depthwise, 3), channels: wide, stride, depthwise: true });
      const output = project.forward(graph, filter.forward(graph, expanded));
      return stride === 1 && inputs === channels ? add.apply(graph, [input, output])[0] : output;
    },
  };
}
