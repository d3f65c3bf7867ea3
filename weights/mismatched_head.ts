/** Fine-tuning: weights whose classifier was made for other classes, or that have none. */

import type { SequentialModel } from "../models/mod.ts";
import type { NamedTensor } from "./safetensors.ts";

/** A model's classifier that a weight file cannot fill: it is for another number of classes there, or missing. */
export interface MismatchedHead {
  /** The names of its tensors. */
  readonly names: readonly string[];
  /** The classes that the file's tells apart; nothing if the file has none, as that of a backbone. */
  readonly classes?: number;
}

/**
 * Finds out whether the last layer in a weight file is for another number of classes than the model's, so that its tensors
 * cannot be used, or missing.
 *
 * @returns The layer, or nothing if the number of classes is the same.
 *
 * @example
 * ```ts
 * import { modelByName } from "@residua/residua";
 * import { mismatchedHead } from "@residua/residua";
 * const tensors = new Map(Object.entries({
 *   "fc.weight": { shape: [1000, 64], data: new Float32Array(64000) },
 *   "fc.bias": { shape: [1000], data: new Float32Array(1000) },
 * }));
 * console.log(mismatchedHead(modelByName("resnet20"), tensors)?.classes); // 1000
 * ```
 */
export function mismatchedHead(
  model: SequentialModel,
  tensors: ReadonlyMap<string, NamedTensor>,
): MismatchedHead | undefined {
  const head = model.layers.at(-1)!.name, names = [`${head}.weight`, `${head}.bias`];
  const [weight, bias] = names.map((name) => tensors.get(name)?.shape);
  if (weight === undefined && bias === undefined) return { names };
  if (weight?.length !== 2 || bias?.length !== 1 || weight[0] !== bias[0] || weight[0] === model.classes) {
    return undefined;
  }
  return { names, classes: weight[0] };
}
