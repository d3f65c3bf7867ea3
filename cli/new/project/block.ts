/** A block of your own: a residual block (He et al. 2015) whose activation is your op. */

import { type Block, convNorm } from "@residua/residua";
import { add } from "@residua/residua/ops";
import { squareplus } from "./op.ts";

/**
 * conv 3x3 → BN → squareplus → conv 3x3 → BN, plus the input, → squareplus.
 *
 * @param name The prefix of the names of its weights.
 * @param channels The channels of its input, and of its output.
 */
export function smoothBlock(name: string, channels: number): Block {
  const first = convNorm({ conv: `${name}.conv1`, norm: `${name}.bn1`, channels, activation: "none" });
  const second = convNorm({ conv: `${name}.conv2`, norm: `${name}.bn2`, channels, activation: "none" });
  return {
    forward(graph, input) {
      const [hidden] = squareplus.apply(graph, [first.forward(graph, input)]);
      const [sum] = add.apply(graph, [second.forward(graph, hidden), input]);
      return squareplus.apply(graph, [sum])[0];
    },
  };
}
