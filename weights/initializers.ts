/** Turns a graph's declared initialisers into numbers. */

import { elementCount, type Initializer, Random, type Shape } from "../core/mod.ts";

/**
 * The first elements of a variable.
 *
 * `heNormal` draws from the normal distribution of standard deviation √(2 / fan), where fan-in is the inputs of one output
 * and fan-out the outputs of one input (He et al. 2015, section 2.2). `fanInUniform` draws uniformly within 1/√fanIn, as
 * PyTorch starts its linear layers. `normal` has the standard deviation that it names. Each variable draws from a stream of its own name, so that one more layer changes no other.
 *
 * @param initializer What the graph asks for.
 * @param shape The variable's shape; weights of convolutions are [O, C/groups, KH, KW].
 * @param seed The run's seed.
 * @param name The variable's name.
 *
 * @example
 * ```ts
 * import { initialize } from "@residua/residua/weights";
 * console.log(initialize({ kind: "constant", value: 1 }, [2], 0, "bn1.weight")); // Float32Array(2) [ 1, 1 ]
 * ```
 */
export function initialize(initializer: Initializer, shape: Shape, seed: number, name: string): Float32Array {
  const data = new Float32Array(elementCount(shape));
  if (initializer.kind === "constant") return data.fill(initializer.value);
  const random = new Random(seed, `initialize ${name}`);
  if (initializer.kind === "fanInUniform") {
    const bound = 1 / Math.sqrt(initializer.fanIn);
    for (let i = 0; i < data.length; i++) data[i] = random.uniform(-bound, bound);
    return data;
  }
  const deviation = initializer.kind === "normal"
    ? initializer.deviation
    : Math.sqrt(2 / (elementCount(shape.slice(2)) * (initializer.fan === "in" ? shape[1] : shape[0])));
  for (let i = 0; i < data.length; i++) data[i] = deviation * random.normal();
  return data;
}
