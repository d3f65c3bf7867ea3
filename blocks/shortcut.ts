/** The shortcut of a residual block, options A, B and C of He et al. 2015, section 3.3 and 4.1. */

import type { Graph, Value } from "../core/mod.ts";
import { maxPool2d, subsamplePad } from "../ops/mod.ts";
import { convNorm, type HeInitialization } from "./conv_norm.ts";

/**
 * What stands beside a block's convolutions. `A`: the identity, strided and padded with zero channels where shapes differ.
 * `B`: a 1x1 convolution and batch norm where shapes differ, else the identity. `C`: a 1x1 convolution and batch norm
 * always. `none`: nothing, which makes a plain network.
 */
export type Shortcut = "A" | "B" | "C" | "none";

/** How a block halves the resolution: by the stride of a convolution, or by a 2x2 max pool after one of stride 1. */
export type Downsampling = "stride" | "maxPool";

/** The options of {@link shortcutPath}. */
export interface ShortcutOptions {
  /** The block's name; the projection is `${name}.downsample.0` and `.1`, as torchvision names it. */
  readonly name: string;
  /** Output channels. */
  readonly channels: number;
  /** The stride of the whole block. */
  readonly stride: number;
  /** Which option. */
  readonly shortcut: Shortcut;
  /** How the block halves the resolution. */
  readonly downsampling: Downsampling;
  /** How projection weights start. */
  readonly initialization: HeInitialization;
}

/** Halves the height and the width by the maximum of 2x2 windows; an odd last row or column is kept by padding. */
export function poolDown(graph: Graph, input: Value, stride: number): Value {
  const odd = input.spec.shape.slice(2).some((extent) => extent % stride !== 0);
  const window = odd
    ? { kernel: [stride + 1, stride + 1], stride: [stride, stride], padding: [1, 1] }
    : { kernel: [stride, stride], stride: [stride, stride], padding: [0, 0] };
  return maxPool2d.apply(graph, [input], window)[0];
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
