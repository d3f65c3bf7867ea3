/** Which tensors of a checkpoint a network computes with. */

import { DataError, showText } from "../core/mod.ts";
import type { NamedTensor } from "./safetensors.ts";
import { AVERAGE_PREFIX, OPTIMIZER_PREFIX } from "./variables.ts";

/**
 * The tensors that are evaluated: without the optimiser's, and averages over the steps in the place of what they average, as
 * a run's best checkpoint has them.
 *
 * @param tensors A checkpoint's tensors, or those of a bare weight file.
 * @param source The file's name, for messages.
 * @throws {DataError} If one of them holds NaN or infinity: which, and where.
 *
 * @example
 * ```ts
 * import { evaluatedTensors } from "@residua/residua/weights";
 * const tensors = new Map([
 *   ["fc.bias", { shape: [2], data: Float32Array.of(0, 1) }],
 *   ["optimizer.average.fc.bias", { shape: [2], data: Float32Array.of(0.5, 0.5) }],
 * ]);
 * console.log(evaluatedTensors(tensors, "last.safetensors").get("fc.bias")?.data[0]); // 0.5
 * ```
 */
export function evaluatedTensors(tensors: ReadonlyMap<string, NamedTensor>, source: string): Map<string, NamedTensor> {
  const evaluated = new Map<string, NamedTensor>();
  for (const [name, tensor] of tensors) {
    if (name.startsWith(OPTIMIZER_PREFIX)) continue;
    evaluated.set(name, expectFiniteTensor(name, tensors.get(AVERAGE_PREFIX + name) ?? tensor, source));
  }
  return evaluated;
}

/**
 * Expects every element of a tensor to be finite, and gives the tensor back.
 *
 * @param name Its name.
 * @param source The file that it is from, for messages.
 * @throws {DataError} If one is NaN or infinite: which.
 */
export function expectFiniteTensor(name: string, tensor: NamedTensor, source: string): NamedTensor {
  const { data } = tensor;
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    throw new DataError(
      `${source}: the tensor ${showText(name)} holds ${
        data[i]
      } at element ${i} of ${data.length}, so that the network ` +
        `computes nothing; its training has diverged, or the file is damaged: take an earlier checkpoint`,
    );
  }
  return tensor;
}
