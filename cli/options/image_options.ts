/** Options of the images that commands share: where they are, how they are read, how they are changed at random. */

import { elementCount, UsageError } from "../../core/mod.ts";
import {
  type Augmentation,
  augmentationByName,
  AUGMENTATIONS,
  type ImageFolderOptions,
  type ImageSet,
  type ImageStatistics,
  measureImages,
  type Normalisation,
  NORMALISATIONS,
  randAugment as checkRandAugment,
  shapesSet,
} from "../../data/mod.ts";
import { modelByName } from "../../models/mod.ts";
import type { ModelDescription } from "../../weights/mod.ts";
import {
  DECODE_MODES,
  type DecodeMode,
  ImageCaches,
  imageFolderOptions,
  type ImageReadingOptions,
  loadSharp,
  MOST_MEGAPIXELS,
  openImageSet,
} from "../../images/mod.ts";
import { messageOf } from "../error_message.ts";
import { printNotice } from "../reports/layout.ts";
import { beside } from "./conditions.ts";
import { openListedData } from "./listed_data.ts";
import { inGroup, MOST, type Values } from "./option.ts";

/** The option --max-megapixels. */
export const MEGAPIXELS_OPTION = {
  kind: "number",
  about: "the most pixels of an image file, in millions; a larger one counts as damaged",
  default: MOST_MEGAPIXELS,
  minimum: 0,
  maximum: 4000,
} as const;

/** The options of images: which, and how they are read. */
export const DATA_OPTIONS = inGroup(
  "Data",
  {
    data: {
      kind: "text",
      value: "shapes|DIR",
      about: "the built-in set of drawn shapes, or a folder: CIFAR-10, CIFAR-100, MNIST, or train/CLASS/*.png|jpg",
      default: "shapes",
      mayChangeOnResume: true,
    },
    size: {
      kind: "integer",
      about: "height and width of images from files; defaults to the model's own, or what suits the images",
      minimum: 1,
      maximum: MOST.size,
    },
    "train-list": {
      kind: "text",
      value: "FILE",
      about: "train on the images of a table, a path and a label a line; paths are in --data, or beside the table",
      mayChangeOnResume: true,
    },
    "val-list": {
      kind: "text",
      value: "FILE",
      about: "validate on those of another table; defaults to a share of --train-list",
      heededBy: beside("train-list", "it goes with --train-list, which is not given"),
      mayChangeOnResume: true,
    },
    "list-columns": {
      kind: "text",
      value: "PATH,LABEL",
      about: "the columns of a table, by names or numbers; defaults to the usual names, such as file,label",
      heededBy: ({ "train-list": train, list }) =>
        (train ?? list) === undefined ? "it is of a table, and none is given" : undefined,
      mayChangeOnResume: true,
    },
    "val-fraction": {
      kind: "number",
      about:
        "share of each class to validate on where a folder or table of image files does not say; defaults to what gives 100 images, from 0.1 to 0.2",
      minimum: 0,
      below: 1,
      heededBy: ({ "val-list": list }) => list === undefined ? undefined : "--val-list says what is validated on",
    },
    workers: {
      kind: "integer",
      about: "threads that prepare image files, 0 for none; defaults to one a core, up to 8",
      minimum: 0,
      maximum: MOST.threads,
      mayChangeOnResume: true,
    },
    decode: {
      kind: "text",
      about:
        "JPEGs much larger than needed: reduced reads them 3, 5 or 9 times smaller, full has the bits of PIL and takes longer",
      default: "reduced",
      choices: DECODE_MODES,
    },
    "max-megapixels": MEGAPIXELS_OPTION,
    "max-bad": {
      kind: "integer",
      about: "image files that may be damaged: each is named, and the next one stands in for it",
      default: 10,
      minimum: 0,
      mayChangeOnResume: true,
    },
  } as const,
);

/** The options of random changes and of normalisation. */
export const AUGMENTATION_OPTIONS = inGroup(
  "Augmentation",
  {
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
  } as const,
);

/** As a checkpoint keeps the mean of each pixel, in text. */
const MOST_PIXEL_MEANS = 2_000_000;

/** Keeps no images. */
const NO_CACHES = new ImageCaches(0);

