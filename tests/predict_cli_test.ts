/** `predict` as people meet it: what it prints, what it makes of images that are none, how it fails. */

import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import sharp from "../images/sharp.ts";
import { modelByName } from "../models/mod.ts";
import { encodeCheckpoint, encodeSafetensors, type NamedTensor } from "../weights/mod.ts";
import { withFolder, writeCifar } from "./_cli.ts";
import { runInProcess } from "./_in_process.ts";
import { fill } from "./_models_golden.ts";
import { randomTensors } from "./_random_model.ts";
import grey from "./golden/grey.json" with { type: "json" };

const COUNT = 7, CLASSES = "ant bee cat dog eel fox gnu hen ibis jay".split(" ");
const NORMALISATION = { mean: [0.45, 0.5, 0.55], std: [0.25, 0.2, 0.3] };

/** Makes a checkpoint, its weights alone, a small set in CIFAR-10's layout, and its validation images as PNG files. */
async function withFiles(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const model = { name: "resnet8", classes: 10 }, tensors = randomTensors(modelByName("resnet8"), 8);
    const info = { model, classes: CLASSES, normalisation: NORMALISATION };
    await Deno.writeFile(`${folder}/best.safetensors`, encodeCheckpoint(tensors, info));
    await Deno.writeFile(`${folder}/bare.safetensors`, encodeSafetensors(tensors));
    await writeCifar(folder, COUNT);
    await Deno.writeTextFile(`${folder}/batches.meta.txt`, CLASSES.join("\n"));
    const records = await Deno.readFile(`${folder}/test_batch.bin`);
    await Deno.mkdir(`${folder}/images/more`, { recursive: true });
    for (let k = 0; k < COUNT; k++) {
      const planes = records.subarray(k * 3073 + 1, (k + 1) * 3073);
      const pixels = Uint8Array.from(planes, (_, i) => planes[(i % 3) * 1024 + Math.trunc(i / 3)]);
      const path = k === 6 ? "more/x.PNG" : `c${k}.png`;
      await sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } }).png().toFile(`${folder}/images/${path}`);
    }
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const errors = (stderr: string) => stderr.trim().split("\n").filter((line) => line.startsWith("error: "));

Deno.test("predict says of images what eval says of the same pixels", () =>
  withFiles(async (folder) => {
    const logits = `${folder}/logits.json`, cpu = ["--backend", "cpu"];
    await runInProcess(["eval", "--checkpoint", folder, "--data", folder, "--logits", logits, ...cpu]);
    const rows: number[][] = JSON.parse(await Deno.readTextFile(logits)).logits;
    const options = ["--top", "10", "--batch", "3", "--json", ...cpu];
    const { code, stdout, stderr } = await runInProcess([
      "predict",
      `${folder}/images`,
      "--checkpoint",
      folder,
      ...options,
    ]);
    assertEquals(code, 0, stderr);
    const lines = stdout.trim().split("\n").map((line) => JSON.parse(line));
    const names = ["c0.png", "c1.png", "c2.png", "c3.png", "c4.png", "c5.png", "more/x.PNG"];
    assertEquals(lines.map(({ file }) => file), names.map((name) => `${folder}/images/${name}`));
    for (const [k, { predictions }] of lines.entries()) {
      const sum = rows[k].reduce((total, logit) => total + Math.exp(logit - Math.max(...rows[k])), 0);
      assertEquals(predictions.length, 10);
      for (const { class: name, index, probability } of predictions) {
        assertEquals(name, CLASSES[index]);
        const expected = Math.exp(rows[k][index] - Math.max(...rows[k])) / sum;
        assert(Math.abs(probability - expected) < 1e-4, `${k}, ${name}: ${probability} and ${expected}`);
      }
    }
    const bare = ["--checkpoint", `${folder}/bare.safetensors`, "--model", "resnet8"];
    const normalised = ["--mean", "0.45,0.5,0.55", "--std", "0.25,0.2,0.3"];
    const one = await runInProcess(["predict", ...bare, ...normalised, ...options, `${folder}/images/c2.png`]);
    const [best] = JSON.parse(one.stdout).predictions;
    assertEquals([best.class, best.index], [`${best.index}`, lines[2].predictions[0].index]);
  }));

Deno.test("predict prints a table for an image and a line each for several, and skips what is no image", () =>
  withFiles(async (folder) => {
    const base = ["predict", "--checkpoint", folder, "--backend", "cpu"];
    const one = await runInProcess([...base, "--top", "2", `${folder}/images/c1.png`]);
    assertMatch(one.stdout, /^class +probability\n\w+ +\d+\.\d\d %\n\w+ +\d+\.\d\d %\n$/);
    await Deno.writeTextFile(`${folder}/images/c1.png`, "hello");
    await Deno.writeFile(`${folder}/images/c3.png`, (await Deno.readFile(`${folder}/images/c3.png`)).subarray(0, 900));
    const many = await runInProcess([...base, `${folder}/images`, `${folder}/none.png`]);
    assertEquals(many.code, 1);
    const lines = many.stdout.trim().split("\n");
    assertEquals(lines.map((line) => /(\w+)\.png +\w+ +\d+\.\d\d %$/i.exec(line)?.[1]), ["c0", "c2", "c4", "c5", "x"]);
    assertEquals(new Set(lines.map((line) => line.length)).size, 1);
    const [missing, text, cut, sum] = errors(many.stderr);
    assertStringIncludes(missing, "none.png: the image or folder does not exist");
    assertStringIncludes(
      text,
      "c1.png: expected an image (PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF) but the file is none of these",
    );
    assertStringIncludes(cut, "c3.png: the image is truncated or damaged");
    assertStringIncludes(sum, "3 of 8 images could not be used");
  }));

