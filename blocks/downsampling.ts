/** How a block halves the resolution: by the stride of a convolution, or by a max pool after one of stride 1. */

import type { Graph, Value } from "../core/mod.ts";
import { maxPool2d } from "../ops/mod.ts";
import { type Block, convNorm, type ConvNormOptions } from "./conv_norm.ts";

/** How a block halves the resolution: by the stride of a convolution, or by a 2x2 max pool after one of stride 1. */
export type Downsampling = "stride" | "maxPool";

/** Halves the height and the width by the maximum of 2x2 windows; an odd last row or column is kept by padding. */
export function poolDown(graph: Graph, input: Value, stride: number): Value {
  const odd = input.spec.shape.slice(2).some((extent) => extent % stride !== 0);
  const window = odd
    ? { kernel: [stride + 1, stride + 1], stride: [stride, stride], padding: [1, 1] }
    : { kernel: [stride, stride], stride: [stride, stride], padding: [0, 0] };
  return maxPool2d.apply(graph, [input], window)[0];
}

/**
 * {@link convNorm} whose stride is the convolution's, or that of a max pool after it, as `downsampling` says.
 *
 * @example
 * ```ts
 * import { f32, Graph } from "@residua/residua";
 * import { downsamplingConvNorm } from "@residua/residua/blocks";
 * const graph = new Graph();
 * const block = downsamplingConvNorm({ conv: "conv1", norm: "bn1", channels: 16, stride: 2 }, "maxPool");
 * console.log(block.forward(graph, graph.input("image", f32([1, 3, 32, 32]))).spec.shape); // [ 1, 16, 16, 16 ]
 * ```
 */
export function downsamplingConvNorm(options: ConvNormOptions, downsampling: Downsampling): Block {
  const { stride = 1 } = options;
  if (downsampling === "stride" || stride === 1) return convNorm(options);
  const full = convNorm({ ...options, stride: 1 });
  return { forward: (graph, input) => poolDown(graph, full.forward(graph, input), stride) };
}
