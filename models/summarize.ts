/** A model's layers with what they hold and how much they compute. */

import { elementCount, f32, Graph, type Shape, type Value } from "../core/mod.ts";
import type { SequentialModel } from "./model.ts";

/** What a layer gives, holds and computes for one image. */
export interface LayerSummary {
  /** The layer's name. */
  readonly name: string;
  /** The output's shape without the batch: [C, H, W] or [K]. */
  readonly output: Shape;
  /** The number of trained elements. */
  readonly parameters: number;
  /** Multiplications, each with its addition, in convolutions and linear layers; other ops are not counted. */
  readonly multiplyAdds: number;
}

/** The layers of a model and their sums. */
export interface ModelSummary extends Pick<LayerSummary, "parameters" | "multiplyAdds"> {
  /** The layers, first to last. */
  readonly layers: readonly LayerSummary[];
}

/**
 * Counts a model's parameters and multiply-adds for one image, layer by layer.
 *
 * @example
 * ```ts
 * import { modelByName } from "@residua/residua";
 * import { summarizeModel } from "@residua/residua/models";
 * console.log(summarizeModel(modelByName("resnet18")).parameters); // 11689512
 * ```
 */
export function summarizeModel(model: SequentialModel): ModelSummary {
  const graph = new Graph(), layers: LayerSummary[] = [];
  let value: Value = graph.input("image", f32([1, ...model.inputShape])), parameters = 0, multiplyAdds = 0;
  for (const { name, block } of model.layers) {
    const nodes = graph.nodes.length;
    value = block.forward(graph, value);
    const held = graph.parameters.reduce((sum, { spec }) => sum + elementCount(spec.shape), 0) - parameters;
    const computed = graph.nodes.slice(nodes).filter(({ op }) => /^(conv2d|depthwiseConv2d|linear)$/.test(op.name))
      .reduce((sum, node) => sum + node.op.cost(node).flops / 2, 0);
    layers.push({ name, output: value.spec.shape.slice(1), parameters: held, multiplyAdds: computed });
    parameters += held;
    multiplyAdds += computed;
  }
  return { layers, parameters, multiplyAdds };
}