Deno.test("predict refuses wrong usage with 2, and what it cannot use with 1", () =>
  withFiles(async (folder) => {
    const image = `${folder}/images/c0.png`, base = ["--checkpoint", folder, "--backend", "cpu"];
    const bare = `${folder}/bare.safetensors`;
    await Deno.mkdir(`${folder}/empty`);
    const cases: readonly (readonly [number, string, ...string[]])[] = [
      [2, "Expected images or folders of them", ...base],
      [2, "--checkpoint: expected", image],
      [2, "did you mean --top?", ...base, image, "--tpo", "3"],
      [2, "--top: expected at most 10", ...base, image, "--top", "11"],
      [2, "--mean and --std belong together", ...base, image, "--mean", "1,1,1"],
      [2, "does not say which model", ...base, "--checkpoint", bare, image],
      [2, "by which mean", ...base, "--checkpoint", bare, "--model", "resnet8", image],
      [1, "the checkpoint does not exist", "--checkpoint", `${folder}/none`, image],
      [1, "no safetensors file", "--checkpoint", image, image],
      [1, "none in it", ...base, `${folder}/empty`],
      [1, "the image or folder does not exist", ...base, `${folder}/none.png`],
    ];
    const outcomes = await Promise.all(cases.map(([, , ...args]) => runInProcess(["predict", ...args])));
    for (const [k, [code, part]] of cases.entries()) {
      assertEquals([outcomes[k].code, outcomes[k].stdout], [code, ""], outcomes[k].stderr);
      assertEquals(errors(outcomes[k].stderr).length, 1, outcomes[k].stderr);
      assertStringIncludes(outcomes[k].stderr, part);
    }
  }));

Deno.test("predict --explain draws what each image's class was seen by, under the names that the images have", () =>
  withFiles(async (folder) => {
    const images = `${folder}/images`, predict = ["predict", "--checkpoint", folder, "--backend", "cpu", "--json"];
    await Deno.copyFile(`${images}/c0.png`, `${images}/more/c0.png`);
    await Deno.copyFile(`${images}/c0.png`, `${images}/more/c0.jpg`);
    const drawn: Uint8Array[] = [];
    for (const method of ["grad-cam", "occlusion"]) {
      const seen = `${folder}/${method}/a b`;
      const { code, stderr } = await runInProcess([...predict, "--explain", seen, "--explain-by", method, images]);
      assertEquals(code, 0, stderr);
      const names = [...Deno.readDirSync(seen)].map(({ name }) => name).sort();
      assertEquals(names, ["c0.png", "c1.png", "c2.png", "c3.png", "c4.png", "c5.png", "more"]);
      const more = [...Deno.readDirSync(`${seen}/more`)].map(({ name }) => name).sort();
      assertEquals(more, ["c0 (2).png", "c0.png", "x.png"]);
      const bytes = await Deno.readFile(`${seen}/c0.png`), { width, height } = await sharp(bytes).metadata();
      assert(width === 2 * 224 + 8 && height! > 224, `${width}x${height}`);
      assertEquals(await Deno.readFile(`${seen}/more/c0.png`), bytes);
      drawn.push(bytes);
    }
    assertNotEquals(drawn[0], drawn[1]);
    const { code, stderr } = await runInProcess([...predict, "--explain", `${images}/c1.png`, `${images}/c0.png`]);
    assertEquals(code, 1);
    assertMatch(stderr, /^error: .*c1\.png: expected a folder there, or nothing, but it is a file/m);
  }));

Deno.test("predict and export take a bare file of a network of grey images, as PyTorch has it", () =>
  withFolder(async (folder) => {
    const file = `${folder}/grey.safetensors`, image = fileURLToPath(new URL("./golden/grey.png", import.meta.url));
    const tensors = Object.entries(grey.tensors).map(([name, shape]): [string, NamedTensor] => [name, {
      shape,
      data: fill(name, shape),
    }]);
    await Deno.writeFile(file, encodeSafetensors(new Map(tensors)));
    const base = ["--checkpoint", file, "--model", "resnet8"], cpu = ["--backend", "cpu"];
    const normalised = ["--mean", `${grey.mean}`, "--std", `${grey.std}`];
    for (const [size, expected] of Object.entries(grey.probabilities)) {
      const way = size === "32" ? [] : ["--crop", size], options = ["--top", "7", "--json"];
      const { code, stdout, stderr } = await runInProcess([
        "predict",
        ...base,
        ...normalised,
        ...way,
        ...options,
        ...cpu,
        image,
      ]);
      assertEquals(code, 0, stderr);
      const { predictions } = JSON.parse(stdout);
      assertEquals(predictions.length, 7);
      for (const { index, probability } of predictions) {
        assert(Math.abs(probability - expected[index]) < 1e-5, `${size}, ${index}: ${probability}, ${expected[index]}`);
      }
    }
    const wrong = await runInProcess(["predict", ...base, image, ...cpu]);
    assertEquals(wrong.code, 2);
    assertStringIncludes(wrong.stderr, "were normalised; give them with --mean and --std, a number each");
    const three = await runInProcess(["predict", ...base, image, ...cpu, "--mean", "0,0,0", "--std", "1,1,1"]);
    assertEquals(three.code, 2);
    assertStringIncludes(three.stderr, "--mean and --std: expected a number each, for resnet8's images");
    const out = `${folder}/grey.onnx`,
      exported = await runInProcess(["export", ...base, "--classes", "7", "--out", out]);
    assertEquals(exported.code, 0, exported.stderr);
    assertStringIncludes(exported.stdout, "[N, 1, 32, 32]");
  }));
