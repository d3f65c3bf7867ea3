/** Recognises a folder of images by what is in it. */

import { DataError } from "../core/mod.ts";
import { isCifar10, readCifar10 } from "./cifar10.ts";
import { isCifar100, readCifar100 } from "./cifar100.ts";
import type { ImageSet } from "./dataset.ts";
import type { FileSource } from "./file_source.ts";
import { isIdx, readIdx } from "./idx.ts";

/** The layouts that are known: how each is described, recognised and read. A new layout is one more entry. */
const LAYOUTS = [
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
    about: "MNIST's IDX files (train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-…, or the same with .gz)",
    recognises: isIdx,
    read: readIdx,
  },
];

/**
 * Reads a folder of images, whichever known layout it has.
 *
 * @param files The folder.
 * @throws {DataError} If it has none of them, or its files are damaged.
 */
export async function openImageSet(files: FileSource): Promise<ImageSet> {
  const names = await files.list();
  const layout = LAYOUTS.find(({ recognises }) => recognises(names));
  if (layout !== undefined) return await layout.read(files);
  const found = names.length === 0 ? "nothing" : names.slice(0, 3).join(", ") + (names.length > 3 ? ", …" : "");
  throw new DataError(
    `${files.location}: the data set is not recognised; expected ${LAYOUTS.map(({ about }) => about).join(", or ")} ` +
      `but found ${found}`,
  );
}
