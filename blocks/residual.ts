/** The basic residual block of He et al. 2015, figure 2 and section 3.3: two 3x3 convolutions and a shortcut. */

import { lastGamma } from "./_last_gamma.ts";
import { type Block, convNorm, type HeInitialization } from "./conv_norm.ts";
import { type Downsampling, downsamplingConvNorm } from "./downsampling.ts";
import { joinShortcut, type Shortcut } from "./shortcut.ts";

/** The options of {@link residualBlock}. */
export interface ResidualOptions {
  /** The block's name, such as `layer1.0`: the prefix of its weights' names. */
  readonly name: string;
  /** Output channels. */
  readonly channels: number;
  /** The stride; 2 halves the resolution. Defaults to 1. */
  readonly stride?: number;
  /** The shortcut. Defaults to B, as torchvision's. */
  readonly shortcut?: Shortcut;
  /** How the resolution is halved. Defaults to the stride of a convolution. */
  readonly downsampling?: Downsampling;
  /** The initialisation of the weights. Defaults to fan-in. */
  readonly initialization?: HeInitialization;
  /**
   * Whether the last batch norm's scale starts at 0, so that the block starts as its shortcut (Goyal et al. 2017, 5.1).
   * A block without a shortcut does not heed it, since it would start as nothing and stay so.
   */
  readonly zeroInitLastGamma?: boolean;
}

/**
 * conv 3x3 → BN → ReLU → conv 3x3 → BN, plus the shortcut, → ReLU.
 *
 * @example
 * ```ts
 * import { f32, Graph } from "@residua/residua";
 * import { residualBlock } from "@residua/residua";
 * const graph = new Graph({ training: true });
 * const features = graph.input("features", f32([2, 16, 32, 32]));
 * const block = residualBlock({ name: "layer2.0", channels: 32, stride: 2 });
 * console.log(block.forward(graph, features).spec.shape); // [ 2, 32, 16, 16 ]
 * ```
 */
export function residualBlock(options: ResidualOptions): Block {
  const { name, channels, stride = 1, shortcut = "B", downsampling = "stride", initialization = "fan-in" } = options;
  const first = downsamplingConvNorm(
    { conv: `${name}.conv1`, norm: `${name}.bn1`, channels, stride, initialization },
    downsampling,
  );
  const second = convNorm({
    conv: `${name}.conv2`,
    norm: `${name}.bn2`,
    channels,
    activation: "none",
    initialization,
    initialGamma: lastGamma(options),
  });
  const join = { name, channels, stride, shortcut, downsampling, initialization };
  return {
    forward(graph, input) {
      const branch = second.forward(graph, first.forward(graph, input));
      return joinShortcut(graph, input, branch, join);
    },
  };
}
