/** Recognises a folder of images by what is in it. */

import { DataError, UsageError } from "../../core/mod.ts";
import { explainLooseImages, folderIn, refuseFolderAboveSets } from "./_nearby.ts";
import { isCifar10, readCifar10 } from "./cifar10.ts";
import { isCifar100, readCifar100 } from "./cifar100.ts";
import { isCifarPython, readCifarPython } from "./cifar_python.ts";
import type { ImageSet } from "../dataset.ts";
import { IMAGE_FORMATS } from "./decoded_image.ts";
import type { FileSource } from "./file_source.ts";
import { type ImageFolderOptions, isImageFolder, readImageFolder } from "./folder.ts";
import { isIdx, readIdx } from "./idx.ts";
import { isVisibleImage } from "./image_tree.ts";

/** How a layout is described, recognised and read. */
interface Layout {
  readonly about: string;
  recognises(names: readonly string[]): boolean;
  read(files: FileSource, options?: ImageFolderOptions): Promise<ImageSet>;
}

/** The layouts of few files that are known. A new layout is one more entry; the first that recognises a folder reads it. */
const FILE_LAYOUTS: readonly Layout[] = [
  {
    about: "CIFAR-10's binary layout (data_batch_1.bin …, test_batch.bin)",
    recognises: isCifar10,
    read: readCifar10,
  },
  {
    about: "CIFAR-100's (train.bin, test.bin)",
    recognises: isCifar100,
    read: readCifar100,
  },
  {
    about: "their Python versions (data_batch_1 …, test_batch, or train, test, meta)",
    recognises: isCifarPython,
    read: readCifarPython,
  },
  {
    about: "MNIST's IDX files (train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-…, or the same with .gz)",
    recognises: isIdx,
    read: readIdx,
  },
];

const IMAGE_FOLDER = `folders of ${IMAGE_FORMATS} files (train/CLASS/… and val/CLASS/…, or only CLASS/…)`;

/** Where torchvision keeps the IDX files that it downloads. */
const RAW = "raw/";

function layoutOf(names: readonly string[]): Layout | undefined {
  return FILE_LAYOUTS.find(({ recognises }) => recognises(names));
}

/**
 * Reads a folder of images, whichever known layout it has.
 *
 * @param files The folder.
 * @param options How image files are decoded; the other layouts need none.
 * @throws {DataError} If it has none of them, or its files are damaged.
 *
 * @example
 * ```ts
 * import { type FileSource, openImageSet } from "@residua/residua";
 * const images = new Uint8Array(2 * (1 + 3 * 32 * 32)).fill(7, 0, 1);
 * const files: FileSource = {
 *   location: "memory",
 *   list: () => Promise.resolve(["data_batch_1.bin", "test_batch.bin"]),
 *   read: () => Promise.resolve(images),
 * };
 * const { train, shape } = await openImageSet(files);
 * console.log(train.count, train.labels[0], shape); // 2 7 [ 3, 32, 32 ]
 * ```
 */
export async function openImageSet(files: FileSource, options?: ImageFolderOptions): Promise<ImageSet> {
  const names = await files.list(), layout = layoutOf(names);
  if (layout !== undefined) return await layout.read(files, options);
  if (names.includes(RAW)) {
    const raw = folderIn(files, RAW), rawLayout = layoutOf(await raw.list());
    if (rawLayout !== undefined) return await rawLayout.read(raw, options);
  }
  if (isImageFolder(names)) {
    await refuseFolderAboveSets(files, (inside) => layoutOf(inside) !== undefined);
    if (options === undefined) {
      throw new UsageError(`${files.location}: image files need a decoder; give openImageSet one`);
    }
    return await readImageFolder(files, options);
  }
  if (names.some(isVisibleImage)) throw await explainLooseImages(files);
  const found = names.length === 0 ? "nothing" : names.slice(0, 3).join(", ") + (names.length > 3 ? ", …" : "");
  const known = [...FILE_LAYOUTS.map(({ about }) => about), IMAGE_FOLDER].join(", or ");
  throw new DataError(
    `${files.location}: the data set is not recognised; expected ${known} but found ${found}`,
  );
}
