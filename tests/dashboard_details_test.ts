/** What the dashboard tells of a run, held to the run's own files. */

import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import sharp from "../images/sharp.ts";
import { RunDetails } from "../cli/dashboard/details/all_details.ts";
import { drawnBlocks } from "../cli/dashboard/details/network.ts";
import { openRoot } from "../cli/dashboard/find_runs.ts";
import { createDashboardHandler } from "../cli/dashboard/handler.ts";
import { PageFiles } from "../cli/dashboard/page_files.ts";
import { RunIndex } from "../cli/dashboard/run_index.ts";
import { RunWatcher } from "../cli/dashboard/run_watcher.ts";
import { RunFolder } from "../disk/run_folder.ts";
import { modelByName, summarizeModel } from "../models/mod.ts";
import { withFolder, writeCifar } from "./_cli.ts";
import { writeImages } from "./_image_files.ts";
import { runInProcess } from "./_in_process.ts";

const CPU = ["--backend", "cpu", "--threads", "1", "--no-progress", "--model", "resnet8"];

type Ask = (what: string, query?: Record<string, string | number>) => Promise<Response>;

async function train(...args: string[]): Promise<void> {
  const { code, stderr } = await runInProcess(["train", ...CPU, ...args]);
  assertEquals(code, 0, stderr);
}

/** Asks for details of the run "r" in a folder. */
async function withDetails(
  runs: string,
  // deno-lint-ignore no-explicit-any -- Each answer has fields of its own.
  run: (ask: Ask, json: (...args: Parameters<Ask>) => Promise<any>) => Promise<void>,
) {
  using index = RunIndex.open(":memory:");
  const root = await openRoot(runs);
  await using watcher = await RunWatcher.open({ root, index, interval: 0 });
  using details = new RunDetails(root);
  const errors: unknown[] = [];
  const handle = createDashboardHandler({
    watcher,
    files: new PageFiles(),
    details: details.byPath,
    actions: {},
    hosts: ["127.0.0.1"],
    stop: new AbortController().signal,
    onError: (error) => errors.push(error),
  });
  const ask: Ask = (what, query = {}) => {
    const text = new URLSearchParams({
      run: "r",
      ...Object.fromEntries(Object.entries(query).map(([k, v]) => [k, `${v}`])),
    });
    return handle(new Request(`http://127.0.0.1/api/${what}?${text}`));
  };
  await run(ask, async (...args) => {
    const answer = await ask(...args);
    return { status: answer.status, ...await answer.json() };
  });
  assertEquals(errors, []);
}

const pixelsOf = async (answer: Response) => {
  assertEquals([answer.status, answer.headers.get("content-type")], [200, "image/png"]);
  return await sharp(new Uint8Array(await answer.arrayBuffer())).removeAlpha().raw().toBuffer({
    resolveWithObject: true,
  });
};

