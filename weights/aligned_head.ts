/** Fine-tuning: a classifier's rows go to the classes of their names. */

import { elementCount } from "../core/mod.ts";
import { matchClasses } from "../data/mod.ts";
import type { SequentialModel } from "../models/mod.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { mismatchedHead } from "./mismatched_head.ts";
import type { NamedTensor } from "./safetensors.ts";

/** What {@link alignHead} makes of a checkpoint. */
export interface AlignedHead {
  /** `kept` as it was, its rows `reordered`, or `new`: of other classes, so that it is not used. */
  readonly change: "kept" | "reordered" | "new";
  /** The names of the head's tensors. */
  readonly names: readonly string[];
  /** The checkpoint's tensors, the head's rows in the order of the classes. */
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  /** The names of the tensors that are not used, for {@link Variables.write}. */
  readonly keep: readonly string[];
  /** The names of the file's classes, or how many there are where it names none. */
  readonly classes: readonly string[] | number;
}

/**
 * Fits the last layer of a checkpoint to classes, by their names where the checkpoint has them, else by their number.
 *
 * @param model The network that is to be trained.
 * @param checkpoint The weights to start from.
 * @param classes The names of the network's classes, in their order.
 *
 * @example
 * ```ts
 * import { modelByName } from "@residua/residua";
 * import { alignHead } from "@residua/residua/weights";
 * const tensors = new Map(Object.entries({
 *   "fc.weight": { shape: [2, 64], data: new Float32Array(128) },
 *   "fc.bias": { shape: [2], data: Float32Array.of(1, 2) },
 * }));
 * const normalisation = { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] };
 * const info = { model: { name: "resnet8" }, classes: ["cat", "dog"], normalisation };
 * const head = alignHead(modelByName("resnet8", { classes: 2 }), { tensors, info }, ["dog", "cat"]);
 * console.log(head.change, head.tensors.get("fc.bias")?.data); // reordered Float32Array(2) [ 2, 1 ]
 * ```
 */
export function alignHead(
  model: SequentialModel,
  { tensors, info }: Checkpoint,
  classes: readonly string[],
): AlignedHead {
  const head = model.layers.at(-1)!.name, names = [`${head}.weight`, `${head}.bias`];
  const foreign = mismatchedHead(model, tensors), bias = tensors.get(names[1]), known = info?.classes;
  const start = { change: "kept", names, tensors, keep: [], classes: known ?? bias?.shape[0] ?? 0 } as const;
  if (foreign !== undefined) return { ...start, change: "new", keep: foreign.names };
  if (known === undefined || bias?.shape[0] !== known.length) return start;
  const { indices } = matchClasses(known, classes);
  if (indices.every((index, k) => index === k)) return start;
  if (new Set(indices).size < classes.length || indices.includes(-1)) return { ...start, change: "new", keep: names };
  const reordered = new Map(tensors);
  for (const name of names) {
    const tensor = tensors.get(name);
    if (tensor !== undefined) reordered.set(name, rowsInOrder(tensor, indices));
  }
  return { ...start, change: "reordered", tensors: reordered };
}

function rowsInOrder({ shape, data }: NamedTensor, indices: readonly number[]): NamedTensor {
  const row = elementCount(shape.slice(1)), moved = data.slice();
  indices.forEach((index, k) => moved.set(data.subarray(index * row, (index + 1) * row), k * row));
  return { shape, data: moved };
}
