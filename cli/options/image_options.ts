/** Options of the images that commands share: where they are, how they are read, how they are changed at random. */

import { UsageError } from "../../core/mod.ts";
import {
  type Augmentation,
  augmentationByName,
  AUGMENTATIONS,
  FolderDataset,
  type ImageFolderOptions,
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
import { DECODE_MODES, type DecodeMode, decoderOf } from "../images/decode_image.ts";
import type { ImageCaches } from "../images/image_caches.ts";
import { loadSharp } from "../images/load_sharp.ts";
import { DiskFolder } from "../files/data_folder.ts";
import { WorkerFiller } from "../images/image_workers.ts";
import { printNotice } from "../reports/layout.ts";
import { inGroup, type Values } from "./option.ts";

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
    },
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
    decode: {
      kind: "text",
      about:
        "JPEGs much larger than needed: reduced reads them 3, 5 or 9 times smaller, full has the bits of PIL and takes longer",
      default: "reduced",
      choices: DECODE_MODES,
    },
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

/** The default number of workers is at most this: more hardly find something to do. */
const MOST_WORKERS = 8;

/** The values of the options of images. */
export type DataValues = Omit<Values<typeof DATA_OPTIONS>, "decode"> & { readonly decode?: string };

/** How image files are read. */
export function folderOptions(
  { workers = Math.min(MOST_WORKERS, navigator.hardwareConcurrency), "max-bad": maxBad, ...values }: DataValues,
  onBad: (message: string) => void = (message) => printNotice(`warning: ${message}`),
  caches?: ImageCaches,
): ImageFolderOptions {
  const decode = (values.decode ?? DATA_OPTIONS.decode.default) as DecodeMode, reading = { workers, maxBad, decode };
  return {
    decode: decoderOf(decode),
    cacheOf: (dataset, least) => caches?.of(dataset, least),
    size: values.size,
    validationFraction: values["val-fraction"],
    maxBad,
    onBad,
    createFiller: workers === 0 ? undefined : (dataset, options) => new WorkerFiller(dataset, options, reading),
  };
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
  caches?: ImageCaches,
): Promise<ImageSet> {
  if (values.data === "shapes") return shapesSet();
  const size = values.size ??
    (model === undefined ? undefined : (model.inputShape ?? modelByName(model.name).inputShape)[1]);
  const set = await openImageSet(new DiskFolder(values.data), folderOptions({ ...values, size }, onBad, caches));
  // Else every image would be damaged.
  if (set.train instanceof FolderDataset) await loadSharp();
  for (const note of set.notes ?? []) printNotice(`note: ${note}`);
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
