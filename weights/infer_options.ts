/** What a bare weight file says of its network by the shapes of its tensors. */

import type { SequentialModel } from "../models/mod.ts";
import type { NamedTensor } from "./safetensors.ts";

/** What the shapes of weights tell of a network. */
export interface InferredOptions {
  /** The classes: the outputs of the last layer; nothing if the file lacks it. */
  readonly classes?: number;
  /** The model's image, with the channels that the first convolution takes. */
  readonly inputShape: readonly [number, number, number];
}

/**
 * The classes and the image's channels, from the weights of a network's last and first layer.
 *
 * @param model The network by its name, with any classes and channels.
 * @param tensors The tensors of the file.
 *
 * @example
 * ```ts
 * import { modelByName } from "@residua/residua";
 * import { inferOptions } from "@residua/residua/weights";
 * const grey = new Map([["conv1.weight", { shape: [16, 1, 3, 3], data: new Float32Array(144) }]]);
 * console.log(inferOptions(modelByName("resnet20"), grey).inputShape); // [ 1, 32, 32 ]
 * ```
 */
export function inferOptions(
  { layers, inputShape: [channels, height, width] }: SequentialModel,
  tensors: ReadonlyMap<string, NamedTensor>,
): InferredOptions {
  const head = layers.at(-1)!.name, first = layers[0].name;
  // The first layer is a convolution itself, or a row of modules that begins with one.
  const stem = [`${first}.weight`, `${first}.0.weight`].map((name) => tensors.get(name)?.shape)
    .find((shape) => shape?.length === 4);
  return { classes: tensors.get(`${head}.bias`)?.shape[0], inputShape: [stem?.[1] ?? channels, height, width] };
}
