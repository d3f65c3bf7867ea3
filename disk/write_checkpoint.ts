/** Writes a file of weights. */

import { type CheckpointInfo, encodeCheckpoint, type NamedTensor } from "../weights/mod.ts";
import { writeFile } from "../files/mod.ts";

/**
 * Writes a checkpoint as a whole or not at all, and makes its folder where it is missing. {@link readCheckpoint} reads it.
 *
 * @param path The file, by custom with the ending `.safetensors`.
 * @param tensors The weights and running statistics, such as those that `fit` gives.
 * @param info The model, the names of its classes, the normalisation.
 * @throws {DataError} If it cannot be written there: why.
 *
 * @example
 * ```ts
 * import { fit, modelByName, openBackend, shapesSet } from "@residua/residua";
 * import { readCheckpoint, writeCheckpoint } from "@residua/residua/disk";
 * using backend = await openBackend("cpu");
 * const model = modelByName("resnet8"), set = shapesSet({ trainCount: 40, validationCount: 10 });
 * const { tensors, normalisation } = await fit({ model, backend, set, epochs: 1, batch: 20 });
 * await writeCheckpoint("shapes.safetensors", tensors, {
 *   model: { name: "resnet8" },
 *   classes: set.classes,
 *   normalisation,
 * });
 * console.log((await readCheckpoint("shapes.safetensors")).info?.model.name); // resnet8
 * ```
 */
export async function writeCheckpoint(
  path: string,
  tensors: ReadonlyMap<string, NamedTensor>,
  info: CheckpointInfo,
): Promise<void> {
  await writeFile(path, encodeCheckpoint(tensors, info));
}
