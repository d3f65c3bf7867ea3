/** Where the planner puts in convolutions with an epilogue. */

import type { FusionRule, FusionView, Node, Value } from "../../core/mod.ts";

/**
 * `convolution → activation`, and where a residual can be taken in, `convolution → add`, which an activation may follow.
 *
 * @param plain The name of the convolution.
 * @param fused The name of the op with an epilogue.
 */
export function fusionsOf(plain: string, fused: string, residual: boolean): FusionRule[] {
  const onlyProducer = (value: Value, view: FusionView): Node | undefined =>
    view.usedOnce(value) ? view.producer(value) : undefined;
  const activations = ["relu", "relu6"].map((activation): FusionRule => ({
    last: activation,
    match({ arguments: [input], results }, view) {
      const node = onlyProducer(input, view);
      const open = node?.op.name === plain || (node?.op.name === fused && node.attributes.activation === "none");
      if (node === undefined || !open) return undefined;
      return { replaced: [node], arguments: node.arguments, results, attributes: { ...node.attributes, activation } };
    },
  }));
  if (!residual) return activations;
  const sum: FusionRule = {
    last: "add",
    match(add, view) {
      for (const [branch, other] of [add.arguments, [...add.arguments].reverse()]) {
        const node = onlyProducer(branch, view);
        if (node?.op.name !== plain) continue;
        return {
          replaced: [node],
          arguments: [...node.arguments, other],
          results: add.results,
          attributes: { ...node.attributes, residual: true },
        };
      }
      return undefined;
    },
  };
  return [...activations, sum];
}
