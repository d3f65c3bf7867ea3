/** Folders of image files from the disk to the network: workers, damaged files, the command line. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import sharp from "../images/sharp.ts";
import { openData } from "../cli/options/image_options.ts";
import { type Augmentation, BatchLoader, measureImages } from "../data/mod.ts";
import { testWhole } from "./_all.ts";
import { withFolder } from "./_cli.ts";
import { CLASSES, writeImages } from "./_image_files.ts";
import { runInProcess } from "./_in_process.ts";
import { assertSame } from "./_same.ts";

const options = { "val-fraction": 0.2, "max-bad": 2, size: 24 };

Deno.test("batches of a folder are the same with three workers and with none, damaged files included", () =>
  withFolder(async (data) => {
    await writeImages(data, 8);
    await Deno.truncate(`${data}/green/103.jpg`, 300);
    const augmentation: Augmentation = {
      padding: 0,
      flip: true,
      area: [0.2, 1],
      randAugment: {},
      erasing: 0.5,
      cutmix: 1,
    };
    const normalisation = { mean: [0.5, 0.5, 0.5], std: [0.3, 0.3, 0.3] };
    const results: Float32Array[][] = [];
    for (const workers of [0, 3]) {
      const { train: dataset, shape } = await openData({ ...options, data, workers });
      const loader = new BatchLoader({
        dataset,
        shape,
        normalisation,
        augmentation,
        batch: 5,
        seed: 1,
        shuffle: true,
        epochs: 2,
      });
      const batches: Float32Array[] = [];
      for (let k = 0; k < 6; k++) {
        const { images, labels, mixture } = await loader.fetch(Math.floor(k / 3), k % 3);
        const { labels: others, shares } = mixture!;
        batches.push(images.slice(), Float32Array.from([...labels, ...others, ...shares]));
      }
      await loader.close();
      results.push(batches);
    }
    assertSame(results[1], results[0]);
  }));

/** Counts the workers that prepare images, as they are started and ended. */
function countWorkers(): Disposable & { readonly counts: { started: number; ended: number } } {
  const Original = globalThis.Worker, counts = { started: 0, ended: 0 };
  globalThis.Worker = class extends Original {
    constructor(program: string | URL, options?: WorkerOptions) {
      super(program, options);
      counts.started++;
    }

    override terminate(): void {
      super.terminate();
      counts.ended++;
    }
  };
  return { counts, [Symbol.dispose]: () => void (globalThis.Worker = Original) };
}

Deno.test("each validation finds the workers of training, and the images of both are those that no workers prepare", () =>
  withFolder(async (data) => {
    await writeImages(data, 8);
    const normalisation = { mean: [0.5, 0.5, 0.5], std: [0.3, 0.3, 0.3] };
    const augmentation: Augmentation = { padding: 0, flip: true, area: [0.2, 1] };
    const results: Float32Array[][] = [];
    for (const workers of [0, 3]) {
      using counter = countWorkers();
      const { train, validation, shape } = await openData({ ...options, data, workers }), images: Float32Array[] = [];
      const common = { shape, normalisation, shuffle: false, batch: 5 }, epochs = 3;
      const training = new BatchLoader({ ...common, dataset: train, augmentation, seed: 1, epochs });
      for (let epoch = 0; epoch < epochs; epoch++) {
        for (let k = 0; k < training.batchesPerEpoch; k++) images.push((await training.fetch(epoch, k)).images.slice());
        // The next batches of training are in work, or are done, and wait.
        await using validating = new BatchLoader({ ...common, dataset: validation, batch: 2, epochs: 1 });
        assertEquals(validating.batchesPerEpoch, 3);
        for (let k = 0; k < 3; k++) images.push((await validating.fetch(0, k)).images.slice());
      }
      assertEquals(counter.counts, { started: workers, ended: 0 });
      await training.close();
      assertEquals(counter.counts, { started: workers, ended: workers });
      results.push(images);
    }
    assertSame(results[1], results[0]);
  }));

Deno.test("images of a folder are measured by what a network sees of them", () =>
  withFolder(async (data) => {
    await writeImages(data, 3);
    const set = await openData({ ...options, data, workers: 1 });
    const { mean } = (await measureImages(set.train, set.shape)).normalisation("channel");
    const expected = [0, 1, 2].map((c) => Object.values(CLASSES).reduce((sum, colour) => sum + colour[c], 0) / 3 / 255);
    mean.forEach((value, c) => assert(Math.abs(value - expected[c]) < 0.02, `${mean} is not near ${expected}`));
  }));

