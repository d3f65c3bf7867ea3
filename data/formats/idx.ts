/**
 * IDX files, as MNIST, Fashion-MNIST, KMNIST and EMNIST come in: a magic number, the sizes in big-endian 32 bits, the bytes.
 * Files may be compressed by gzip.
 */

import { DataError, elementCount } from "../../core/mod.ts";
import { createLabels, type ImageSet, type Labels, MemoryDataset } from "../dataset.ts";
import { idxClasses } from "./_class_names.ts";
import type { FileSource } from "./file_source.ts";

/** `train-images-idx3-ubyte`, `emnist-letters-test-labels.idx1-ubyte.gz`: [1] the prefix, [2] train or test, [3] the kind. */
const IDX_FILE = /^(.*?)(train|t10k|test)-(images|labels)[-.]idx[13]-ubyte(?:\.gz)?$/;
/** The magic number's third byte says that elements are bytes; the fourth, how many dimensions there are. */
const UNSIGNED_BYTES = 0x08;
/** Some seven times as many as the largest set of this kind has, EMNIST by class. */
const MOST_BYTES = 2 ** 32;
/** Deflate writes at most 258 bytes for two bits (RFC 1951), so that a header that promises more is wrong. */
const MOST_RATIO = 1032;
/** Bytes that are unpacked at a time. */
const PIECE = 2 ** 14;

interface IdxArray {
  readonly file: string;
  readonly sizes: readonly number[];
  readonly bytes: Uint8Array;
}

/** Whether these files are MNIST's IDX layout, or part of it. */
export function isIdx(names: readonly string[]): boolean {
  return names.some((name) => IDX_FILE.test(name));
}

/**
 * Reads a folder of IDX files: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, and the same of `t10k` or `test`, with
 * a dash or a dot before `idx`, any prefix (as EMNIST has), and `.gz` or not. There are as many
 * classes as the largest label says, named by number, or as Fashion-MNIST's and KMNIST's are where the name of the folder, or
 * of the one above it, says so (`fashion`, `kmnist`, `kuzushiji`). EMNIST's images lie on their side, as its files have them.
 *
 * @param files The folder.
 * @returns The images, of one channel, which are not mirrorable.
 * @throws {DataError} If a file is missing or damaged, if images and labels do not belong together, or if there are files
 * of several sets.
 */
export async function readIdx(files: FileSource): Promise<ImageSet<MemoryDataset>> {
  const names = await files.list();
  const prefixes = new Set(names.map((name) => IDX_FILE.exec(name)?.[1]).filter((prefix) => prefix !== undefined));
  if (prefixes.size > 1) {
    throw new DataError(
      `${files.location}: expected the IDX files of one set but there are those of ${[...prefixes].join(", ")}; ` +
        "put each set in a folder of its own",
    );
  }
  const train = await readSplit(files, names, ["train"]), validation = await readSplit(files, names, ["t10k", "test"]);
  const shape = train.images.sizes.slice(1), other = validation.images.sizes.slice(1);
  if (shape.join() !== other.join()) {
    throw new DataError(
      `${validation.images.file}: expected images of ${shape.join("x")} as in ${train.images.file} ` +
        `but they are of ${other.join("x")}`,
    );
  }
  const classes = 1 + train.labels.bytes.reduce((most, label) => Math.max(most, label), 0);
  const beyond = validation.labels.bytes.findIndex((label) => label >= classes);
  if (beyond >= 0) {
    throw new DataError(
      `${validation.labels.file}: image ${beyond} has the label ${validation.labels.bytes[beyond]}, expected 0 to ` +
        `${classes - 1} as in ${train.labels.file}; one of the files is damaged or of another set`,
    );
  }
  const dataset = ({ images, labels }: typeof train) =>
    new MemoryDataset([1, shape[0], shape[1]], images.bytes, narrow(labels.bytes, classes));
  return {
    name: files.location,
    classes: idxClasses(files, classes),
    shape: [1, shape[0], shape[1]],
    train: dataset(train),
    validation: dataset(validation),
    mirrorable: false,
  };
}

function narrow(bytes: Uint8Array, classes: number): Labels {
  const labels = createLabels(bytes.length, classes);
  labels.set(bytes);
  return labels;
}

