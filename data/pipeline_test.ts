import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DataError, Random } from "../core/mod.ts";
import type { Augmentation } from "./augment/augmentation.ts";
import { Batcher } from "./batcher.ts";
import { type Dataset, MemoryDataset } from "./dataset.ts";
import { ImagePipeline } from "./pipeline.ts";
import { Preprocessor } from "./preprocessing.ts";
import { resizeAndCrop } from "./resize/resize.ts";

const shape = [3, 8, 8] as const, COUNT = 12, SIZE = 192, random = new Random(10);
const normalisation = { mean: [0.4, 0.5, 0.6], std: [0.3, 0.25, 0.2] };
const memory = new MemoryDataset(
  shape,
  Uint8Array.from({ length: COUNT * SIZE }, () => random.integer(256)),
  Uint8Array.from({ length: COUNT }, (_, i) => i),
);
const components = { variances: [0.1, 0.01, 0.001], directions: [[1, 0, 0], [0, 1, 0], [0, 0, 1]] };

/** The same images as two and a half times as large ones, read in time. */
const large: Dataset = {
  count: COUNT,
  labels: memory.labels,
  read: (index) => Promise.resolve(resizeAndCrop(memory.read(index), 20, [16, 20])),
};

async function prepared(dataset: Dataset, augmentation: Augmentation | undefined, index: number, epoch = 0, seed = 0) {
  const tensor = new Float32Array(SIZE).fill(NaN);
  await new ImagePipeline(dataset, { shape, normalisation, augmentation, seed }).prepare(index, epoch, tensor, 0);
  return tensor;
}

Deno.test("ImagePipeline.prepare() crops and mirrors as Batcher does, to the bit", async () => {
  for (const augmentation of [undefined, { padding: 2, flip: true }]) {
    const batcher = new Batcher({ split: memory, shape, normalisation, augmentation, seed: 4 });
    for (let index = 0; index < COUNT; index++) {
      const batch = batcher.allocate(1);
      batcher.fill(Uint32Array.of(index), 5, batch);
      assertEquals(await prepared(memory, augmentation, index, 5, 4), batch.images);
    }
  }
});

Deno.test("ImagePipeline.prepare() depends on the seed, the epoch and the index alone, for every augmentation", async () => {
  const augmentations: Augmentation[] = [
    { padding: 0, flip: true, scale: [9, 14] },
    { padding: 0, flip: true, area: [0.1, 1] },
    { padding: 1, flip: false, randAugment: { operations: 3, magnitude: 25 } },
    { padding: 0, flip: false, colourShift: { deviation: 0.1, components } },
    { padding: 0, flip: false, erasing: 0.9 },
    {
      padding: 0,
      flip: false,
      transforms: [(image, random) => ({ ...image, pixels: image.pixels.fill(random.integer(256)) })],
    },
  ];
  for (const augmentation of augmentations) {
    const pipeline = new ImagePipeline(large, { shape, normalisation, augmentation, seed: 1 });
    const three = new Float32Array(3 * SIZE), text = JSON.stringify(augmentation);
    // At once and in another order, as workers do.
    await Promise.all([7, 2, 5].map((index, k) => pipeline.prepare(index, 3, three, k * SIZE)));
    assertEquals(await prepared(large, augmentation, 2, 3, 1), three.slice(SIZE, 2 * SIZE), text);
    const differs = async (epoch: number, seed: number) => {
      const others = await Promise.all([2, 5, 7].map((index) => prepared(large, augmentation, index, epoch, seed)));
      return others.some((tensor, k) => tensor.some((value, i) => value !== three[[1, 2, 0][k] * SIZE + i]));
    };
    assert(await differs(4, 1), `${text} does not depend on the epoch`);
    assert(await differs(3, 2), `${text} does not depend on the seed`);
  }
});

