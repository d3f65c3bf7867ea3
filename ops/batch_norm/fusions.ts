/** Where the planner puts in the fused forms of batch norm. */

import type { FusionRule, Node, Value } from "../../core/mod.ts";
import type { Epilogue } from "./common.ts";

/**
 * `norm → relu` and `norm → add → relu`. The fused node runs where the ReLU ran. Nothing before that place needs the other
 * outputs of the norm, the batch's statistics: only gradients do, and they come after the whole forward pass.
 *
 * @param norm The name of the op that is fused.
 */
export function fusionsOf(norm: string, { residual }: Epilogue): FusionRule[] {
  return [{
    last: "relu",
    match(relu, view) {
      const [sum] = relu.arguments;
      const inner = (value: Value): Node | undefined => {
        const node = view.usedOnce(value) ? view.producer(value) : undefined;
        return node?.op.name === norm && node.results[0] === value ? node : undefined;
      };
      if (!residual) {
        const node = inner(sum);
        if (node === undefined) return undefined;
        return {
          replaced: [node],
          arguments: node.arguments,
          results: [relu.results[0], ...node.results.slice(1)],
          attributes: node.attributes,
        };
      }
      const add = view.usedOnce(sum) ? view.producer(sum) : undefined;
      if (add?.op.name !== "add") return undefined;
      for (const [branch, other] of [add.arguments, [...add.arguments].reverse()]) {
        const node = inner(branch);
        if (node === undefined || branch === other) continue;
        return {
          replaced: [node, add],
          arguments: [...node.arguments, other],
          results: [relu.results[0], ...node.results.slice(1)],
          attributes: node.attributes,
        };
      }
      return undefined;
    },
  }];
}

/** `reluGradient → batchNormGradient`, where nothing else needs what is between. */
export const gradientFusions: FusionRule[] = [{
  last: "batchNormGradient",
  match(node, view) {
    const [between, ...rest] = node.arguments;
    const relu = view.usedOnce(between) ? view.producer(between) : undefined;
    if (relu?.op.name !== "reluGradient") return undefined;
    return { replaced: [relu], arguments: [...relu.arguments, ...rest], results: node.results };
  },
}];
