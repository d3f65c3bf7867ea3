/** Occlusion: what a class loses when a part of the image is hidden (Zeiler and Fergus 2014, section 4.2). */

import { elementCount, UsageError } from "../../core/mod.ts";
import type { LoadedModel } from "../loaded_model.ts";
import type { ClassMap } from "./class_map.ts";

/** The options of {@link explainByOcclusion}. */
export interface OcclusionOptions {
  /** The class. Defaults to the most probable one. */
  readonly index?: number;
  /** Height and width of what is hidden, in pixels of the network's image. Defaults to a fifth of the shorter side. */
  readonly patch?: number;
  /** By how many pixels it moves on. Defaults to half of it. */
  readonly stride?: number;
}

/**
 * Explains a class by hiding a square of the image, at each position anew, under the mean of the images that the network was
 * trained on.
 *
 * @param model The network; it computes as many positions at once as its batch.
 * @param tensor The image [C, H, W], as `LoadedModel.prepare` makes it.
 * @param options The class and the square.
 * @returns The map [H, W]: by how much the probability of the class falls, in the mean of the squares that cover a pixel. Below
 * 0, what is hidden spoke against the class.
 * @throws {UsageError} If there is no such class, the square does not fit, or the tensor is no such image.
 *
 * @example
 * ```ts
 * import { loadModel, modelByName, openBackend, fit, shapesSet } from "@residua/residua";
 * import { explainByOcclusion } from "@residua/residua/inference";
 * using backend = await openBackend("cpu");
 * const set = shapesSet({ trainCount: 40, validationCount: 10 });
 * const trained = await fit({ model: modelByName("resnet8"), backend, set, epochs: 1, batch: 20 });
 * using model = await loadModel(trained, { ...trained, model: "resnet8", backend });
 * const { height, width } = await explainByOcclusion(model, new Float32Array(3 * 32 * 32), { patch: 8 });
 * console.log(height, width); // 32 32
 * ```
 */
export async function explainByOcclusion(
  model: LoadedModel,
  tensor: Float32Array,
  options: OcclusionOptions = {},
): Promise<ClassMap> {
  const [channels, height, width] = model.inputShape, size = elementCount(model.inputShape);
  const { patch = Math.max(1, Math.round(Math.min(height, width) / 5)), stride = Math.max(1, patch >> 1) } = options;
  if (!Number.isInteger(patch) || patch < 1 || patch > Math.min(height, width)) {
    throw new UsageError(
      `Expected the patch to be a whole number from 1 to ${Math.min(height, width)} pixels but it is ${patch}`,
    );
  }
  if (!Number.isInteger(stride) || stride < 1 || stride > patch) {
    throw new UsageError(`Expected the stride to be a whole number from 1 to ${patch} pixels but it is ${stride}`);
  }
  const [{ top: [best] }] = await model.predictTensor(tensor, { top: 1 }), index = options.index ?? best.index;
  const whole = await probabilities(model, tensor, index);
  const corners = positions(height, patch, stride).flatMap((row) =>
    positions(width, patch, stride).map((column) => ({ row, column }))
  );
  const falls = new Float64Array(height * width), covers = new Uint32Array(height * width);
  for (let done = 0; done < corners.length; done += model.batch) {
    const part = corners.slice(done, done + model.batch), hidden = new Float32Array(part.length * size);
    part.forEach(({ row, column }, k) => {
      hidden.set(tensor, k * size);
      for (let line = 0; line < channels * patch; line++) {
        const from = k * size + (Math.floor(line / patch) * height + row + line % patch) * width + column;
        hidden.fill(0, from, from + patch);
      }
    });
    const left = await probabilities(model, hidden, index);
    part.forEach(({ row, column }, k) => {
      for (let y = row; y < row + patch; y++) {
        for (let x = column; x < column + patch; x++) {
          falls[y * width + x] += whole[0] - left[k];
          covers[y * width + x]++;
        }
      }
    });
  }
  return { values: Float32Array.from(falls, (fall, i) => fall / covers[i]), height, width, index };
}

/** The probability of a class for each image. */
async function probabilities(model: LoadedModel, tensor: Float32Array, index: number): Promise<number[]> {
  const predictions = await model.predictTensor(tensor, { top: model.classes.length });
  return predictions.map(({ top }) => {
    const found = top.find((ranked) => ranked.index === index);
    if (found !== undefined) return found.probability;
    throw new UsageError(`Expected the index of one of ${top.length} classes, from 0, but it is ${index}`);
  });
}

/** Where a square begins along an axis: at every stride, and last at the end. */
function positions(size: number, patch: number, stride: number): number[] {
  const starts = Array.from({ length: Math.floor((size - patch) / stride) + 1 }, (_, k) => k * stride);
  return starts.at(-1)! + patch < size ? [...starts, size - patch] : starts;
}
