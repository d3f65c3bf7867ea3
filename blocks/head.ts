/** The head of a classifier: global average pool and one linear layer. */

import { f32, type Graph, type Value } from "../core/mod.ts";
import { globalAveragePool, linear } from "../ops/mod.ts";
import type { Block } from "./conv_norm.ts";

/**
 * Global average pool, then a linear layer, whose weights start as PyTorch's do: uniform within 1/√(fan-in).
 *
 * @param name The linear layer's name, such as `fc`.
 * @param classes The number of outputs.
 *
 * @example
 * ```ts
 * import { f32, Graph } from "../core/mod.ts";
 * import { classifierHead } from "./mod.ts";
 * const graph = new Graph();
 * const features = graph.input("features", f32([2, 64, 8, 8]));
 * console.log(classifierHead("fc", 10).forward(graph, features).spec.shape); // [ 2, 10 ]
 * ```
 */
export function classifierHead(name: string, classes: number): Block {
  return {
    forward(graph: Graph, input: Value): Value {
      const [pooled] = globalAveragePool.apply(graph, [input]);
      const fanIn = pooled.spec.shape[1];
      const weight = graph.parameter(`${name}.weight`, f32([classes, fanIn]), { kind: "fanInUniform", fanIn });
      const bias = graph.parameter(`${name}.bias`, f32([classes]), { kind: "fanInUniform", fanIn });
      return linear.apply(graph, [pooled, weight, bias])[0];
    },
  };
}
