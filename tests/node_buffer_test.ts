/** Whatever takes bytes takes Node's `Buffer`, which begins anywhere in a pool and whose slices are views. */

import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { decodeImage } from "../images/decode_image.ts";
import sharp from "../images/sharp.ts";
import { CpuBackend, Random } from "../core/mod.ts";
import { BatchLoader, type Dataset, openImageSet, toRgb } from "../data/mod.ts";
import { RAND_AUGMENT_OPERATIONS } from "../data/augment/rand_augment.ts";
import { loadModel } from "../inference/mod.ts";
import { decodeCheckpoint, encodeCheckpoint, encodeSafetensors, type NamedTensor } from "../weights/mod.ts";
import { info, photos, tensors } from "./_load_model.ts";
import { memoryFolder } from "./_memory_folder.ts";

/** Offsets of every kind that arrays of words are refused at, and one that they are not. */
const OFFSETS = [1, 2, 3, 4, 6];

/** The same bytes in the middle of a pool of others. */
function pooled(bytes: Uint8Array, offset: number): Buffer {
  const pool = Buffer.alloc(bytes.length + offset + 9, 0xa5), buffer = pool.subarray(offset, offset + bytes.length);
  buffer.set(bytes);
  assert(buffer instanceof Buffer && buffer.byteOffset === offset);
  return buffer;
}

/** Expects a reader to make the same of a Buffer as of an array, and to leave it as it is. */
async function expectSame(bytes: Uint8Array, read: (bytes: Uint8Array) => unknown): Promise<void> {
  const expected = await read(bytes);
  for (const offset of OFFSETS) {
    const buffer = pooled(bytes, offset);
    assertEquals(await read(buffer), expected);
    assertEquals(new Uint8Array(buffer), bytes);
  }
}

Deno.test("decodeCheckpoint() reads safetensors and PyTorch's files from Buffers", async () => {
  const all = new Map<string, NamedTensor>([...tensors, ["n", { shape: [2], data: Uint32Array.of(7, 4e9) }]]);
  await expectSame(encodeCheckpoint(all, info), (bytes) => decodeCheckpoint(bytes, "given"));
  await expectSame(encodeSafetensors(all), (bytes) => decodeCheckpoint(bytes, "given"));
  const folder = new URL("./golden/weights/", import.meta.url);
  for (const name of ["state_dict", "types", "views", "nested", "protocol4", "data_parallel"]) {
    const bytes = await Deno.readFile(new URL(`${name}.pth`, folder));
    await expectSame(bytes, (bytes) => decodeCheckpoint(bytes, "given"));
  }
});

Deno.test("loadModel() takes a Buffer, and its model images in Buffers", async () => {
  const backend = new CpuBackend(), [photo] = photos(1);
  await expectSame(encodeCheckpoint(tensors, info), async (bytes) => {
    const model = await loadModel(bytes, { backend, batch: 1 });
    const [{ logits }] = await model.predict(photo);
    const [again] = await model.predict({ ...photo, pixels: pooled(photo.pixels, 1) });
    model.destroy();
    assertEquals(again.logits, logits);
    return logits;
  });
  backend.destroy();
});

Deno.test("sets of images are read from Buffers", async () => {
  const random = new Random(5, "buffers");
  const noise = (count: number) => Uint8Array.from({ length: count }, () => random.integer(256));
  const labelled = (label: number, labels: number, count = 2) => {
    const bytes = noise(count * (labels + 3072));
    for (let i = 0; i < count; i++) bytes.fill(label + i, i * (labels + 3072), i * (labels + 3072) + labels);
    return bytes;
  };
  const idx = (sizes: readonly number[], content: Uint8Array) => {
    const bytes = new Uint8Array(4 + 4 * sizes.length + content.length), view = new DataView(bytes.buffer);
    view.setUint32(0, 0x0800 | sizes.length);
    sizes.forEach((size, k) => view.setUint32(4 + 4 * k, size));
    bytes.set(content, 4 + 4 * sizes.length);
    return bytes;
  };
  const packed = new Blob([idx([2], Uint8Array.of(0, 1))]).stream().pipeThrough(new CompressionStream("gzip"));
  const folders: Readonly<Record<string, Uint8Array>>[] = [
    {
      "data_batch_1.bin": labelled(3, 1),
      "test_batch.bin": labelled(5, 1),
      "batches.meta.txt": new TextEncoder().encode("a\nb\nc\nd\ne\nf\ng\n"),
    },
    { "train.bin": labelled(3, 2), "test.bin": labelled(5, 2) },
    {
      "train-images-idx3-ubyte": idx([2, 3, 5], noise(30)),
      "train-labels-idx1-ubyte.gz": new Uint8Array(await new Response(packed).arrayBuffer()),
      "t10k-images-idx3-ubyte": idx([1, 3, 5], noise(15)),
      "t10k-labels-idx1-ubyte": idx([1], Uint8Array.of(1)),
    },
  ];
  for (const files of folders) {
    const read = async (change: (bytes: Uint8Array) => Uint8Array) => {
      const changed = Object.entries(files).map(([name, bytes]) => [name, change(bytes)]);
      const { classes, shape, train, validation } = await openImageSet(memoryFolder(Object.fromEntries(changed)));
      return { classes, shape, labels: [train.labels, validation.labels], images: await train.read(1) };
    };
    const expected = await read((bytes) => bytes);
    for (const offset of OFFSETS) assertEquals(await read((bytes) => pooled(bytes, offset)), expected);
  }
});

Deno.test("images that are decoded to Buffers are augmented as others, and stay as they are", async () => {
  const [{ width, height, pixels }] = photos(1);
  for (const [name, { apply }] of Object.entries(RAND_AUGMENT_OPERATIONS)) {
    await expectSame(pixels, (pixels) => {
      const { width: w, height: h, pixels: changed } = apply({ width, height, pixels }, 0.4);
      return [name, w, h, new Uint8Array(changed)];
    });
  }
  await expectSame(pixels, (pixels) => toRgb({ width, height, pixels }));
});

Deno.test("a set of one's own may give its pixels in Buffers", async () => {
  const images = photos(6), batches: unknown[] = [];
  const normalisation = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.25] };
  const augmentation = { padding: 2, flip: true, randAugment: { operations: 2, magnitude: 9 } };
  for (const offset of [0, ...OFFSETS]) {
    const read = (index: number) => {
      const { pixels, ...size } = images[index];
      return { ...size, pixels: offset === 0 ? pixels : pooled(pixels, offset) };
    };
    const dataset: Dataset = { count: 6, labels: Uint8Array.of(0, 1, 2, 3, 4, 5), read };
    await using loader = new BatchLoader({
      dataset,
      shape: [3, 12, 10],
      normalisation,
      augmentation,
      batch: 6,
      epochs: 1,
    });
    const { images: made } = await loader.fetch(0, 0);
    batches.push(made.slice());
  }
  for (const batch of batches) assertEquals(batch, batches[0]);
});

Deno.test("decodeImage() reads PNG and JPEG files from Buffers", async () => {
  const [{ width, height, pixels }] = photos(1), raw = sharp(pixels, { raw: { width, height, channels: 3 } });
  for (const encoded of [raw.png(), raw.jpeg()]) {
    await expectSame(new Uint8Array(await encoded.toBuffer()), (bytes) => decodeImage(bytes, "given"));
  }
});
