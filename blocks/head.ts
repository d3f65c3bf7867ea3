/** The head of a classifier: global average pool, maybe dropout, and one linear layer. */

import { f32, type Graph, type Initializer, type Value } from "../core/mod.ts";
import { globalAveragePool, linear } from "../ops/mod.ts";
import type { Block } from "./conv_norm.ts";
import { dropElements } from "./dropout.ts";

/** The options of {@link classifierHead}. */
export interface ClassifierHeadOptions {
  /** The share of the pooled features that a training step drops. Defaults to 0. */
  readonly dropout?: number;
  /** The standard deviation of normal first weights, with a bias of 0. Defaults to the start of PyTorch's linear layer. */
  readonly deviation?: number;
}

/**
 * Global average pool, then a linear layer, whose weights start as PyTorch's do: uniform within 1/√(fan-in).
 *
 * @param name The linear layer's name, such as `fc`.
 * @param classes The number of outputs.
 *
 * @example
 * ```ts
 * import { f32, Graph } from "@residua/residua";
 * import { classifierHead } from "@residua/residua";
 * const graph = new Graph();
 * const features = graph.input("features", f32([2, 64, 8, 8]));
 * console.log(classifierHead("fc", 10).forward(graph, features).spec.shape); // [ 2, 10 ]
 * ```
 */
export function classifierHead(name: string, classes: number, options: ClassifierHeadOptions = {}): Block {
  const { dropout = 0, deviation } = options;
  return {
    forward(graph: Graph, input: Value): Value {
      const [pooled] = globalAveragePool.apply(graph, [input]);
      const fanIn = pooled.spec.shape[1];
      const uniform: Initializer = { kind: "fanInUniform", fanIn };
      const start: Initializer = deviation === undefined ? uniform : { kind: "normal", deviation };
      const biasStart: Initializer = deviation === undefined ? uniform : { kind: "constant", value: 0 };
      const weight = graph.parameter(`${name}.weight`, f32([classes, fanIn]), start);
      const bias = graph.parameter(`${name}.bias`, f32([classes]), biasStart);
      return linear.apply(graph, [dropElements(graph, name, pooled, dropout), weight, bias])[0];
    },
  };
}
