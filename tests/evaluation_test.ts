/** Evaluations that can be quoted: torchvision's figures, classes by name, whole test sets, a run's own data. */

import { fileURLToPath } from "node:url";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import sharp from "../images/sharp.ts";
import { confidentErrors } from "../cli/images/error_sheet.ts";
import { decodeImage } from "../images/decode_image.ts";
import { type Interpolation, Preprocessor } from "../data/mod.ts";
import { f32, Graph } from "../core/mod.ts";
import { modelByName, type ModelOptions } from "../models/mod.ts";
import { encodeCheckpoint, encodeSafetensors, type NamedTensor, variableSpecs } from "../weights/mod.ts";
import { testWhole } from "./_all.ts";
import { withFolder, writeCifar } from "./_cli.ts";
import { writeImages } from "./_image_files.ts";
import { runInProcess } from "./_in_process.ts";
import { logitsInRuntime } from "./_onnx_runtime.ts";
import { fill } from "./_models_golden.ts";
import { randomTensors } from "./_random_model.ts";
import golden from "./golden/evaluation/torchvision.json" with { type: "json" };

const CPU = ["--backend", "cpu", "--threads", "1"];
/** A worker takes longer to start than few images take. */
const HERE = ["--workers", "0"];
const IMAGES = fileURLToPath(new URL("./golden/evaluation/images", import.meta.url));
const NORMALISATION = { mean: [0.45, 0.5, 0.55], std: [0.25, 0.2, 0.3] };

/** What a command prints; it must succeed. */
async function succeed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runInProcess([...args, ...CPU]);
  assertEquals(code, 0, stderr);
  return stdout;
}

/** What a command says of what is wrong. */
async function fail(code: number, ...args: string[]): Promise<string> {
  const outcome = await runInProcess([...args, ...CPU]);
  assertEquals([outcome.code, outcome.stdout], [code, ""], outcome.stderr);
  return outcome.stderr;
}

/** The tensors of a network by the formula of the golden values. */
function tensorsOf(name: string, options: ModelOptions): Map<string, NamedTensor> {
  const model = modelByName(name, options), graph = new Graph();
  model.forward(graph, graph.input("image", f32([1, ...model.inputShape])));
  return new Map([...variableSpecs(graph)].map(([key, { shape }]) => [key, { shape, data: fill(key, shape) }]));
}

function softmax(logits: readonly number[]): number[] {
  const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
  return logits.map((logit) => Math.exp(logit) / sum);
}

