/** Where the planner puts in the fused forms of batch norm. */

import type { Attributes, FusionRule, Node, Value } from "../../core/mod.ts";
import type { Epilogue, FusedActivation } from "./norm_shape.ts";

/**
 * `norm → activation` or `norm → add → activation`. The fused node runs where the activation ran. Nothing before that place
 * needs the other outputs of the norm, the batch's statistics: only gradients do, and they come after the whole forward pass.
 *
 * @param norm The name of the op that is fused.
 * @param keep What the fused op has of its attributes. Defaults to all.
 */
export function fusionsOf(
  norm: string,
  { activation, residual }: Epilogue,
  keep: (attributes: Attributes) => Attributes = (attributes) => attributes,
): FusionRule[] {
  if (activation === undefined) return [];
  return [{
    last: activation.name,
    match(last, view) {
      const [sum] = last.arguments;
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
          results: [last.results[0], ...node.results.slice(1)],
          attributes: keep(node.attributes),
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
          results: [last.results[0], ...node.results.slice(1)],
          attributes: keep(node.attributes),
        };
      }
      return undefined;
    },
  }];
}

/** `reluGradient → batchNormGradient`, or that of another activation, where nothing else needs what is between. */
export function gradientFusionsOf(activation: FusedActivation | undefined): FusionRule[] {
  if (activation === undefined) return [];
  return [{
    last: "batchNormGradient",
    match(node, view) {
      const [between, ...rest] = node.arguments;
      const gradient = view.usedOnce(between) ? view.producer(between) : undefined;
      if (gradient?.op.name !== `${activation.name}Gradient`) return undefined;
      return { replaced: [gradient], arguments: [...gradient.arguments, ...rest], results: node.results };
    },
  }];
}
