/** A model: a list of blocks with a name and an input size. */

import type { Block } from "../blocks/mod.ts";
import type { Graph, Value } from "../core/mod.ts";

/** A classifier of images. */
export interface Model extends Block {
  /** The name by which the command line knows it. */
  readonly name: string;
  /** The number of classes: the width of the output. */
  readonly classes: number;
  /** Channels, height and width of an image. */
  readonly inputShape: readonly [number, number, number];
}

/** A named part of a model, for tables. */
export interface Layer {
  /** The name. */
  readonly name: string;
  /** The block. */
  readonly block: Block;
}

/** A model whose layers run one after the other. */
export interface SequentialModel extends Model {
  /** The layers, first to last. */
  readonly layers: readonly Layer[];
}

/**
 * A model that runs its layers one after the other.
 *
 * @example
 * ```ts
 * import { classifierHead, convNorm, f32, Graph, residualBlock, sequential } from "@residua/residua";
 * const model = sequential({
 *   name: "small",
 *   classes: 4,
 *   inputShape: [3, 8, 8],
 *   layers: [
 *     { name: "conv1", block: convNorm({ conv: "conv1", norm: "bn1", channels: 8 }) },
 *     { name: "layer1", block: residualBlock({ name: "layer1.0", channels: 8 }) },
 *     { name: "layer2", block: residualBlock({ name: "layer2.0", channels: 16, stride: 2 }) },
 *     { name: "fc", block: classifierHead("fc", 4) },
 *   ],
 * });
 * const graph = new Graph();
 * console.log(model.forward(graph, graph.input("image", f32([2, 3, 8, 8]))).spec.shape); // [ 2, 4 ]
 * ```
 */
export function sequential(model: Omit<SequentialModel, "forward">): SequentialModel {
  return {
    ...model,
    forward: (graph: Graph, input: Value) =>
      model.layers.reduce((value, { block }) => block.forward(graph, value), input),
  };
}