Deno.test("the page of a run tells what its files say: answers, images, filters, distributions, the profile", () =>
  withFolder(async (folder) => {
    const runs = `${folder}/runs`, data = `${folder}/data`;
    await Deno.mkdir(data);
    await writeCifar(data, 40);
    await train("--data", data, "--batch", "8", "--epochs", "2", "--profile", "--out", `${runs}/r`);
    const run = new RunFolder(`${runs}/r`), answers = (await run.readValidation())!, best = (await run.load("best"))!;
    await withDetails(runs, async (ask, json) => {
      const { classes, count, epoch, wrong, confusions, mistakes } = await json("validation");
      assertEquals([classes, count, epoch], [answers.classes, 40, answers.epoch]);
      const errors = answers.images.filter(({ label, predicted }) => label !== predicted);
      assertEquals([wrong, mistakes.length], [errors.length, errors.length]);
      assert(errors.length > 5, "random images cannot be learnt");
      for (let k = 1; k < mistakes.length; k++) assert(mistakes[k - 1].probability >= mistakes[k].probability);
      let sum = 0;
      for (const [label, predicted, number] of confusions) {
        const found = answers.images.filter((image) => image.label === label && image.predicted === predicted);
        const told = await json("confused", { label, predicted });
        assertEquals([number, told.count], [found.length, found.length]);
        assertEquals(
          told.images.map(({ index }: { index: number }) => index).sort(),
          found.map(({ index }) => index).sort(),
        );
        sum += number;
      }
      assertEquals(sum, 40);
      assertEquals((await json("confused", { label: "x", predicted: 1 })).count, 0);

      // The image of CIFAR's file: 3073 bytes each, a label and three planes; drawn twice as large.
      const file = await Deno.readFile(`${data}/test_batch.bin`);
      for (const index of [0, 17, 39]) {
        const { data: shown, info } = await pixelsOf(await ask("image", { index, side: 64 }));
        assertEquals([info.width, info.height], [64, 64]);
        for (const at of [0, 500, 1023]) {
          const x = 2 * (at % 32), y = 2 * Math.floor(at / 32);
          const expected = [0, 1, 2].map((c) => file[index * 3073 + 1 + c * 1024 + at]);
          assertEquals([...shown.subarray(3 * (64 * y + x), 3 * (64 * y + x) + 3)], expected);
        }
      }
      assertEquals((await json("image", { index: 40 })).error, "There are 40 validation images, and none is number 40");
      assertEquals((await json("image", { index: "../1" })).status, 404);
      assertEquals((await json("image", { index: 1, side: 9999 })).status, 400);

      const filters = await json("filters"), weights = best.tensors.get("conv1.weight")!;
      assertEquals([filters.name, filters.shape], ["conv1.weight", [...weights.shape]]);
      for (let filter = 0; filter < 16; filter++) {
        const own = [...weights.data.subarray(27 * filter, 27 * filter + 27)], largest = Math.max(...own.map(Math.abs));
        const shown = filters.values.slice(27 * filter, 27 * filter + 27);
        own.forEach((weight, k) => assertAlmostEquals(shown[k], 127.5 + 127.5 * weight / largest, 0.51));
      }

      const lines = (await Deno.readTextFile(`${runs}/r/distributions.jsonl`)).trim().split("\n").map((line) =>
        JSON.parse(line)
      );
      const told = await json("distributions", { name: "fc.weight" });
      assertEquals(told.epochs.map(({ epoch }: { epoch: number }) => epoch), [0, 1]);
      const own = lines[1].parameters.find(({ name }: { name: string }) => name === "fc.weight");
      assertEquals([told.epochs[1].weights, told.epochs[1].gradient], [own.weights, own.gradient]);
      assertEquals((await json("distributions")).name, "conv1.weight");
      assertEquals((await json("distributions", { name: "x" })).error, "The network has no parameter x");

      const profile = await json("profile"),
        trace = JSON.parse(await Deno.readTextFile(`${runs}/r/profile.json`)).traceEvents;
      const kernels = trace.filter(({ cat }: { cat: string }) => cat === "kernel");
      const time = kernels.reduce((sum: number, { dur }: { dur: number }) => sum + dur, 0);
      const shown = profile.ops.reduce(
        (sum: number, { milliseconds }: { milliseconds: number }) => sum + milliseconds,
        0,
      );
      assertAlmostEquals(1000 * profile.steps * shown, time, 1e-6 * time);

      const { data: sheet } = await pixelsOf(await ask("samples"));
      assert(new Set(sheet).size > 100, "the samples are of random images");
      const [one, other] = [
        await pixelsOf(await ask("explain", { index: 3, class: 0 })),
        await pixelsOf(await ask("explain", { index: 3, class: 1 })),
      ];
      assertEquals([one.info.width, one.info.height], [2 * 224 + 8, 224 + 26]);
      assert(!one.data.equals(other.data), "another class has another map");
      assertEquals((await json("explain", { index: 3, class: 10 })).error, "class: expected a number from 0 to 9");
      // Data that are gone are told of in a sentence.
      await Deno.rename(data, `${folder}/elsewhere`);
      await Deno.writeTextFile(`${runs}/r/config.json`, (await Deno.readTextFile(`${runs}/r/config.json`)) + "\n");
      const gone = await json("image", { index: 0 });
      assertStringIncludes(gone.error, "which is not there");
      assertEquals(gone.status, 422);
    });
  }));

