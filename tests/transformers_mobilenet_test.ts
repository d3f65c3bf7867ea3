/** Hugging Face's MobileNet-V2 (`tools/golden_transformers_mobilenet.py`): TensorFlow's padding, epsilon and classes. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CpuBackend, type Shape, UsageError } from "../core/mod.ts";
import { compileFoldedInference, compileInference, loadModel } from "../inference/mod.ts";
import {
  decodeCheckpoint,
  describedModel,
  encodeSafetensors,
  type ModelDescription,
  type NamedTensor,
  readLibraryConfig,
  Variables,
} from "../weights/mod.ts";
import { testWhole } from "./_all.ts";
import { withFolder } from "./_cli.ts";
import { CLASSES, writeImages } from "./_image_files.ts";
import { runInProcess } from "./_in_process.ts";
import { fill, imagesOf } from "./_models_golden.ts";
import { logitsInRuntime } from "./_onnx_runtime.ts";
import golden from "./golden/weights/transformers_mobilenet.json" with { type: "json" };

interface Case {
  readonly config: { readonly image_size: number; readonly id2label: Record<string, string> } & Record<string, unknown>;
  readonly images: number;
  readonly tensors: Record<string, Shape>;
  readonly logits: readonly number[];
}

const CASES = golden as unknown as Record<string, Case>;
/** Of the largest logit. */
const TOLERANCE = 1e-5;

/** As the library writes it of these networks. */
function preprocessorOf({ image_size: size }: Case["config"]) {
  return {
    crop_size: { height: size, width: size },
    do_center_crop: true,
    image_mean: [0.5, 0.5, 0.5],
    image_processor_type: "MobileNetV2ImageProcessor",
    image_std: [0.5, 0.5, 0.5],
    resample: 2,
    size: { shortest_edge: size + 32 },
  };
}

/** The file as the library saves it, with the counts of batches. */
function fileOf({ tensors }: Case): Uint8Array<ArrayBuffer> {
  const named = Object.entries(tensors).map(([name, shape]) => [name, { shape, data: fill(name, shape) }] as const);
  const counts = [...named].filter(([name]) => name.endsWith("running_mean")).map(([name]) =>
    [name.replace("running_mean", "num_batches_tracked"), { shape: [], data: Float32Array.of(3) }] as const
  );
  return encodeSafetensors(new Map<string, NamedTensor>([...named, ...counts]));
}

async function logitsOf(name: string, description: ModelDescription, folded: boolean): Promise<Float32Array> {
  const { config: { image_size: size }, images } = CASES[name], model = describedModel(description);
  const backend = new CpuBackend(), variables = new Variables();
  const { tensors } = decodeCheckpoint(fileOf(CASES[name]), name, { model });
  const program = folded
    ? await compileFoldedInference(model, backend, images, variables, tensors, name)
    : await compileInference(model, backend, images, variables);
  if (!folded) variables.write(tensors, name);
  program.write("image", imagesOf({ name, images, size }));
  program.run();
  const logits = await program.read("logits") as Float32Array;
  program.destroy();
  variables.destroy();
  return logits;
}

/** The largest difference from PyTorch's logits, of the largest logit. */
function distance(actual: Float32Array, expected: readonly number[]): number {
  assertEquals(actual.length, expected.length);
  return Math.max(...expected.map((logit, k) => Math.abs(logit - actual[k]))) / Math.max(...expected.map(Math.abs));
}

for (const [name, { config, logits }] of Object.entries(CASES)) {
  const { image_size: size } = config;
  // Each size and each way to pad; the full width takes the longest.
  const test = size === 224 ? testWhole : Deno.test;
  test(`transformers' MobileNet-V2 ${name} has PyTorch's logits`, async () => {
    const { info, notes } = readLibraryConfig(config, preprocessorOf(config));
    assertEquals(notes, []);
    assertEquals(info!.classes, Object.values(config.id2label));
    assertEquals(info!.model.inputShape, [3, size, size]);
    assertEquals(info!.normalisation, { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] });
    assertEquals(info!.preprocessing, { resize: size + 32, crop: [size, size], interpolation: "bilinear" });
    for (const folded of [false, true]) {
      const found = distance(await logitsOf(name, info!.model, folded), logits);
      assert(found <= TOLERANCE, `${name}, folded: ${folded}: off by ${found}`);
    }
    // What the file says beside the layers matters.
    const { padding, epsilon } = info!.model;
    const other = { ...info!.model, padding: padding === "same" ? "symmetric" as const : "same" as const };
    if (size % 32 !== 1) assert(distance(await logitsOf(name, other, false), logits) > 1e-2);
    assert(distance(await logitsOf(name, { ...info!.model, epsilon: epsilon! / 100 }, false), logits) > 1e-4);
  });
}

