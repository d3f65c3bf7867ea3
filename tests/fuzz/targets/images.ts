/** Files of image sets, and image files. */

import { decodeImage } from "../../../images/decode_image.ts";
import sharp from "../../../images/sharp.ts";
import { type ImageSet, MemoryDataset, openImageSet } from "../../../data/mod.ts";
import { elementCount } from "../../../core/mod.ts";
import { concat } from "../../_bytes.ts";
import { memoryFolder } from "../../_memory_folder.ts";
import { type Code, code, pickle } from "../../_torch_file.ts";
import type { FuzzTarget } from "../_target.ts";

const utf8 = new TextEncoder();
const PIXELS = 3072;

/** What of a set in memory makes no sense. */
function checkSet(value: unknown): string | undefined {
  const { shape, classes, train, validation } = value as ImageSet<MemoryDataset>;
  for (const { count, labels, pixels } of [train, validation]) {
    if (labels.length !== count || pixels.length !== count * elementCount(shape)) {
      return `${count} images of ${pixels.length} bytes`;
    }
    if (labels.some((label) => label >= classes.length)) return `a label beyond ${classes.length} classes`;
  }
}

/** A set of files, one of which is the input. */
function setTarget(
  name: string,
  about: string,
  file: string,
  files: () => Readonly<Record<string, Uint8Array>>,
  more: Partial<FuzzTarget> = {},
): FuzzTarget {
  return {
    name,
    about,
    form: "bytes",
    seeds: () => [files()[file]],
    run: (input) => openImageSet(memoryFolder({ ...files(), [file]: input })),
    check: checkSet,
    ...more,
  };
}

const record = (...labels: readonly number[]) => concat(labels, new Uint8Array(PIXELS).fill(7));

const cifar10 = () => ({
  "data_batch_1.bin": concat(record(3), record(9)),
  "test_batch.bin": record(0),
  "batches.meta.txt": utf8.encode("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n"),
});
const cifar100 = () => ({ "train.bin": record(1, 99), "test.bin": record(0, 0) });

/** Text of Python 2, which is bytes too. */
function python2(text: string | Uint8Array): Code {
  const bytes = typeof text === "string" ? utf8.encode(text) : text, { length } = bytes;
  return length < 256 ? [0x55, length, ...bytes] : [0x54, length & 255, length >> 8, 0, 0, ...bytes];
}

/** An array of bytes, as NumPy pickles it by protocol 2. */
function numpyArray(shape: readonly number[], bytes: Uint8Array): Code {
  const number = (value: number): Code => value < 256 ? [0x4b, value] : [0x4d, value & 255, value >> 8];
  const { call, global, tuple, none } = code, no: Code = [0x89];
  const made = call(
    global("numpy.core.multiarray", "_reconstruct"),
    global("numpy", "ndarray"),
    tuple(number(0)),
    python2("b"),
  );
  const type = [
    ...call(global("numpy", "dtype"), python2("u1"), number(0), number(1)),
    ...tuple(number(3), python2("|"), none, none, none),
    0x62,
  ];
  return [...made, ...tuple(number(1), tuple(...shape.map(number)), type, no, python2(bytes)), 0x62];
}

function pythonBatch(labels: readonly number[]): Uint8Array {
  const count = labels.length, { list } = code, pixels = numpyArray([count, PIXELS], new Uint8Array(count * PIXELS));
  return pickle([
    0x7d,
    0x28,
    ...python2("labels"),
    ...list(...labels.map((label): Code => [0x4b, label])),
    ...python2("data"),
    ...pixels,
    0x75,
  ]);
}

const python = () => ({
  data_batch_1: pythonBatch([1, 0]),
  test_batch: pythonBatch([0]),
  "batches.meta": pickle([0x7d, ...python2("label_names"), ...code.list(python2("cat"), python2("dog")), 0x73]),
});

/** An IDX file of bytes. */
function idxFile(shape: readonly number[], bytes: readonly number[]): Uint8Array {
  return concat([0, 0, 8, shape.length], ...shape.map((extent) => [0, 0, extent >> 8, extent & 255]), bytes);
}

const IMAGES = "train-images-idx3-ubyte", LABELS = "train-labels-idx1-ubyte";
const idx = () => ({
  [IMAGES]: idxFile([2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
  [LABELS]: idxFile([2], [0, 1]),
  "t10k-images-idx3-ubyte": idxFile([1, 2, 3], [1, 2, 3, 4, 5, 6]),
  "t10k-labels-idx1-ubyte": idxFile([1], [1]),
});

async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  const packed = new Blob([bytes.slice()]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

/** A BMP of 2 x 2 pixels, of 24 bits each. */
function bmp(): Uint8Array {
  const bytes = new Uint8Array(70), view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  const fields = [[2, 70], [10, 54], [14, 40], [18, 2], [22, 2], [34, 16]] as const;
  for (const [at, value] of fields) view.setUint32(at, value, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  return bytes.fill(200, 54);
}

async function imageFiles(): Promise<Uint8Array[]> {
  const pixels = Uint8Array.from({ length: 5 * 4 * 3 }, (_, k) => 11 * k);
  const image = () => sharp(pixels, { raw: { width: 5, height: 4, channels: 3 } });
  const made = [image().png(), image().jpeg(), image().webp(), image().gif(), image().tiff(), image().avif()];
  return [bmp(), ...await Promise.all(made.map(async (one) => new Uint8Array(await one.toBuffer())))];
}

/** The readers. */
export const TARGETS: readonly FuzzTarget[] = [
  setTarget("cifar10", "CIFAR-10's binary files", "data_batch_1.bin", cifar10),
  setTarget("cifar10-classes", "CIFAR-10's file of class names", "batches.meta.txt", cifar10, { form: "text" }),
  setTarget("cifar100", "CIFAR-100's binary files", "train.bin", cifar100),
  setTarget("cifar-python", "CIFAR's pickles of images", "data_batch_1", python, {
    words: ["data", "labels", "numpy\ndtype\n", "_codecs\nencode\n"],
  }),
  setTarget("cifar-python-classes", "CIFAR's pickles of class names", "batches.meta", python, {
    words: ["label_names"],
  }),
  setTarget("idx-images", "MNIST's files of images", IMAGES, idx),
  setTarget("idx-labels", "MNIST's files of labels", LABELS, idx),
  {
    name: "idx-gzip",
    about: "MNIST's files of images, packed",
    form: "bytes",
    seeds: async () => [await gzip(idx()[IMAGES])],
    run(input) {
      const { [IMAGES]: _, ...others } = idx();
      return openImageSet(memoryFolder({ ...others, [`${IMAGES}.gz`]: input }));
    },
    check: checkSet,
  },
  {
    name: "image-files",
    about: "image files of every format; most of it is sharp's work",
    form: "bytes",
    seeds: imageFiles,
    words: ["IHDR", "IDAT", "IEND", "PLTE", "tRNS", "Exif\0\0", "ftypavif", "irot", "RIFF", "VP8X", "II*\0", "BM"],
    run: (input) => decodeImage(input, "mutated", undefined, { maxMegapixels: 1 }),
    check(value) {
      const { width, height, pixels } = value as Awaited<ReturnType<typeof decodeImage>>;
      return width > 0 && height > 0 && pixels.length === 3 * width * height
        ? undefined
        : `${width} x ${height} in ${pixels.length} bytes`;
    },
    // The packages of decoders look at what arrays are.
    memory: "process",
  },
];
