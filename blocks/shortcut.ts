/** The shortcut of a residual block, options A, B and C of He et al. 2015, section 3.3 and 4.1. */

import type { Graph, Value } from "../core/mod.ts";
import { add, subsamplePad } from "../ops/mod.ts";
import { activate, convNorm, type HeInitialization } from "./conv_norm.ts";
import { type Downsampling, poolDown } from "./downsampling.ts";

/**
 * The path beside a block's convolutions. `A`: the identity, strided and padded with zero channels where shapes differ.
 * `B`: a 1x1 convolution and batch norm where shapes differ, else the identity. `C`: a 1x1 convolution and batch norm
 * always. `none`: nothing, which makes a plain network.
 */
export type Shortcut = "A" | "B" | "C" | "none";

/** The options of {@link shortcutPath}. */
export interface ShortcutOptions {
  /** The block's name; the projection is `${name}.downsample.0` and `.1`, as torchvision names it. */
  readonly name: string;
  /** Output channels. */
  readonly channels: number;
  /** The stride of the whole block. */
  readonly stride: number;
  /** The option. */
  readonly shortcut: Shortcut;
  /** How the block halves the resolution. */
  readonly downsampling: Downsampling;
  /** The initialisation of projection weights. */
  readonly initialization: HeInitialization;
}

/**
 * Records a shortcut.
 *
 * @param input [N, C, H, W].
 * @returns [N, channels, H/stride, W/stride], or nothing where the block has no shortcut.
 */
export function shortcutPath(graph: Graph, input: Value, options: ShortcutOptions): Value | undefined {
  const { name, channels, stride, shortcut, downsampling, initialization } = options;
  if (shortcut === "none") return undefined;
  const same = stride === 1 && input.spec.shape[1] === channels;
  if (same && shortcut !== "C") return input;
  const pooled = downsampling === "maxPool" && stride > 1;
  const source = pooled ? poolDown(graph, input, stride) : input, remaining = pooled ? 1 : stride;
  if (shortcut === "A") return subsamplePad.apply(graph, [source], { stride: [remaining, remaining], channels })[0];
  const projection = convNorm({
    conv: `${name}.downsample.0`,
    norm: `${name}.downsample.1`,
    channels,
    kernel: 1,
    stride: remaining,
    activation: "none",
    initialization,
  });
  return projection.forward(graph, source);
}

/**
 * Records the end of a residual block: the sum of its branch and its shortcut, then ReLU.
 *
 * @param input The block's input [N, C, H, W].
 * @param branch The output of its convolutions [N, channels, H/stride, W/stride].
 */
export function joinShortcut(graph: Graph, input: Value, branch: Value, options: ShortcutOptions): Value {
  const identity = shortcutPath(graph, input, options);
  return activate(graph, identity === undefined ? branch : add.apply(graph, [branch, identity])[0], "relu");
}
