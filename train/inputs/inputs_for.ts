/** The ways in which batches reach a training step, and which of them a set takes. */

import type { Backend } from "../../core/mod.ts";
import { type Dataset, mixes, type PreparationOptions, ResidentImages } from "../../data/mod.ts";
import { joinInputs } from "./_halves.ts";
import { mixtureTargets } from "./_mixture_targets.ts";
import { residentImages } from "./_resident_images.ts";
import { uploadedImages } from "./_uploaded_images.ts";
import { weighableLabels } from "./_weighted_labels.ts";
import type { BatchInputs } from "./batch_inputs.ts";

/** Each step uploads its images and labels. */
export const uploadedInputs: BatchInputs = joinInputs(uploadedImages, weighableLabels);

/** Each step uploads images that are mixed of two, their labels and their targets. */
export const mixtureInputs: BatchInputs = joinInputs(uploadedImages, mixtureTargets);

/** The images lie on the device; each step uploads views of them, and labels. */
export function residentInputs(images: ResidentImages): BatchInputs {
  return joinInputs(residentImages(images), weighableLabels);
}

/**
 * The ways in which batches of a set can reach a step, the fastest first. They give the same bits; the last takes the least
 * memory of the device.
 *
 * @param dataset The training images.
 * @param preparation What becomes of them.
 * @param backend Where they are to go.
 *
 * @example
 * ```ts
 * import { CpuBackend } from "@residua/residua/core";
 * import { shapesSet } from "@residua/residua";
 * import { inputsFor, uploadedInputs } from "@residua/residua/train";
 * const { train, shape } = shapesSet({ trainCount: 20, validationCount: 0 });
 * const normalisation = { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] };
 * const [inputs] = inputsFor(train, { shape, normalisation }, new CpuBackend());
 * console.log(inputs === uploadedInputs); // true
 * ```
 */
export function inputsFor(dataset: Dataset, preparation: PreparationOptions, backend: Backend): readonly BatchInputs[] {
  if (mixes(preparation.augmentation ?? {})) return [mixtureInputs];
  const resident = ResidentImages.of(dataset, preparation, backend.maxResidentBytes);
  return resident === undefined ? [uploadedInputs] : [residentInputs(resident), uploadedInputs];
}
