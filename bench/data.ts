/** Times the input pipeline: `deno task bench:data [WORKERS]`. Images in memory, then JPEG files compared with their decoder. */

import { defineCommand, exitCodeOf } from "../cli/command.ts";
import { decodeImage } from "../images/decode_image.ts";
import { openData } from "../cli/options/image_options.ts";
import sharp from "../images/sharp.ts";
import { median, openBackend, UsageError } from "../core/mod.ts";
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
import { writeJpegs } from "./_jpegs.ts";

const JPEGS = 400, SIDE = 256, ROUNDS = 5, SECONDS = 1;

const command = defineCommand({
  name: "bench:data",
  about: "Time the input pipeline: images in memory, and JPEG files beside their decoder alone.",
  positionals: { value: "[WORKERS]", about: "threads that prepare JPEG files, one a core unless given; 0 for none" },
  options: {},
  examples: [["", "with a worker a core"], ["1", "with one worker"]],
}, async (_, { positionals }) => {
  const workers = workerCount(positionals);
  console.log(`${navigator.hardwareConcurrency} cores, ${workers} workers`);
  await timeMemory();
  await timeFiles(workers);
});

function workerCount([text = String(navigator.hardwareConcurrency), ...more]: readonly string[]): number {
  const count = text.trim() === "" ? NaN : Number(text);
  if (more.length === 0 && Number.isSafeInteger(count) && count >= 0) return count;
  throw new UsageError(
    `Expected one number of workers of at least 0 but "${[text, ...more].join(" ")}" came; see bench:data --help`,
  );
}

/** A source of prepared images whose rate is measured. */
interface Contender {
  readonly name: string;
  /** Works for at least a number of seconds and returns the images a second. */
  work(seconds: number): Promise<number>;
  close(): Promise<void>;
}

/** A loader whose batches are fetched as fast as they come. */
function loading(name: string, set: ImageSet, batch: number, augmentation: Augmentation): Contender {
  const normalisation = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }, { train: dataset, shape } = set;
  const loader = new BatchLoader({ dataset, shape, batch, normalisation, augmentation, shuffle: true });
  let next = 0;
  const fetch = () => {
    const index = next++;
    return loader.fetch(Math.floor(index / loader.batchesPerEpoch), index % loader.batchesPerEpoch);
  };
  return {
    name,
    async work(seconds) {
      // Batches that were prepared while other contenders were measured do not count.
      for (let k = 0; k < 4; k++) await fetch();
      const started = performance.now(), first = next;
      while (performance.now() - started < 1000 * seconds) await fetch();
      return (next - first) * batch / (performance.now() - started) * 1000;
    },
    close: () => loader.close(),
  };
}

/** A number of concurrent decoders, which only read and decode. */
function decoding(name: string, count: number, { train: { source, files } }: ImageSet<FolderDataset>): Contender {
  sharp.concurrency(1);
  sharp.cache(false);
  let next = 0;
  return {
    name,
    async work(seconds) {
      const started = performance.now(), until = started + 1000 * seconds, first = next;
      const decode = async () => {
        for (; performance.now() < until; next++) {
          const path = files.at(next % files.length);
          await decodeImage(await source.read(path), path);
        }
      };
      await Promise.all(Array.from({ length: count }, decode));
      return (next - first) / (performance.now() - started) * 1000;
    },
    close: () => Promise.resolve(),
  };
}

/** The median rate of each in images a second. They are measured by turns, so that disturbances of the machine hit all. */
async function rates(contenders: readonly Contender[]): Promise<number[]> {
  const measured = contenders.map((): number[] => []);
  for (const contender of contenders) await contender.work(0.5);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [k, contender] of contenders.entries()) {
      measured[k].push(await contender.work(SECONDS));
    }
  }
  for (const contender of contenders) await contender.close();
  return measured.map(median);
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
    const made = await loader.fetch(Math.floor(k / loader.batchesPerEpoch), k % loader.batchesPerEpoch);
    waited += performance.now() - before;
    trainer.step(made, 0.01);
    await trainer.results();
  }
  const total = performance.now() - started;
  await loader.close();
  trainer.destroy();
  backend.destroy();
  return [waited / total, steps * batch / total * 1000];
}

function printRow(what: string, rate: number, more = ""): void {
  console.log(`${what.padEnd(58)}${rate.toFixed(0).padStart(8)}${more}`);
}

async function timeMemory(): Promise<void> {
  const small = shapesSet({ trainCount: 2560, validationCount: 0 }), plain = augmentationByName("crop+flip", small);
  console.log(`\n32x32 images in memory, batch 128${"images/s".padStart(33)}`);
  const contenders = [
    loading("pad, crop, flip", small, 128, plain),
    loading("the same and RandAugment", small, 128, { ...plain, randAugment: {} }),
  ];
  for (const [k, rate] of (await rates(contenders)).entries()) printRow(contenders[k].name, rate);
  const [share, rate] = await waitingShare(small, plain, 12);
  printRow("training ResNet-20 on the CPU", rate, `, waits ${(100 * share).toFixed(2)} % of the time`);
}

async function timeFiles(workers: number): Promise<void> {
  const folder = await Deno.makeTempDir(), decoders = Math.max(1, workers);
  try {
    await writeJpegs(folder, { count: JPEGS, side: SIDE });
    const options = {
      data: folder,
      "val-fraction": 0.02,
      decode: "full",

      "max-bad": 0,
      workers,
      size: 224,
    };
    const files = await openData(options) as ImageSet<FolderDataset>;
    console.log(`\n${SIDE}x${SIDE} JPEG files to 224x224, batch 32`);
    const components = (await measureImages(files.train, files.shape)).components();
    const contenders = [
      decoding(`the decoder alone, ${decoders} at a time`, decoders, files),
      ...["none", "crop+flip", "inception", "vgg"].map((name) =>
        loading(`--augment ${name}`, files, 32, augmentationByName(name, files, components))
      ),
    ];
    const [alone, ...others] = await rates(contenders);
    printRow(contenders[0].name, alone);
    others.forEach((rate, k) =>
      printRow(contenders[k + 1].name, rate, `, ${(100 * rate / alone).toFixed(0)} % of the decoder's`)
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.exit(await exitCodeOf(() => command.run(Deno.args)));
