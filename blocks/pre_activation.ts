/** The pre-activation block of He et al. 2016, "Identity Mappings in Deep Residual Networks", figure 1b. */

import { add } from "../ops/mod.ts";
import { type Block, convolve, normActivation } from "./conv_norm.ts";
import type { ResidualOptions } from "./residual.ts";

/** The options of {@link preActivationBlock}. */
export type PreActivationOptions = Pick<ResidualOptions, "name" | "channels" | "stride" | "initialization">;

/**
 * BN → ReLU → conv 3x3 → BN → ReLU → conv 3x3, plus the shortcut, with nothing after the sum. The shortcut is the identity;
 * where shapes differ it is a 1x1 convolution, `downsample.0`, of the input after BN and ReLU, without a norm of its own. After
 * the last block a network needs {@link normActivation}. The input is [N, Cin, H, W], the output
 * [N, channels, H/stride, W/stride].
 *
 * @example
 * ```ts
 * import { f32, Graph } from "@residua/residua";
 * import { preActivationBlock } from "@residua/residua/blocks";
 * const graph = new Graph({ training: true });
 * const features = graph.input("features", f32([2, 16, 32, 32]));
 * const block = preActivationBlock({ name: "layer2.0", channels: 32, stride: 2 });
 * console.log(block.forward(graph, features).spec.shape); // [ 2, 32, 16, 16 ]
 * ```
 */
export function preActivationBlock(options: PreActivationOptions): Block {
  const { name, channels, stride = 1, initialization } = options;
  const before = [normActivation(`${name}.bn1`), normActivation(`${name}.bn2`)];
  return {
    forward(graph, input) {
      const active = before[0].forward(graph, input);
      const middle = convolve(graph, active, { conv: `${name}.conv1`, channels, stride, initialization });
      const inner = before[1].forward(graph, middle);
      const branch = convolve(graph, inner, { conv: `${name}.conv2`, channels, initialization });
      const same = stride === 1 && input.spec.shape[1] === channels;
      const projection = { conv: `${name}.downsample.0`, channels, kernel: 1, stride, initialization };
      return add.apply(graph, [branch, same ? input : convolve(graph, active, projection)])[0];
    },
  };
}