Deno.test("ImagePipeline.prepare() takes the middle of images of other sizes, as for validation", async () => {
  const tensor = await prepared(large, undefined, 3), middle = resizeAndCrop(await large.read(3), 8, [8, 8]);
  for (let i = 0; i < 64; i++) {
    assertEquals(tensor[64 + i], Math.fround((middle.pixels[3 * i + 1] / 255 - 0.5) / 0.25));
  }
});

Deno.test("ImagePipeline.prepare() takes a mean for each pixel off before it crops", () => {
  const mean = Array.from({ length: SIZE }, (_, i) => i / 400), augmentation = { padding: 2, flip: true };
  const pipeline = new ImagePipeline(memory, { shape, normalisation: { mean, std: [1, 1, 1] }, augmentation });
  const plain = new ImagePipeline(memory, { shape, normalisation: { mean: [0, 0, 0], std: [1, 1, 1] }, augmentation });
  const means = new ImagePipeline(
    new MemoryDataset(shape, Uint8Array.from({ length: SIZE * COUNT }, (_, i) => i % SIZE), memory.labels),
    { shape, normalisation: { mean: [0, 0, 0], std: [400 / 255, 400 / 255, 400 / 255] }, augmentation },
  );
  const [a, b, c] = [0, 0, 0].map(() => new Float32Array(SIZE));
  for (let index = 0; index < COUNT; index++) {
    pipeline.prepare(index, 0, a, 0);
    plain.prepare(index, 0, b, 0);
    means.prepare(index, 0, c, 0);
    a.forEach((value, i) => assert(Math.abs(value - (b[i] - c[i])) < 1e-6));
  }
  assertThrows(() => new ImagePipeline(memory, { shape, normalisation: { mean: [0], std: [1] } }), DataError, "a mean");
});

Deno.test("ImagePipeline.prepare() puts the next readable image in the place of one that is not, under its label", async () => {
  const failed: number[] = [], broken = [4, 5, 11];
  const read = (index: number) =>
    broken.includes(index) ? Promise.reject(new DataError(`${index}`)) : Promise.resolve(memory.read(index));
  const dataset: Dataset = { count: COUNT, labels: memory.labels, read, failed: (index) => void failed.push(index) };
  const pipeline = new ImagePipeline(dataset, { shape, normalisation });
  const tensor = new Float32Array(SIZE);
  assertEquals(await pipeline.prepare(4, 0, tensor, 0), 6);
  assertEquals(tensor, await prepared(memory, undefined, 6));
  assertEquals(await pipeline.prepare(11, 0, tensor, 0), 0);
  assertEquals(failed, [4, 5, 11]);
  const strict = new ImagePipeline({ ...dataset, failed: undefined }, { shape, normalisation });
  await assertRejects(async () => await strict.prepare(5, 0, tensor, 0), DataError, "5");
  const none = new ImagePipeline({ ...dataset, read: () => Promise.reject(new DataError("no")) }, {
    shape,
    normalisation,
  });
  await assertRejects(async () => await none.prepare(5, 0, tensor, 0), DataError, "None of the 12 images can be read");
});

Deno.test("ImagePipeline.prepare() refuses images of other numbers of channels", async () => {
  const grey: Dataset = {
    count: 1,
    labels: memory.labels,
    read: () => ({ width: 8, height: 8, pixels: new Uint8Array(64) }),
  };
  await assertRejects(() => prepared(grey, undefined, 0), DataError, "expected 3 bytes for each of 8 x 8 pixels");
});

Deno.test("ImagePipeline.prepare() resizes to the side that it is told", async () => {
  for (const resize of [9, 13]) {
    const preprocessing = { resize, crop: [8, 8], interpolation: "bilinear" } as const;
    const tensor = new Float32Array(SIZE), expected = new Float32Array(SIZE), image = await large.read(3);
    await new ImagePipeline(large, { shape, normalisation, preprocessing }).prepare(3, 0, tensor, 0);
    new Preprocessor({ preprocessing, normalisation }).write(image, expected);
    assertEquals(tensor, expected);
    assert(tensor.join() !== (await prepared(large, undefined, 3)).join());
  }
});