Deno.test("readLibraryConfig() takes what a MobileNet-V2's config.json leaves out as transformers does", () => {
  const { config } = CASES["0.5_64 symmetric"],
    { tf_padding: _, layer_norm_eps: __, finegrained_output: ___, ...rest } = config;
  const model = { name: "mobilenet_v2_0.5", padding: "same" as const, epsilon: 1e-3 };
  const shape = { classes: 5, inputShape: [3, 64, 64] as const };
  assertEquals(readLibraryConfig(rest, preprocessorOf(config)).info?.model, { ...model, ...shape });
  const { crop_size: ____, ...old } = preprocessorOf(config);
  assertEquals(readLibraryConfig(rest, { ...old, size: 96 }).info?.preprocessing?.crop, [64, 64]);
  for (
    const change of [
      { output_stride: 16 },
      { hidden_act: "relu" },
      { expand_ratio: 4 },
      { depth_multiplier: 0 },
      {
        first_layer_is_expansion: false,
      },
      { depth_divisible_by: 4 },
      { layer_norm_eps: -1 },
    ]
  ) {
    assertEquals(readLibraryConfig({ ...config, ...change }, preprocessorOf(config)), { notes: [] });
  }
});

Deno.test("loadModel() wants to be told how transformers' MobileNet-V2 pads", async () => {
  const bytes = fileOf(CASES["0.35_96"]), backend = new CpuBackend();
  const options = { backend, batch: 1, normalisation: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } };
  const model = { name: "mobilenet_v2_0.35", inputShape: [3, 96, 96] } as const;
  await assertRejects(
    () => loadModel(bytes, { ...options, model, source: "model.safetensors" }),
    UsageError,
    "model.safetensors: these are weights of transformers' MobileNet-V2",
  );
  const loaded = await loadModel(bytes, { ...options, model: { ...model, padding: "same", epsilon: 1e-3 } });
  assertEquals(loaded.classes.length, 11);
  loaded.destroy();
});

testWhole(
  "predict and train take a folder of transformers' MobileNet-V2, and a run that starts from it goes on",
  () =>
    withFolder(async (folder) => {
      const name = "0.35_96", { config } = CASES[name], from = `${folder}/mobilenet`, run = `${folder}/run`;
      await Deno.mkdir(from);
      await Deno.writeFile(`${from}/model.safetensors`, fileOf(CASES[name]));
      for (const split of ["train", "val"]) await writeImages(`${folder}/data/${split}`, 2);
      const predict = ["predict", "--checkpoint", from, `${folder}/data/val/amber/100.png`, "--backend", "cpu"];
      const bare = await runInProcess([...predict, "--model", "mobilenet_v2_0.35"]);
      assertEquals(bare.code, 1);
      assertStringIncludes(bare.stderr, "put the config.json and preprocessor_config.json that came with them beside");
      await Deno.writeTextFile(`${from}/config.json`, JSON.stringify(config));
      await Deno.writeTextFile(`${from}/preprocessor_config.json`, JSON.stringify(preprocessorOf(config)));
      const named = await runInProcess(predict);
      assertEquals(named.code, 0, named.stderr);
      assertStringIncludes(named.stderr, "took mobilenet_v2_0.35 and its 11 classes from config.json");
      assertStringIncludes(named.stderr, "resize 128 bilinear, crop 96x96");
      const onnx = `${folder}/mobilenet.onnx`,
        exported = await runInProcess(["export", "--checkpoint", from, "--out", onnx]);
      assertEquals(exported.code, 0, exported.stderr);
      const { images: size, logits } = CASES[name], images = imagesOf({ name, images: size, size: 96 });
      const [found] = await logitsInRuntime(await Deno.readFile(onnx), [3, 96, 96], [{ size, images }]);
      assert(distance(found, logits) <= TOLERANCE, `ONNX Runtime is off by ${distance(found, logits)}`);
      const train = ["train", "--data", `${folder}/data`, "--batch", "3", "--backend", "cpu", "--schedule", "constant"];
      const options = ["--model", "mobilenet_v2_0.35", "--lr", "0.001", "--augment", "none", "--epochs", "1"];
      const first = await runInProcess([...train, ...options, "--init", from, "--out", run]);
      assertEquals(first.code, 0, first.stderr);
      const more = await runInProcess(["train", "--resume", run, "--epochs", "2"]);
      assertEquals(more.code, 0, more.stderr);
      const { info } = decodeCheckpoint(await Deno.readFile(`${run}/last.safetensors`), "last");
      assertEquals([info!.model.padding, info!.model.epsilon, info!.progress!.epochs], ["same", 1e-3, 2]);
      assertEquals(info!.classes, Object.keys(CLASSES));
    }),
);