/** The values of the options of images. */
export type DataValues =
  & Omit<Values<typeof DATA_OPTIONS>, "decode" | "max-megapixels">
  & Partial<Pick<Values<typeof DATA_OPTIONS>, "max-megapixels">>
  & {
    readonly decode?: string;
    /** Seconds after which workers are taken to hang. Defaults to those of {@link WorkerFiller}. */
    readonly "stall-timeout"?: number;
    /** Whether images are measured and not trained on. Defaults to no. */
    readonly toMeasure?: boolean;
    /** Whether another process says what the set's user should know. Defaults to no. */
    readonly isQuiet?: boolean;
  };

/** How image files are read; decoded ones are kept nowhere but in given caches. */
function readingOptions(
  values: DataValues,
  onBad: (message: string) => void = (message) => printNotice(`warning: ${message}`),
): ImageReadingOptions {
  return {
    workers: values.workers,
    decode: values.decode as DecodeMode | undefined,
    maxMegapixels: values["max-megapixels"],
    stallTimeout: values["stall-timeout"],
    toMeasure: values.toMeasure,
    size: values.size,
    validationFraction: values["val-fraction"],
    maxBad: values["max-bad"],
    onBad: (_, error) => onBad(messageOf(error)),
  };
}

/** What of tables and folders is read, and how, without keeping decoded images. */
export function folderOptions(values: DataValues): ImageFolderOptions {
  return imageFolderOptions(readingOptions(values), NO_CACHES);
}

/**
 * Opens the data that was asked for.
 *
 * @param values The options.
 * @param model The model that it is for, from which the size of images from files follows.
 * @param onBad Hears of each damaged image. Defaults to a warning on standard error.
 * @param caches What keeps decoded images. Defaults to nothing.
 */
export async function openData(
  values: DataValues,
  model?: Pick<ModelDescription, "name" | "inputShape">,
  onBad?: (message: string) => void,
  caches: ImageCaches = NO_CACHES,
): Promise<ImageSet> {
  if (values.data === "shapes" && values["train-list"] === undefined) return shapesSet();
  const size = values.size ??
    (model === undefined ? undefined : (model.inputShape ?? modelByName(model.name).inputShape)[1]);
  const options = readingOptions({ ...values, size }, onBad), list = values["train-list"];
  const set = list === undefined
    ? await openImageSet(values.data, options, caches)
    : await openListedData(list, values, imageFolderOptions(options, caches));
  // Else every image would be damaged.
  if (list !== undefined) await loadSharp();
  for (const note of values.isQuiet ? [] : set.notes ?? []) printNotice(`note: ${note}`);
  return set;
}

/**
 * The random changes and the normalisation that were asked for.
 *
 * @param values The options.
 * @param set The images, whose training part is measured as far as needed.
 * @param known The normalisation, where a checkpoint has one.
 * @param onProgress Hears how many images are measured, of how many.
 * @returns No normalisation where it is fit()'s own, which measures while it compiles.
 */
export async function chooseAugmentation(
  values: Values<typeof AUGMENTATION_OPTIONS>,
  set: ImageSet,
  known?: Normalisation,
  onProgress?: (done: number, total: number) => void,
): Promise<{ readonly augmentation: Augmentation; readonly normalisation?: Normalisation }> {
  let measured: ImageStatistics | undefined;
  const statistics = async () => measured ??= await measureImages(set.train, set.shape, onProgress);
  const { augment, randaugment, erasing, mixup, cutmix, normalise } = values;
  if (randaugment !== undefined && randaugment.length !== 2) {
    throw new UsageError(`--randaugment: expected operations and a magnitude, as in 2,9, but ${randaugment} came`);
  }
  if (erasing > 1) throw new UsageError(`--erasing: expected a share from 0 to 1 but ${erasing} came`);
  const randAugment = randaugment && { operations: randaugment[0], magnitude: randaugment[1] };
  if (randAugment !== undefined) checkRandAugment(randAugment);
  if (normalise === "pixel" && elementCount(set.shape) > MOST_PIXEL_MEANS) {
    throw new UsageError(
      `--normalise pixel: expected images of at most ${MOST_PIXEL_MEANS} values, as a checkpoint keeps the mean of each, ` +
        `but ${set.shape.join("x")} are ${elementCount(set.shape)}; use --normalise channel, or a smaller --size`,
    );
  }
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