testWhole(
  "train names damaged files, eval gives its figures, a resumed run its bytes, and too many damaged files stop it",
  () =>
    withFolder(async (folder) => {
      const data = `${folder}/data`, run = `${folder}/run`;
      await writeImages(data, 10);
      await Deno.writeTextFile(`${data}/violet/102.png`, "no image");
      const common = ["--data", data, "--batch", "9", "--backend", "cpu", "--workers", "2", "--size", "16"];
      const model = [
        ...common,
        "--model",
        "resnet8",
        "--lr",
        "0.02",
        "--schedule",
        "constant",
        "--augment",
        "vgg",
        "--json",
      ];
      using counter = countWorkers();
      const trained = await runInProcess(["train", ...model, "--epochs", "3", "--out", run]);
      assertEquals(trained.code, 0, trained.stderr);
      // Two to measure the images, and two to train and to validate thrice.
      assertEquals(counter.counts, { started: 4, ended: 4 });
      assertStringIncludes(
        trained.stderr,
        "violet/102.png: expected an image (PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF)",
      );
      assertEquals(trained.stderr.match(/warning: (?!\d+ steps are few)/g)?.length, 1);
      const last = JSON.parse(trained.stdout.trim().split("\n").at(-1)!);
      assert(last.trainLoss < 1, `the loss is ${last.trainLoss}`);

      const evaluated = await runInProcess(["eval", ...common, "--checkpoint", `${run}/last.safetensors`, "--json"]);
      assertEquals(evaluated.code, 0, evaluated.stderr);
      assertEquals(JSON.parse(evaluated.stdout).loss, last.valLoss);

      // The same run, stopped after an epoch, goes on to the same bytes with another number of workers.
      const half = `${folder}/half`;
      const resumed = await runInProcess(["train", ...model, "--epochs", "1", "--out", half]);
      assertEquals(resumed.code, 0, resumed.stderr);
      const rest = await runInProcess(["train", "--resume", half, "--epochs", "3", "--workers", "1"]);
      assertEquals(rest.code, 0, rest.stderr);
      const [a, b] = await Promise.all([run, half].map((run) => Deno.readFile(`${run}/last.safetensors`)));
      assertEquals(b, a);

      for (const name of ["103.jpg", "104.png", "105.jpg"]) await Deno.writeTextFile(`${data}/amber/${name}`, "");
      const none = `${folder}/none`,
        bad = [...common, "--model", "resnet8", "--epochs", "1", "--max-bad", "2", "--out", none];
      const stopped = await runInProcess(["train", ...bad]);
      assertEquals(stopped.code, 1);
      assertMatch(stopped.stderr, /error: More than 2 images cannot be read .*--max-bad/);
      assertEquals(
        await Deno.stat(none).catch(() => "no folder"),
        "no folder",
        "a run that wrote nothing leaves nothing",
      );
    }),
);

Deno.test("data inspect counts, measures, names damaged files and draws a sheet", () =>
  withFolder(async (folder) => {
    const data = `${folder}/data`, sheet = `${folder}/new/sheet.png`;
    await writeImages(data, 6);
    await Deno.writeTextFile(`${data}/amber/101.jpg`, "no image");
    const args = ["data", "inspect", data, "--size", "40", "--augment", "vgg", "--sheet", sheet, "--per-class", "3"];
    const { code, stdout, stderr } = await runInProcess([...args, "--json"]);
    assertEquals(code, 0, stderr);
    const report = JSON.parse(stdout);
    assertEquals([report.images, report.train, report.validation, report.damaged.length], [18, 15, 3, 1]);
    assertStringIncludes(
      report.damaged[0],
      "amber/101.jpg: expected an image (PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF)",
    );
    assertEquals(report.classes[2], { name: "violet", train: 5, validation: 1 });
    assert(report.width.minimum >= 20 && report.width.minimum < report.width.median && report.width.maximum < 50);
    // Three rows and three columns of images drawn at twice their size.
    const { width, height, format } = await sharp(sheet).metadata();
    assertEquals(format, "png");
    assert(width > 3 * 80 && height > 3 * 80 && height < 3 * 80 + 120, `${width} x ${height}`);
    assertEquals((await runInProcess(["data", "inspect"])).code, 2);
    assertEquals((await runInProcess(["data", "inspect", `${folder}/none`])).code, 1);
  }));
