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

/** A model that runs its layers one after the other. */
export function sequential(model: Omit<SequentialModel, "forward">): SequentialModel {
  return {
    ...model,
    forward: (graph: Graph, input: Value) =>
      model.layers.reduce((value, { block }) => block.forward(graph, value), input),
  };
}