testWhole(
  "eval, predict and export give torchvision's figures of its own transform, from the same bare file",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/mobile.safetensors`, out = `${folder}/logits.json`, onnx = `${folder}/mobile.onnx`;
      await Deno.writeFile(file, encodeSafetensors(tensorsOf(golden.model, { classes: 3 })));
      const base = ["--checkpoint", file, "--model", golden.model];
      for (const { resize, crop, interpolation, logits, loss, top1 } of golden.cases) {
        const ways = ["--resize", `${resize}`, "--crop", `${crop}`, "--interpolation", interpolation];
        const largest = Math.max(...logits.flat().map(Math.abs));
        const check = (actual: readonly number[], k: number, what: string) =>
          actual.forEach((logit, c) =>
            assertAlmostEquals(logit, logits[k][c], 1e-4 * largest, `${what}, ${ways}, ${k}`)
          );

        const text = await succeed("eval", ...base, ...ways, "--data", IMAGES, "--json", "--logits", out);
        const measured = JSON.parse(text), written = JSON.parse(await Deno.readTextFile(out));
        assertEquals([measured.images, measured.split, written.labels], [6, "all", golden.labels]);
        written.logits.forEach((row: number[], k: number) => check(row, k, "eval"));
        assertAlmostEquals(measured.loss, loss, 1e-4);
        assertEquals(measured.top1, top1);

        const lines = (await succeed("predict", ...base, ...ways, IMAGES, "--json")).trim().split("\n");
        lines.map((line) => JSON.parse(line)).forEach(({ file, predictions }, k) => {
          assertEquals(file, `${IMAGES}/${golden.files[k]}`);
          const expected = softmax(logits[k]);
          for (const { index, probability } of predictions) assertAlmostEquals(probability, expected[index], 1e-4);
        });

        const { code, stderr } = await runInProcess([
          "export",
          ...base,
          "--out",
          onnx,
          "--normalise",
          "--size",
          `${crop}`,
          "--classes",
          "3",
        ]);
        assertEquals(code, 0, stderr);
        const preprocessing = { resize, crop: [crop, crop], interpolation: interpolation as Interpolation } as const;
        // Pixels from 0 to 1, since the exported network normalises them.
        const preprocessor = new Preprocessor({ preprocessing, normalisation: { mean: [0, 0, 0], std: [1, 1, 1] } });
        const batches = await Promise.all(golden.files.map(async (name) => {
          const images = new Float32Array(3 * crop * crop), path = `${IMAGES}/${name}`;
          preprocessor.write(await decodeImage(await Deno.readFile(path), path), images);
          return { size: 1, images };
        }));
        const answers = await logitsInRuntime(await Deno.readFile(onnx), [3, crop, crop], batches);
        answers.forEach((row, k) => check(Array.from(row), k, "export"));
      }
    }),
);

Deno.test("eval, predict and export refuse a bare file of a small network without a normalisation, and take it", () =>
  withFolder(async (folder) => {
    const file = `${folder}/bare.safetensors`, base = ["--checkpoint", file, "--model", "resnet8"];
    await Deno.writeFile(file, encodeSafetensors(randomTensors(modelByName("resnet8", { classes: 3 }), 8)));
    await writeImages(`${folder}/data/val`, 2);
    const data = ["--data", `${folder}/data`], given = ["--mean", "0.45,0.5,0.55", "--std", "0.25,0.2,0.3"];
    assertStringIncludes(await fail(2, "eval", ...base, ...data), "--mean and --std");
    assertStringIncludes(await fail(2, "predict", ...base, `${folder}/data`), "--mean and --std");
    assertStringIncludes(await fail(2, "eval", ...base, ...data, "--mean", "0.5"), "belong together");
    const twice = [...base, ...data, "--mean", "0.5,0.5", "--std", "1,1"];
    assertStringIncludes(await fail(2, "eval", ...twice), "expected 3 numbers each");
    const text = await succeed("eval", ...base, ...data, ...given);
    assertStringIncludes(text, "resize 32 bilinear, crop 32x32, normalised by --mean and --std\n");
    const json = JSON.parse(await succeed("eval", ...base, ...data, ...given, "--json"));
    assertEquals(json.normalisation, NORMALISATION);
  }));

Deno.test("eval matches classes by their names, measures some of them, and names those that are unknown", () =>
  withFolder(async (folder) => {
    const classes = ["violet", "cafe\u0301", "green", "amber"], file = `${folder}/named.safetensors`;
    const model = { name: "resnet8", classes: 4 };
    const tensors = randomTensors(modelByName("resnet8", { classes: 4 }), 8);
    await Deno.writeFile(file, encodeCheckpoint(tensors, { model, classes, normalisation: NORMALISATION }));
    const data = `${folder}/data`, base = ["--checkpoint", file, "--data", data], out = `${folder}/logits.json`;
    await writeImages(data, 3);
    await Deno.rename(`${data}/green`, `${data}/caf\u00e9`);
    const { images, top1, confusion, classes: figures, macro } = JSON.parse(
      await succeed(
        "eval",
        ...base,
        "--json",
        "--logits",
        out,
        "--csv",
        `${folder}/c.csv`,
        "--errors",
        `${folder}/e.png`,
      ),
    );
    const { labels, logits }: { labels: number[]; logits: number[][] } = JSON.parse(await Deno.readTextFile(out));
    assertEquals([images, labels], [9, [3, 3, 3, 1, 1, 1, 0, 0, 0]]);
    const predicted = logits.map((row) => row.indexOf(Math.max(...row)));
    assertEquals(top1, predicted.filter((index, k) => index === labels[k]).length / 9);
    assertEquals(confusion.map((row: number[]) => row.reduce((a, b) => a + b)), [3, 3, 0, 3]);
    assertEquals(figures.map(({ name }: { name: string }) => name), classes);
    assert(macro.f1 >= 0);
    assertEquals((await Deno.readTextFile(`${folder}/c.csv`)).split("\r\n")[4].split(",").slice(0, 2), ["amber", "3"]);
    const wrong = predicted.filter((index, k) => index !== labels[k]).length;
    assert(wrong > 0);
    const errors = confidentErrors(Float32Array.from(logits.flat()), labels, 4);
    assertEquals(errors.length, wrong);
    const sizes = await sharp(`${folder}/e.png`).metadata(), rows = new Set(errors.map(({ label }) => label)).size;
    assert(sizes.format === "png" && sizes.height > rows * (96 + 18) && sizes.height < rows * (96 + 18 + 8) + 100);
    const text = await succeed("eval", ...base);
    assertStringIncludes(text, `9 images of ${data}, 3 of 4 classes\n`);
    await Deno.rename(`${data}/violet`, `${data}/purple`);
    assertStringIncludes(await fail(2, "eval", ...base), '"purple" is not among violet, cafe\u0301, green, amber');
    await Deno.writeFile(file, encodeSafetensors(tensors));
    const bare = ["--model", "resnet8", "--mean", "0,0,0", "--std", "1,1,1"];
    assertStringIncludes(await fail(2, "eval", ...base, ...bare), "tells 4 classes apart and names none");
  }));

Deno.test("eval measures the split that is asked for, else the test images, else those for validation, else all", () =>
  withFolder(async (folder) => {
    const file = `${folder}/named.safetensors`, classes = ["amber", "green", "violet"];
    const tensors = randomTensors(modelByName("resnet8", { classes: 3 }), 8);
    const info = { model: { name: "resnet8", classes: 3 }, classes, normalisation: NORMALISATION };
    await Deno.writeFile(file, encodeCheckpoint(tensors, info));
    const measured = async (data: string, ...more: string[]) => {
      const base = ["eval", "--checkpoint", file, ...HERE, "--json"];
      const json = await succeed(...base, "--data", `${folder}/${data}`, ...more);
      const { images, split } = JSON.parse(json);
      return [images, split];
    };
    for (
      const [path, count] of [["plain", 10], ["full/train", 5], ["full/val", 3], ["tests/test", 4], [
        "both/test",
        2,
      ]] as const
    ) {
      await writeImages(`${folder}/${path}`, count);
    }
    await writeImages(`${folder}/both/val`, 3);
    assertEquals(await measured("plain"), [30, "all"]);
    assertEquals(await measured("plain", "--split", "val"), [6, "val"]);
    assertEquals(await measured("plain", "--split", "train"), [24, "train"]);
    assertEquals(await measured("full"), [9, "val"]);
    assertEquals(await measured("full", "--split", "train"), [15, "train"]);
    assertEquals(await measured("full", "--split", "all"), [24, "all"]);
    assertEquals(await measured("tests"), [12, "test"]);
    assertEquals(await measured("tests/test"), [12, "all"]);
    assertEquals(await measured("both"), [6, "test"]);
    assertEquals(await measured("both", "--split", "val"), [9, "val"]);
    assertEquals(await measured("both", "--split", "all"), [15, "all"]);
    const none = ["eval", "--checkpoint", file, "--split", "test", "--data", `${folder}/full`];
    assertStringIncludes(await fail(2, ...none), "--split test: ");
    const train = ["eval", "--checkpoint", file, "--split", "train", "--data", `${folder}/both`];
    assertStringIncludes(await fail(2, ...train), "it has test, val, all");
  }));

Deno.test("eval knows a run's data, and takes the last checkpoint where there is no best one", () =>
  withFolder(async (folder) => {
    const data = `${folder}/data`, run = `${folder}/run`;
    await writeImages(data, 10);
    const options = [
      ...HERE,
      "--size",
      "16",
      "--model",
      "resnet8",
      "--batch",
      "8",
      "--val-fraction",
      "0.2",
      "--ema",
      "0.5",
    ];
    const train = ["train", "--data", data, ...options, "--epochs", "1", "--out", run, "--json"];
    const { valLoss } = JSON.parse(await succeed(...train));
    const best = JSON.parse(await succeed("eval", "--checkpoint", run, ...HERE, "--json"));
    // The images that training kept back, and not those that it saw.
    assertEquals([best.images, best.split, best.loss, best.data], [6, "val", valLoss, data]);
    await Deno.remove(`${run}/best.safetensors`);
    for (const args of [["eval", ...HERE, "--json"], ["predict", `${data}/amber/100.png`]]) {
      const { code, stdout, stderr } = await runInProcess([...args, "--checkpoint", run, ...CPU]);
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, `note: ${run} has no best.safetensors`);
      // Averages count, as in the best one.
      if (args[0] === "eval") assertEquals(JSON.parse(stdout).loss, valLoss);
    }
    const exported = await runInProcess(["export", "--checkpoint", run, "--out", `${folder}/x.onnx`]);
    assertEquals(exported.code, 0, exported.stderr);
    assertStringIncludes(exported.stderr, "last.safetensors is taken");
    await Deno.rename(data, `${folder}/moved`);
    assertStringIncludes(await fail(2, "eval", "--checkpoint", run), `trained on ${data}, which is not there`);
    const moved = ["eval", ...HERE, "--checkpoint", run, "--split", "val", "--val-fraction", "0.2", "--json"];
    assertEquals(JSON.parse(await succeed(...moved, "--data", `${folder}/moved`)).loss, valLoss);
    await Deno.remove(`${run}/last.safetensors`);
    assertStringIncludes(await fail(1, "eval", "--checkpoint", run), `${run}: the checkpoint does not exist`);
  }));

Deno.test("eval prepares photographs that have the network's size as predict does", () =>
  withFolder(async (folder) => {
    const classes = ["amber", "green"], inputShape = [3, 72, 72] as const, file = `${folder}/model.safetensors`;
    const model = { name: "resnet8", classes: 2, inputShape };
    const tensors = randomTensors(modelByName("resnet8", model), 8);
    await Deno.writeFile(file, encodeCheckpoint(tensors, { model, classes, normalisation: NORMALISATION }));
    for (const [k, name] of classes.entries()) {
      const pixels = Uint8Array.from({ length: 3 * 72 * 72 }, (_, i) => (i * (k + 3) >> 4) + (i >> 6));
      await Deno.mkdir(`${folder}/data/${name}`, { recursive: true });
      await sharp(pixels, { raw: { width: 72, height: 72, channels: 3 } }).png().toFile(`${folder}/data/${name}/x.png`);
    }
    const out = `${folder}/logits.json`, base = ["--checkpoint", file];
    await succeed("eval", ...base, "--data", `${folder}/data`, "--logits", out);
    const { logits }: { logits: number[][] } = JSON.parse(await Deno.readTextFile(out));
    const lines = (await succeed("predict", ...base, "--json", `${folder}/data`)).trim().split("\n");
    lines.map((line) => JSON.parse(line).predictions).forEach((predictions, k) => {
      for (const { index, probability } of predictions) {
        assertAlmostEquals(probability, softmax(logits[k])[index], 1e-5);
      }
    });
  }));

Deno.test("eval measures a bare file on images in memory of any shape, as they are or resized", () =>
  withFolder(async (folder) => {
    const inputShape = [1, 10, 13] as const, file = `${folder}/bare.safetensors`, out = `${folder}/logits.json`;
    const tensors = randomTensors(modelByName("resnet8", { classes: 4, inputShape }), 8);
    await Deno.writeFile(file, encodeSafetensors(tensors));
    for (const [name, count] of [["train", 12], ["t10k", 8]] as const) {
      const pixels = Array.from({ length: count * 130 }, (_, i) => (i * 7919) >> 5);
      const head = (kind: number, ...sizes: number[]) => [0, 0, 8, kind, ...sizes.flatMap((size) => [0, 0, 0, size])];
      const labels = Array.from({ length: count }, (_, k) => k % 4);
      await Deno.writeFile(
        `${folder}/${name}-images-idx3-ubyte`,
        Uint8Array.from([...head(3, count, 10, 13), ...pixels]),
      );
      await Deno.writeFile(`${folder}/${name}-labels-idx1-ubyte`, Uint8Array.from([...head(1, count), ...labels]));
    }
    const base = ["eval", "--checkpoint", file, "--model", "resnet8", "--data", folder, "--logits", out];
    assertStringIncludes(
      await succeed(...base),
      "images as they are, normalised by the training set's mean and std\n",
    );
    const logits: number[][] = JSON.parse(await Deno.readTextFile(out)).logits;
    assertEquals([logits.length, logits[0].length], [8, 4]);
    const resized = await succeed(...base, "--resize", "20", "--crop", "16", "--interpolation", "bicubic");
    assertStringIncludes(resized, "resize 20 bicubic, crop 16x16, normalised by the training set's mean and std\n");
    assert((await Deno.readTextFile(out)) !== JSON.stringify({ labels: [0, 1, 2, 3, 0, 1, 2, 3], logits }));
  }));

Deno.test("eval, predict and export name a tensor that holds NaN", () =>
  withFolder(async (folder) => {
    const file = `${folder}/bad.safetensors`, tensors = randomTensors(modelByName("resnet8"), 8);
    tensors.get("layer2.0.bn1.running_var")!.data[5] = NaN;
    const info = { model: { name: "resnet8" }, classes: [..."abcdefghij"], normalisation: NORMALISATION };
    await Deno.writeFile(file, encodeCheckpoint(tensors, info));
    await writeCifar(folder, 4);
    for (const args of [["eval", "--data", folder], ["predict", `${IMAGES}/axe/0.png`]]) {
      const message = await fail(1, ...args, "--checkpoint", file);
      assertStringIncludes(message, `${file}: the tensor layer2.0.bn1.running_var holds NaN at element 5`);
    }
    const { code, stderr } = await runInProcess(["export", "--checkpoint", file, "--out", `${folder}/x.onnx`]);
    assertEquals(code, 1, stderr);
    assertStringIncludes(stderr, "the tensor layer2.0.bn1.running_var holds NaN");
  }));

Deno.test("eval measures a set of one class, and one with a class that has no images", () =>
  withFolder(async (folder) => {
    const classes = ["amber", "green", "violet"],
      logits = `${folder}/logits.json`,
      checkpoint = `${folder}/net.safetensors`;
    const info = { model: { name: "resnet8", classes: 3 }, classes, normalisation: NORMALISATION };
    const tensors = randomTensors(modelByName("resnet8", { classes: 3 }), 21);
    await Deno.writeFile(checkpoint, encodeCheckpoint(tensors, info));
    await writeImages(`${folder}/all`, 6);
    const base = ["eval", "--checkpoint", checkpoint, ...HERE, "--crop", "16", "--resize", "18", "--data"];
    for (const inside of ["one", "split/val", "test/test", "train/train"]) {
      await Deno.mkdir(`${folder}/${inside}`, { recursive: true });
      for (const { name } of Deno.readDirSync(`${folder}/all/green`)) {
        await Deno.mkdir(`${folder}/${inside}/green`, { recursive: true });
        await Deno.copyFile(`${folder}/all/green/${name}`, `${folder}/${inside}/green/${name}`);
      }
      const data = `${folder}/${inside.split("/")[0]}`, split = inside === "train/train" ? ["--split", "all"] : [];
      const result = JSON.parse(await succeed(...base, data, ...split, "--json", "--logits", logits));
      const rows: number[][] = JSON.parse(await Deno.readTextFile(logits)).logits;
      const answers = rows.map((row) => row.indexOf(Math.max(...row)));
      const right = answers.filter((answer) => answer === 1).length;
      const loss = rows.reduce((sum, row) => sum - Math.log(softmax(row)[1]), 0) / 6;
      assertEquals([result.images, result.top1, result.top5], [6, right / 6, 1]);
      assertAlmostEquals(result.loss, loss, 1e-6);
      assertEquals(result.confusion, [[0, 0, 0], [0, 1, 2].map((c) => answers.filter((a) => a === c).length), [
        0,
        0,
        0,
      ]]);
      // No image is of the others: what is taken for them is wrong, and of those that are met the means are.
      const f1 = 2 * right / (6 + right), met = new Set([1, ...answers]).size;
      assertEquals(result.classes[1], {
        name: "green",
        images: 6,
        predicted: right,
        right,
        precision: right > 0 ? 1 : 0,
        recall: right / 6,
        f1,
      });
      assertEquals(result.classes[0], {
        name: "amber",
        images: 0,
        predicted: answers.filter((a) => a === 0).length,
        right: 0,
        precision: 0,
        recall: 0,
        f1: 0,
      });
      assertAlmostEquals(result.macro.f1, f1 / met, 1e-12);
      assertAlmostEquals(result.macro.recall, right / 6 / met, 1e-12);
    }
    const text = await succeed(...base, `${folder}/one`);
    assertStringIncludes(text, "6 images of");
    assertStringIncludes(text, "1 of 3 classes");
    assert(!/NaN|Infinity|undefined/.test(text), text);
    await Deno.mkdir(`${folder}/one/violet`);
    const { code, stdout, stderr } = await runInProcess([...base, `${folder}/one`, ...CPU]);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, `note: ${folder}/one: violet: no images`);
    assertStringIncludes(stdout, "2 of 3 classes");
    await Deno.remove(`${folder}/one/green`, { recursive: true });
    assertStringIncludes(await fail(1, ...base, `${folder}/one`), "there are no validation images");
    // To train takes two.
    await Deno.remove(`${folder}/one`, { recursive: true });
    assertStringIncludes(
      await fail(1, "train", "--data", `${folder}/train`),
      "at least two classes in train but there is only",
    );
  }));
