/** Opens folders of images on the disk, with all that makes them fast: workers, decoders that share memory, a cache. */

import { coreCount, type DataError } from "../core/mod.ts";
import { FolderDataset, type ImageFolderOptions, type ImageSet, openImageSet as openFiles } from "../data/mod.ts";
import { DiskFolder } from "../files/mod.ts";
import { DecodeBudget } from "./decode_budget.ts";
import { budgetedDecoder, type DecodeMode, MOST_MEGAPIXELS } from "./decode_image.ts";
import { ImageCaches } from "./image_caches.ts";
import { WorkerFiller } from "./image_workers.ts";
import { loadSharp } from "./load_sharp.ts";
import { WorkerPool } from "./worker_pool.ts";

/** The default number of workers is at most this: more hardly find something to do. */
const MOST_WORKERS = 8;
const DEFAULT_MAX_BAD = 10;

/** How image files are found and read. */
export interface ImageReadingOptions
  extends Pick<ImageFolderOptions, "size" | "validationFraction" | "splitSeed" | "toMeasure" | "maxBad"> {
  /** Threads that read and change images; 0 for none. Defaults to one a core, up to 8. */
  readonly workers?: number;
  /**
   * How JPEGs much larger than needed are decoded: `reduced` reads them 3, 5 or 9 times smaller, `full` has the bits of PIL
   * and takes longer. Defaults to `reduced`.
   */
  readonly decode?: DecodeMode;
  /** The most pixels of an image, in millions; a larger one counts as damaged. Defaults to 200. */
  readonly maxMegapixels?: number;
  /** The memory in which decoded images are kept, in MiB; 0 for none. Defaults to a quarter of what is free, at most 2048. */
  readonly cacheImages?: number;
  /** Seconds without any progress after which workers are taken to hang. Defaults to 600. */
  readonly stallTimeout?: number;
  /** Hears of each damaged image, once. Defaults to a warning on standard error. */
  readonly onBad?: (message: string, error: DataError) => void;
}

/**
 * How the image files of a folder on the disk are read, for the functions of `data` that open sets. Sets that are opened with
 * the same options share their workers.
 *
 * @param options What is asked for.
 * @param caches What keeps decoded images. Defaults to a cache of its own.
 *
 * @example
 * ```ts
 * import { readImageFolder } from "@residua/residua/data";
 * import { DiskFolder } from "@residua/residua/disk";
 * import { imageFolderOptions } from "@residua/residua/images";
 * const set = await readImageFolder(new DiskFolder("photos"), imageFolderOptions({ workers: 2 }));
 * console.log(set.classes);
 * ```
 */
export function imageFolderOptions(
  options: ImageReadingOptions = {},
  caches: ImageCaches = new ImageCaches(options.cacheImages),
): ImageFolderOptions {
  const { workers = Math.min(MOST_WORKERS, coreCount()), maxBad = DEFAULT_MAX_BAD } = options;
  const { decode = "reduced", maxMegapixels = MOST_MEGAPIXELS, onBad = warn } = options;
  const pool = new WorkerPool({ workers, stallTimeout: options.stallTimeout });
  const reading = { maxBad, decode, maxMegapixels };
  return {
    decode: budgetedDecoder(decode, new DecodeBudget(), maxMegapixels),
    cacheOf: (dataset, least) => caches.of(dataset, least),
    toMeasure: options.toMeasure,
    size: options.size,
    validationFraction: options.validationFraction,
    splitSeed: options.splitSeed,
    maxBad,
    onBad,
    createFiller: workers === 0 ? undefined : (dataset, options) => new WorkerFiller(dataset, options, pool, reading),
  };
}

function warn(message: string): void {
  console.warn(`warning: ${message}`);
}

/**
 * Opens a folder of images on the disk, whichever known layout it has: CIFAR-10 or 100, MNIST's files, or image files in a
 * folder for each class, whose images are read as they are needed.
 *
 * @param path The folder.
 * @param options How image files are found and read; the other layouts need none.
 * @param caches What keeps decoded images, where several sets are to share it. Defaults to a cache of its own.
 * @returns The set; its notes say what was left out, and what was chosen where the folder does not say.
 * @throws {DataError} If it has no known layout, its files are damaged, or the package that decodes images cannot be had.
 *
 * @example
 * ```ts
 * import { openImageSet } from "@residua/residua/images";
 * const { classes, train, validation } = await openImageSet("photos", { size: 64 });
 * console.log(classes, train.count, validation.count);
 * ```
 */
export async function openImageSet(
  path: string,
  options: ImageReadingOptions = {},
  caches?: ImageCaches,
): Promise<ImageSet> {
  const set = await openFiles(new DiskFolder(path), imageFolderOptions(options, caches));
  // Else every image would be damaged.
  if (set.train instanceof FolderDataset) await loadSharp();
  return set;
}