async function readSplit(
  files: FileSource,
  names: readonly string[],
  splits: readonly string[],
): Promise<{ readonly images: IdxArray; readonly labels: IdxArray }> {
  const read = (kind: string, dimensions: number): Promise<IdxArray> => {
    const found = names.filter((name) => {
      const match = IDX_FILE.exec(name);
      return match !== null && splits.includes(match[2]) && match[3] === kind;
    });
    if (found.length === 0) {
      const file = `${splits[0]}-${kind}-idx${dimensions}-ubyte`;
      throw new DataError(
        `${files.location}: ${file} (or ${file}.gz) is missing; a folder in MNIST's IDX layout holds it, so download it again`,
      );
    }
    // The unpacked file, which is sorted before its archive, is as good and quicker to read.
    return readArray(files, found.sort()[0], dimensions);
  };
  const images = await read("images", 3), labels = await read("labels", 1);
  if (images.sizes[0] !== labels.sizes[0]) {
    throw new DataError(
      `${labels.file}: expected ${images.sizes[0]} labels, as many as ${images.file} has images, ` +
        `but there are ${labels.sizes[0]}; the files are not of one set`,
    );
  }
  return { images, labels };
}

async function readArray(files: FileSource, name: string, dimensions: number): Promise<IdxArray> {
  const file = `${files.location}/${name}`, packed = await files.read(name);
  const header = 4 + 4 * dimensions, sizesOf = (start: Uint8Array) => readSizes(file, start, dimensions);
  const content = name.endsWith(".gz") ? await gunzip(file, packed, header, sizesOf) : packed;
  if (content.length < header) {
    throw new DataError(
      `${file}: expected a header of ${header} bytes but there are ${content.length} in all; download it again`,
    );
  }
  const sizes = sizesOf(content), length = elementCount(sizes), came = content.length - header;
  if (came !== length) {
    throw new DataError(
      `${file}: expected ${length} bytes (${sizes.join("x")}) after the header but there are ` +
        // An archive is unpacked no further.
        `${came > length && content !== packed ? "more" : came}; the file is ${
          came < length ? "truncated" : "damaged"
        }, so download it again`,
    );
  }
  return { file, sizes, bytes: content.subarray(header) };
}

/** The extents that a header says. */
function readSizes(file: string, content: Uint8Array, dimensions: number): number[] {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength), magic = view.getUint32(0);
  const expectedMagic = UNSIGNED_BYTES << 8 | dimensions;
  if (magic !== expectedMagic) {
    throw new DataError(
      `${file}: expected the magic number ${hexadecimal(expectedMagic)} (bytes in ${dimensions} dimension${
        dimensions === 1 ? "" : "s"
      }) ` + `but it is ${hexadecimal(magic)}; the file is not of the kind that its name says`,
    );
  }
  const sizes = Array.from({ length: dimensions }, (_, k) => view.getUint32(4 + 4 * k)), length = elementCount(sizes);
  if (length === 0) throw new DataError(`${file}: expected at least one element but its sizes are ${sizes.join("x")}`);
  if (length > MOST_BYTES) {
    throw new DataError(
      `${file}: expected at most ${MOST_BYTES} bytes but its header says ${sizes.join("x")}; the file is damaged`,
    );
  }
  return sizes;
}

function hexadecimal(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}

/** Bytes in small pieces, since each is unpacked as a whole, whether anybody wants that much or not. */
function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at += PIECE) as Uint8Array<ArrayBuffer>);
    },
  }, { highWaterMark: 0 });
}

/** Unpacks a file, as far as one byte beyond what its header says: a small archive may unpack to any size. */
async function gunzip(
  file: string,
  packed: Uint8Array,
  header: number,
  sizesOf: (start: Uint8Array) => readonly number[],
): Promise<Uint8Array> {
  const reader = streamOf(packed).pipeThrough(new DecompressionStream("gzip")).getReader();
  let content = new Uint8Array(header), length = 0, isRead = false;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return content.subarray(0, length);
      for (let from = 0; from < value.length;) {
        const count = Math.min(value.length - from, content.length - length);
        content.set(value.subarray(from, from + count), length);
        from += count;
        length += count;
        if (length < content.length) continue;
        if (isRead) return content;
        const start = content, rest = Math.min(elementCount(sizesOf(start)), MOST_RATIO * packed.length) + 1;
        content = new Uint8Array(header + rest);
        content.set(start);
        isRead = true;
      }
    }
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(
      `${file}: the gzip file is truncated or damaged (${(error as Error).message}); download it again`,
    );
  } finally {
    await reader.cancel().catch(() => {});
  }
}
