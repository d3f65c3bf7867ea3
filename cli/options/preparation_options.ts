/** How commands make images ready for a network of a checkpoint: the same rule for all of them. */

import { argument, sentence, UsageError } from "../../core/mod.ts";
import {
  defaultNormalisation,
  defaultPreprocessing,
  type Interpolation,
  INTERPOLATIONS,
  type Normalisation,
  normalisationFits,
  type Preprocessing,
} from "../../data/mod.ts";
import { modelByName, type SequentialModel } from "../../models/mod.ts";
import { describedModel, inferOptions, mismatchedHead } from "../../weights/mod.ts";
import type { ReadCheckpoint } from "../../disk/mod.ts";
import { MOST, type Values } from "./option.ts";
import { modelOf } from "./shared_options.ts";

/** The options of normalisation. */
export const NORMALISATION_OPTIONS = {
  mean: {
    kind: "numbers",
    value: "R,G,B",
    about: "the mean by which images are normalised; defaults to the checkpoint's, or ImageNet's for its networks",
  },
  std: { kind: "numbers", value: "R,G,B", about: "the standard deviation, likewise", minimum: 0 },
} as const;

/** The options of preprocessing and normalisation. */
export const PREPARATION_OPTIONS = {
  resize: {
    kind: "integer",
    about: "pixels of the shorter side of an image; defaults to what the checkpoint says, or 256 for 224",
    minimum: 1,
    maximum: 4 * MOST.size,
  },
  crop: {
    kind: "integer",
    about: "height and width of the middle that the network sees, likewise",
    minimum: 1,
    maximum: MOST.size,
  },
  interpolation: { kind: "text", about: "how images are resized, likewise", choices: INTERPOLATIONS },
  ...NORMALISATION_OPTIONS,
} as const;

/** A normalisation, and whose it is. */
export interface ChosenNormalisation {
  /** The mean and deviation. */
  readonly normalisation: Normalisation;
  /** Whose they are, for people. */
  readonly origin: string;
}

/**
 * The network of a checkpoint.
 *
 * @param values `model`: its name, for a bare weight file, whose classes are those of its last layer, and whose images have
 * the channels that its first one takes.
 * @param values `crop`: the height and width of its images, where they are not its own.
 * @param shape The images that a bare file is for, of which the height and the width are taken. Defaults to the model's own.
 * @throws {UsageError} If nothing says which it is.
 */
export function chosenModel(
  checkpoint: ReadCheckpoint,
  { model: name, crop }: { readonly model?: string; readonly crop?: number },
  shape?: readonly [number, number, number],
): SequentialModel {
  let description = modelOf(checkpoint, { name });
  const own = describedModel(description);
  if (checkpoint.info === undefined) {
    const classes = mismatchedHead(own, checkpoint.tensors)?.classes ?? own.classes;
    const [channels, ...size] = inferOptions(own, checkpoint.tensors).inputShape,
      [height, width] = shape?.slice(1) ?? size;
    description = { ...description, classes, inputShape: [channels, height, width] };
  }
  if (crop === undefined) return describedModel(description);
  const [channels] = description.inputShape ?? own.inputShape;
  return describedModel({ ...description, inputShape: [channels, crop, crop] });
}

/**
 * How images are resized and cropped: as the options say, else the checkpoint, else as is usual for the network's size.
 *
 * @param model The network that {@link chosenModel} gives.
 * @throws {UsageError} If the crop does not fit into the resized image.
 */
export function chosenPreprocessing(
  { info }: ReadCheckpoint,
  { inputShape }: SequentialModel,
  { resize, interpolation }: Pick<Values<typeof PREPARATION_OPTIONS>, "resize" | "interpolation">,
): Preprocessing {
  const own = info?.preprocessing ?? defaultPreprocessing(inputShape), [, height, width] = inputShape;
  const chosen: Preprocessing = {
    resize: resize ?? own.resize,
    crop: [height, width],
    interpolation: (interpolation as Interpolation | undefined) ?? own.interpolation,
  };
  const least = Math.max(height, width);
  if (chosen.resize < least) {
    throw new UsageError(
      sentence`The network sees ${height} x ${width} pixels, but the shorter side of images becomes ${chosen.resize}; use ${
        argument("resize", least)
      } or more`,
    );
  }
  return chosen;
}

/**
 * The normalisation that holds: that of --mean and --std where they are given, else the checkpoint's own, else ImageNet's
 * for networks of ImageNet, else that of the training set, where there is one.
 *
 * @param measure Measures the training images. Defaults to there being none.
 * @throws {UsageError} If nothing says it, or what is given is not for the network's images.
 */
export async function chosenNormalisation(
  { info, source }: Pick<ReadCheckpoint, "info" | "source">,
  model: SequentialModel,
  { mean, std }: Values<typeof NORMALISATION_OPTIONS>,
  measure?: () => Promise<Normalisation>,
): Promise<ChosenNormalisation> {
  if ((mean === undefined) !== (std === undefined)) throw new UsageError("--mean and --std belong together; give both");
  if (mean !== undefined) {
    const normalisation = { mean, std: std! };
    if (normalisationFits(normalisation, model.inputShape)) return { normalisation, origin: "--mean and --std" };
    throw new UsageError(
      `--mean and --std: expected ${countText(model)}, for ${model.name}'s images, and deviations above 0, ` +
        `but ${mean.join(",")} and ${std!.join(",")} came`,
    );
  }
  if (info !== undefined) return { normalisation: info.normalisation, origin: "the checkpoint's mean and std" };
  const [, height, width] = modelByName(model.name).inputShape;
  const usual = defaultNormalisation([model.inputShape[0], height, width]);
  if (usual !== undefined) return { normalisation: usual, origin: "ImageNet's mean and std" };
  if (measure !== undefined) return { normalisation: await measure(), origin: "the training set's mean and std" };
  throw new UsageError(
    `${source} does not say by which mean and deviation its images were normalised; give them with --mean and --std, ` +
      countText(model),
  );
}

function countText({ inputShape: [channels] }: SequentialModel): string {
  return channels === 1 ? "a number each" : `${channels} numbers each, one for each channel`;
}

/** How images are made ready, as a line for people. */
export function preparationText(preprocessing: Preprocessing | undefined, { origin }: ChosenNormalisation): string {
  if (preprocessing === undefined) return `images as they are, normalised by ${origin}`;
  const { resize, crop: [height, width], interpolation } = preprocessing;
  return `resize ${resize} ${interpolation}, crop ${height}x${width}, normalised by ${origin}`;
}
