/** Weights that the user brings: of which network they are. */

import { type Checkpoint, decodeCheckpoint, IMAGENET_NORMALISATION, MODEL_NAMES, modelByName } from "@residua/residua";
import { IMAGENET_CLASSES } from "@residua/residua/data";
import { describedModel, inferOptions, type ModelDescription } from "@residua/residua/weights";
import { parameterNames } from "@residua/residua/train";

/** Weights and their network. */
export interface NamedWeights extends Checkpoint {
  readonly model: ModelDescription;
}

/**
 * Reads weights, of ours or of torchvision's names, and finds out their network.
 *
 * @param bytes The file.
 * @param source Its name, for messages.
 * @param named The network that the user names, for a file that does not say it.
 * @throws {DataError} If it is no such file.
 * @throws {Error} If no network has its names.
 */
export function namedWeights(bytes: Uint8Array, source: string, named?: string): NamedWeights {
  const found = decodeCheckpoint(bytes, source);
  if (found.info !== undefined) return { ...found, model: found.info.model };
  const name = named ?? MODEL_NAMES.find((name) => fits(name, found));
  if (name === undefined) {
    throw new Error(`${source}: no network here has tensors of these names; choose the network in the settings`);
  }
  const checkpoint = decodeCheckpoint(bytes, source, { model: modelByName(name) });
  const { classes = 1000, inputShape } = inferOptions(describedModel({ name }), checkpoint.tensors);
  const model = { name, classes, inputShape };
  const names = classes === IMAGENET_CLASSES.length
    ? IMAGENET_CLASSES
    : Array.from({ length: classes }, (_, k) => `class ${k}`);
  return { ...checkpoint, model, info: { model, classes: names, normalisation: IMAGENET_NORMALISATION } };
}

/** Whether a file has the parameters of a network and no others. */
function fits(name: string, { tensors }: Checkpoint): boolean {
  const names = parameterNames(modelByName(name)), own = new Set(names);
  const parameters = [...tensors.keys()].filter((name) => !/running_|num_batches/.test(name));
  return parameters.length === names.length && parameters.every((name) => own.has(name));
}
