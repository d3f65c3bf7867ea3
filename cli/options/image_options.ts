/** Options of the images that commands share: where they are, how they are read, how they are changed at random. */

import { UsageError } from "../../core/mod.ts";
import {
  type Augmentation,
  augmentationByName,
  AUGMENTATIONS,
  type ImageSet,
  type ImageStatistics,
  measureImages,
  type Normalisation,
  NORMALISATIONS,
  openImageSet,
  randAugment as checkRandAugment,
  shapesSet,
} from "../../data/mod.ts";
import { modelByName } from "../../models/mod.ts";
import type { ModelDescription } from "../../weights/mod.ts";
import { decodeImage } from "../images/decode_image.ts";
import { DiskFolder } from "../files/data_folder.ts";
import { WorkerFiller } from "../images/image_workers.ts";
import type { Values } from "./option.ts";

/** The options of images: which, and how they are read. */
export const DATA_OPTIONS = {
  data: {
    kind: "text",
    value: "shapes|DIR",
    about: "the built-in set of drawn shapes, or a folder: CIFAR-10, CIFAR-100, MNIST, or train/CLASS/*.png|jpg",
    default: "shapes",
    mayChangeOnResume: true,
  },
  size: { kind: "integer", about: "height and width of images from files; defaults to the model's own", minimum: 1 },
  "val-fraction": {
    kind: "number",
    about: "share of each class to validate on where a folder of image files does not say",
    default: 0.1,
    minimum: 0,
    below: 1,
  },
  workers: {
    kind: "integer",
    about: "threads that prepare image files, 0 for none; defaults to one a core, up to 8",
    minimum: 0,
    mayChangeOnResume: true,
  },
  "max-bad": {
    kind: "integer",
    about: "image files that may be damaged: each is named, and the next one stands in for it",
    default: 10,
    minimum: 0,
    mayChangeOnResume: true,
  },
} as const;

/** The options of random changes and of normalisation. */
export const AUGMENTATION_OPTIONS = {
  augment: {
    kind: "text",
    about:
      "random changes of the images: crop pads and crops, inception resizes a random part, auto does the one up to " +
      "64 pixels a side and the other beyond",
    default: "auto",
    choices: AUGMENTATIONS,
  },
  randaugment: {
    kind: "numbers",
    value: "N,M",
    about: "RandAugment: N operations of magnitude M, from 0 to 30",
    minimum: 0,
  },
  erasing: { kind: "number", about: "share of the images that lose a rectangle", default: 0, minimum: 0 },
  mixup: { kind: "number", about: "mixup with shares from Beta(N, N), as 0.2; 0 for none", default: 0, minimum: 0 },
  cutmix: { kind: "number", about: "CutMix with shares from Beta(N, N), as 1; 0 for none", default: 0, minimum: 0 },
  normalise: {
    kind: "text",
    about: "by the training set: channel (mean and deviation), channel-mean, or pixel (the mean of each pixel)",
    default: "channel",
    choices: NORMALISATIONS,
  },
} as const;

/** The default number of workers is at most this: more hardly find something to do. */
const MOST_WORKERS = 8;

/**
 * Opens the data that was asked for.
 *
 * @param values The options.
 * @param model The model that it is for, from which the size of images from files follows.
 * @param onBad Hears of each damaged image. Defaults to a warning on standard error.
 */
export async function openData(
  values: Values<typeof DATA_OPTIONS>,
  model?: Pick<ModelDescription, "name" | "inputShape">,
  onBad: (message: string) => void = (message) => console.error(`warning: ${message}`),
): Promise<ImageSet> {
  const { data, workers = Math.min(MOST_WORKERS, navigator.hardwareConcurrency), "max-bad": maxBad } = values;
  if (data === "shapes") return shapesSet();
  const set = await openImageSet(new DiskFolder(data), {
    decode: decodeImage,
    size: values.size ??
      (model === undefined ? undefined : (model.inputShape ?? modelByName(model.name).inputShape)[1]),
    validationFraction: values["val-fraction"],
    maxBad,
    onBad,
    createFiller: workers === 0 ? undefined : (dataset, options) => new WorkerFiller(dataset, options, workers, maxBad),
  });
  for (const note of set.notes ?? []) console.error(`note: ${note}`);
  return set;
}

/**
 * The random changes and the normalisation that were asked for.
 *
 * @param values The options.
 * @param set The images, whose training part is measured as far as needed.
 * @param known The normalisation, where a checkpoint has one.
 * @returns No normalisation where it is fit()'s own, which measures while it compiles.
 */
export async function chooseAugmentation(
  values: Values<typeof AUGMENTATION_OPTIONS>,
  set: ImageSet,
  known?: Normalisation,
): Promise<{ readonly augmentation: Augmentation; readonly normalisation?: Normalisation }> {
  let measured: ImageStatistics | undefined;
  const statistics = async () => measured ??= await measureImages(set.train, set.shape);
  const { augment, randaugment, erasing, mixup, cutmix, normalise } = values;
  if (randaugment !== undefined && randaugment.length !== 2) {
    throw new UsageError(`--randaugment: expected operations and a magnitude, as in 2,9, but ${randaugment} came`);
  }
  if (erasing > 1) throw new UsageError(`--erasing: expected a share from 0 to 1 but ${erasing} came`);
  const randAugment = randaugment && { operations: randaugment[0], magnitude: randaugment[1] };
  if (randAugment !== undefined) checkRandAugment(randAugment);
  const components = augment === "vgg" ? (await statistics()).components() : undefined;
  const isLeft = normalise === AUGMENTATION_OPTIONS.normalise.default && measured === undefined;
  const normalisation = known ??
    (isLeft ? undefined : (await statistics()).normalisation(normalise as (typeof NORMALISATIONS)[number]));
  const augmentation: Augmentation = {
    ...augmentationByName(augment, set, components),
    ...(randAugment === undefined ? {} : { randAugment }),
    ...(erasing === 0 ? {} : { erasing }),
    ...(mixup === 0 ? {} : { mixup }),
    ...(cutmix === 0 ? {} : { cutmix }),
  };
  return { augmentation, normalisation };
}
