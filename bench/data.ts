/** Times the input pipeline: `deno task bench:data [workers]`. Small images in memory, then JPEG files beside their decoder. */

import sharp from "../cli/_sharp.ts";
import { decodeImage } from "../cli/decode_image.ts";
import { openData } from "../cli/image_options.ts";
import { openBackend, Random } from "../core/mod.ts";
import {
  type Augmentation,
  augmentationByName,
  BatchLoader,
  type FolderDataset,
  type ImageSet,
  measureImages,
  shapesSet,
} from "../data/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { Trainer } from "../train/mod.ts";

const workers = Number(Deno.args[0] ?? navigator.hardwareConcurrency);
const JPEGS = 400, SIDE = 256, SECONDS = 2;

/** Images a second of a loader that nobody else keeps waiting. */
async function loaderRate(set: ImageSet, batch: number, augmentation: Augmentation): Promise<number> {
  const normalisation = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
  const loader = new BatchLoader({
    dataset: set.train,
    shape: set.shape,
    batch,
    normalisation,
    augmentation,
    shuffle: true,
  });
  let images = 0, started = 0;
  for (let k = 0;; k++) {
    // The first epoch starts the workers and warms up.
    if (k === loader.batchesPerEpoch) started = performance.now();
    await loader.fetch(Math.floor(k / loader.batchesPerEpoch), k % loader.batchesPerEpoch);
    if (k < loader.batchesPerEpoch) continue;
    images += batch;
    if (performance.now() - started > 1000 * SECONDS) break;
  }
  const seconds = (performance.now() - started) / 1000;
  await loader.close();
  return images / seconds;
}

/** Images a second that so many decoders at a time read and decode, and do nothing else with. */
async function decoderRate(set: ImageSet<FolderDataset>): Promise<number> {
  const { train: { source, files } } = set;
  let next = 0;
  const decode = async (until: number) => {
    for (; performance.now() < until; next++) {
      const path = files.at(next % files.length);
      await decodeImage(await source.read(path), path);
    }
  };
  const lanes = (seconds: number) => {
    const until = performance.now() + 1000 * seconds;
    return Promise.all(Array.from({ length: Math.max(1, workers) }, () => decode(until)));
  };
  sharp.concurrency(1);
  sharp.cache(false);
  await lanes(0.5);
  const first = next, started = performance.now();
  await lanes(SECONDS);
  return (next - first) / (performance.now() - started) * 1000;
}

/** The share of a training run's time in which it waits for batches. */
async function waitingShare(
  set: ImageSet,
  augmentation: Augmentation,
  steps: number,
): Promise<[share: number, rate: number]> {
  const backend = await openBackend("cpu"), batch = 128;
  const model = cifarResNet({ depth: 20 }), trainer = await Trainer.create({ model, backend, batch });
  const normalisation = (await measureImages(set.train, set.shape)).normalisation("channel");
  const loader = new BatchLoader({
    dataset: set.train,
    shape: set.shape,
    batch,
    normalisation,
    augmentation,
    shuffle: true,
  });
  let waited = 0, started = 0;
  for (let k = 0; k < steps + 2; k++) {
    if (k === 2) [waited, started] = [0, performance.now()];
    const before = performance.now();
    const { images, labels } = await loader.fetch(Math.floor(k / loader.batchesPerEpoch), k % loader.batchesPerEpoch);
    waited += performance.now() - before;
    trainer.step(images, labels, 0.01);
    await trainer.results();
  }
  const total = performance.now() - started;
  await loader.close();
  trainer.destroy();
  backend.destroy();
  return [waited / total, steps * batch / total * 1000];
}

/** Writes JPEG files like photographs: smooth shapes and noise, about 25 KB each. */
async function writeJpegs(folder: string): Promise<void> {
  const random = new Random(0, "jpegs");
  for (const name of ["a", "b"]) await Deno.mkdir(`${folder}/${name}`);
  for (let k = 0; k < JPEGS; k++) {
    const waves = Array.from({ length: 9 }, () => random.uniform(0.01, 0.2));
    const pixels = Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, i) => {
      const c = i % 3, x = Math.floor(i / 3) % SIDE, y = Math.floor(i / 3 / SIDE);
      return 128 + 50 * Math.sin(x * waves[c] + y * waves[3 + c]) + 40 * Math.cos(y * waves[6 + c]) +
        random.uniform(-15, 15);
    });
    await sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } }).jpeg({ quality: 85 })
      .toFile(`${folder}/${"ab"[k % 2]}/${k}.jpg`);
  }
}

const row = (what: string, rate: number, more = "") =>
  console.log(`${what.padEnd(58)}${rate.toFixed(0).padStart(8)}${more}`);

const small = shapesSet({ trainCount: 2560, validationCount: 0 });
console.log(
  `${navigator.hardwareConcurrency} cores, ${workers} workers\n\n32x32 images in memory, batch 128${
    "images/s".padStart(33)
  }`,
);
const plain = augmentationByName("crop+flip", small);
row("pad, crop, flip", await loaderRate(small, 128, plain));
row("the same and RandAugment", await loaderRate(small, 128, { ...plain, randAugment: {} }));
const [share, rate] = await waitingShare(small, plain, 12);
row("training ResNet-20 on the CPU", rate, `, waits ${(100 * share).toFixed(2)} % of the time`);

const folder = await Deno.makeTempDir();
try {
  await writeJpegs(folder);
  const options = { data: folder, "val-fraction": 0.02, "max-bad": 0, workers, size: 224 };
  const files = await openData(options) as ImageSet<FolderDataset>;
  console.log(`\n${SIDE}x${SIDE} JPEG files to 224x224, batch 32`);
  const alone = await decoderRate(files);
  row(`the decoder alone, ${Math.max(1, workers)} at a time`, alone);
  const components = (await measureImages(files.train, files.shape)).components();
  for (const name of ["none", "crop+flip", "inception", "vgg"]) {
    const rate = await loaderRate(files, 32, augmentationByName(name, files, components));
    row(`--augment ${name}`, rate, `, ${(100 * rate / alone).toFixed(0)} % of the decoder's`);
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
