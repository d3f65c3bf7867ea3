/** Dropout (Srivastava et al. 2014) with a stream of masks that follows the run's seed and survives a resumed run. */

import { f32, type Graph, UsageError, type Value } from "../core/mod.ts";
import { dropout } from "../ops/mod.ts";

/** The prefix of variables that only training needs: checkpoints of a run hold them, weight files do not. */
const PREFIX = "optimizer.dropout.";

/**
 * Records dropout. In training each element becomes 0 with the probability `rate`, else is divided by 1 - rate. In inference,
 * or where the rate is 0, nothing is recorded.
 *
 * @param name The layer's name, which gives each layer masks of its own.
 * @param input A tensor of any shape.
 * @param rate From 0 to less than 1.
 * @throws {UsageError} If the rate is not in this range.
 *
 * @example
 * ```ts
 * import { f32, Graph } from "@residua/residua";
 * import { dropElements } from "@residua/residua/blocks";
 * const graph = new Graph({ training: true });
 * const features = graph.input("features", f32([8, 1280]));
 * console.log(dropElements(graph, "classifier", features, 0.2).spec.shape); // [ 8, 1280 ]
 * ```
 */
export function dropElements(graph: Graph, name: string, input: Value, rate: number): Value {
  if (!(rate >= 0 && rate < 1)) {
    throw new UsageError(`${name}: expected dropout to be from 0 to less than 1 but it is ${rate}`);
  }
  if (!graph.training || rate === 0) return input;
  const step = graph.state(`${PREFIX}${name}.step`, f32([]), { kind: "constant", value: 0 });
  // A random number of the run's seed and this name; only its bits matter.
  const seed = graph.state(`${PREFIX}${name}.seed`, f32([]), { kind: "fanInUniform", fanIn: 1 });
  return dropout.apply(graph, [input, step, seed], { rate })[0];
}