Deno.test("images of a run on photos are those of its validation set; what a run has not is told, and links out of it are none", () =>
  withFolder(async (folder) => {
    const runs = `${folder}/runs`, data = `${folder}/photos`;
    await writeImages(data, 12);
    await train(
      "--data",
      data,
      "--size",
      "32",
      "--batch",
      "8",
      "--epochs",
      "1",
      "--workers",
      "0",
      "--out",
      `${runs}/r`,
    );
    const [{ index, path, label }] = (await new RunFolder(`${runs}/r`).readValidation())!.images;
    await withDetails(runs, async (ask, json) => {
      const { data: shown } = await pixelsOf(await ask("image", { index, side: 96 }));
      const { width = 0, height = 0 } = await sharp(`${data}/${path}`).metadata(), scale = 96 / Math.max(width, height);
      const size = [width, height].map((side) => Math.round(side * scale)), kernel = scale > 1 ? "nearest" : "lanczos3";
      const expected = await sharp(`${data}/${path}`).removeAlpha().resize(size[0], size[1], { fit: "fill", kernel })
        .raw().toBuffer();
      assert(shown.equals(expected), `${path} of class ${label}`);
      assertEquals((await json("profile")).error, "No profile.json: deno task train --profile writes it");
      // Another image under the number of one that the network was asked about.
      const text = await Deno.readTextFile(`${runs}/r/validation.json`);
      await Deno.writeTextFile(`${runs}/r/validation.json`, text.replace(path!, "train/none.png"));
      assertStringIncludes((await json("image", { index })).error, "is another now than when the run was trained");
      if (Deno.build.os === "windows") return;
      for (
        const [name, what] of [["validation.json", "validation"], ["best.safetensors", "filters"], [
          "config.json",
          "image",
        ]]
      ) {
        await Deno.rename(`${runs}/r/${name}`, `${folder}/${name}`);
        await Deno.symlink(`${folder}/${name}`, `${runs}/r/${name}`);
        assertEquals((await json(what, { index })).status, 404, name);
      }
    });
  }));

Deno.test("drawnBlocks() knows shortcuts of every kind, and all parameters", () => {
  const kinds = (name: string, options = {}) =>
    drawnBlocks(modelByName(name, options)).map(({ shortcut = "none" }) => shortcut);
  assertEquals(kinds("resnet14"), [
    "none",
    "identity",
    "identity",
    "projection",
    "identity",
    "projection",
    "identity",
    "none",
  ]);
  assertEquals(kinds("resnet8", { shortcut: "A" }), ["none", "identity", "padded", "padded", "none"]);
  assertEquals(kinds("resnet8", { shortcut: "C" }), ["none", "projection", "projection", "projection", "none"]);
  assertEquals(kinds("plain8"), ["none", "none", "none", "none", "none"]);
  const mobile = kinds("mobilenet_v2");
  assertEquals(mobile.flatMap((kind, k) => kind === "identity" ? [k] : []), [3, 5, 6, 8, 9, 10, 12, 13, 15, 16]);
  assertEquals(drawnBlocks(modelByName("resnet50"))[4], {
    name: "layer2.0",
    ops: ["1x1, 128", "3x3, 128 /2", "1x1, 512"],
    shortcut: "projection",
    output: [512, 28, 28],
    parameters: summarizeModel(modelByName("resnet50")).layers[4].parameters,
  });
  for (const name of ["resnet18", "resnet110", "mobilenet_v2_cifar"]) {
    const model = modelByName(name);
    const sum = drawnBlocks(model).reduce((all, { parameters }) => all + parameters, 0);
    assertEquals(sum, summarizeModel(model).parameters);
  }
});
