/** Exported models run in ONNX Runtime and give the logits of the CPU backend. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { fromBinary } from "npm:@bufbuild/protobuf@2.17.0";
import { encodeOnnx, ONNX_SCHEMA, type OnnxNode } from "../onnx/encode.ts";
import { graphToOnnx } from "../onnx/graph_to_onnx.ts";
import { VERSION } from "../core/version.ts";
import { compile, CpuBackend, elementCount, f32, Graph, ResiduaError, type Value } from "../core/mod.ts";
import type { Normalisation } from "../data/mod.ts";
import { modelByName, type SequentialModel } from "../models/mod.ts";
import { testWhole } from "./_all.ts";
import { runInProcess } from "./_in_process.ts";
import { logitsInRuntime, logitsOfAll } from "./_onnx_runtime.ts";
import {
  add,
  averagePool2d,
  conv2d,
  depthwiseConv2d,
  dropout,
  globalAveragePool,
  linear,
  maxPool2d,
} from "../ops/mod.ts";
import { compileInference, foldBatchNorm } from "../inference/mod.ts";
import { decodeSafetensors, encodeCheckpoint, encodeSafetensors, Variables } from "../weights/mod.ts";
import { randomImages, randomTensors, relativeDifference, smallModels } from "./_random_model.ts";

function trace(model: SequentialModel) {
  const graph = new Graph();
  return { graph, outputs: { logits: model.forward(graph, graph.input("image", f32([1, ...model.inputShape]))) } };
}

testWhole(
  "ONNX Runtime gives the CPU backend's logits for every kind of network, folded or not, in any batch",
  async () => {
    const backend = await CpuBackend.create({ threads: 2 });
    try {
      for (const model of smallModels()) {
        const tensors = randomTensors(model, 7), images = randomImages(model, 3), variables = new Variables();
        const program = await compileInference(model, backend, 3, variables);
        variables.write(tensors, "the test");
        program.write("image", images);
        program.run();
        const expected = await program.read("logits") as Float32Array, first = images.subarray(0, images.length / 3);
        variables.destroy();
        program.destroy();
        const { graph, outputs } = trace(model);
        const kept = { graph, outputs, tensors }, folded = foldBatchNorm(graph, tensors, outputs);
        const exported = [kept, folded].map((source) => encodeOnnx(graphToOnnx(model.name, source)));
        const batches = [{ size: 3, images }, { size: 1, images: first }];
        const logits = await logitsOfAll(exported, model.inputShape, batches);
        assertEquals(logits.length, 2);
        for (const [k, [three, one]] of logits.entries()) {
          const differences = [
            relativeDifference(three, expected),
            relativeDifference(one, expected.subarray(0, model.classes)),
          ];
          assert(
            differences.every((value) => value < 1e-4),
            `${model.name}, batch norm ${["kept", "folded"][k]}: ${differences}`,
          );
        }
      }
    } finally {
      backend.destroy();
    }
  },
);

/** Holds what ONNX Runtime makes of a graph's inference of one image to what the CPU backend does. */
async function checkExport(
  shape: readonly number[],
  record: (graph: Graph, image: Value, weight: (name: string, shape: readonly number[]) => Value) => Value,
): Promise<void> {
  const graph = new Graph(), backend = new CpuBackend(), variables = new Variables();
  const weight = (name: string, shape: readonly number[]) =>
    graph.parameter(name, f32(shape), { kind: "heNormal", fan: "in" });
  const logits = record(graph, graph.input("image", f32([1, ...shape])), weight);
  variables.add(graph, backend, 1);
  const program = await compile(graph, backend, { outputs: { logits }, variables: variables.storages });
  const images = Float32Array.from({ length: elementCount(shape) }, (_, k) => Math.sin(k * k));
  program.write("image", images);
  program.run();
  const tensors = await variables.read(false);
  const bytes = encodeOnnx(graphToOnnx("windows", { graph, tensors, outputs: { logits } }));
  const [actual] = await logitsInRuntime(bytes, shape, [{ size: 1, images }]);
  assert(relativeDifference(actual, await program.read("logits") as Float32Array) < 1e-5);
}

Deno.test("graphToOnnx() keeps windows, groups and dilations as they are", () =>
  checkExport([4, 13, 17], (graph, image, weight) => {
    const [grouped] = conv2d.apply(graph, [image, weight("a", [6, 2, 3, 2])], {
      groups: 2,
      stride: [1, 2],
      padding: [2, 1],
      dilation: [2, 3],
    });
    const window = { kernel: [3, 2], stride: [2, 1], padding: [1, 0] };
    const [highest] = maxPool2d.apply(graph, [grouped], window), [mean] = averagePool2d.apply(graph, [grouped], window);
    const weights = weight("b", [5, 6, ...mean.spec.shape.slice(2)]);
    const sums = [highest, mean].map((value) =>
      globalAveragePool.apply(graph, conv2d.apply(graph, [value, weights]))[0]
    );
    const sum = add.apply(graph, [add.apply(graph, sums)[0], graph.constant(0.5, f32([1, 5]))]);
    return linear.apply(graph, [...sum, weight("c", [3, 5])])[0];
  }));

const FOUR_SIDES: Readonly<Record<string, (graph: Graph, image: Value, weight: (shape: number[]) => Value) => Value>> =
  {
    "conv2d with a padding of four sides": (graph, image, weight) =>
      conv2d.apply(graph, [image, weight([6, 4, 3, 2])], { stride: [2, 2], padding: [0, 1, 3, 0] })[0],
    "depthwiseConv2d with a padding of four sides": (graph, image, weight) =>
      depthwiseConv2d.apply(graph, [image, weight([4, 1, 3, 3])], { padding: [0, 1, 2, 0] })[0],
    "maxPool2d in ceil mode, dilated, with a padding of four sides": (graph, image) =>
      maxPool2d.apply(graph, [image], {
        kernel: [3, 3],
        stride: [2, 2],
        padding: [2, 0, 1, 0],
        dilation: [2, 1],
        ceilMode: true,
      })[0],
    "averagePool2d without the padding, of four sides": (graph, image) =>
      averagePool2d.apply(graph, [image], { kernel: [3, 2], padding: [2, 0, 1, 1], countIncludePad: false })[0],
    "averagePool2d in ceil mode with the padding": (graph, image) =>
      averagePool2d.apply(graph, [image], { kernel: [3, 3], stride: [3, 2], padding: [1, 1], ceilMode: true })[0],
    "averagePool2d in ceil mode without the padding": (graph, image) =>
      averagePool2d.apply(graph, [image], {
        kernel: [3, 3],
        stride: [3, 2],
        padding: [1, 1],
        ceilMode: true,
        countIncludePad: false,
      })[0],
  };

for (const [name, record] of Object.entries(FOUR_SIDES)) {
  Deno.test(`graphToOnnx() keeps ${name}`, () =>
    checkExport([4, 13, 18], (graph, image, weight) => record(graph, image, (shape) => weight("w", shape))));
}

Deno.test("graphToOnnx() names the op that it cannot write", () => {
  const graph = new Graph({ training: true }), image = graph.input("image", f32([1, 3]));
  const state = (name: string) => graph.state(name, f32([]), { kind: "constant", value: 0 });
  const [logits] = dropout.apply(graph, [image, state("step"), state("seed")]);
  const tensors = new Map(["step", "seed"].map((name) => [name, { shape: [], data: new Float32Array(1) }]));
  const source = { graph, tensors, outputs: { logits } };
  assertThrows(() => graphToOnnx("dropout", source), ResiduaError, "The op dropout cannot be exported to ONNX");
});

Deno.test("graphToOnnx() takes off the mean of each pixel where there is one", async () => {
  const model = modelByName("resnet8", { classes: 4, inputShape: [3, 12, 12] }), tensors = randomTensors(model, 5);
  const mean = Array.from(randomImages(model, 1)),
    std = [0.2, 0.3, 0.25],
    pixels = randomImages(model, 2).map(Math.abs);
  const images = pixels.map((value, k) => (value - mean[k % 432]) / std[Math.floor(k / 144) % 3]);
  const [plain, whole] = [undefined, { mean, std }].map((normalisation) =>
    encodeOnnx(graphToOnnx(model.name, { ...trace(model), tensors, normalisation }))
  );
  const [expected] = await logitsInRuntime(plain, model.inputShape, [{ size: 2, images }]);
  const [actual] = await logitsInRuntime(whole, model.inputShape, [{ size: 2, images: pixels }]);
  assert(relativeDifference(actual, expected) < 1e-4);
});

/** A checkpoint of a small network, as a run leaves it, and bare weights, in a folder that is removed afterwards. */
async function withRun(
  run: (folder: string, model: SequentialModel, normalisation: Normalisation) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const model = modelByName("resnet8", { classes: 4, inputShape: [3, 12, 12], shortcut: "A" });
    const normalisation = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.25] };
    const tensors = randomTensors(model, 2);
    tensors.set("optimizer.momentum.fc.bias", tensors.get("fc.bias")!);
    const description = { name: "resnet8", classes: 4, inputShape: model.inputShape, shortcut: "A" } as const;
    const info = { model: description, classes: ["a", "b", "c", "d"], normalisation };
    await Deno.writeFile(`${folder}/best.safetensors`, encodeCheckpoint(tensors, info));
    const other = randomTensors(modelByName("resnet8", { classes: 4 }), 2);
    await Deno.writeFile(`${folder}/bare.safetensors`, encodeSafetensors(other));
    await run(folder, model, normalisation);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("export writes an ONNX model that normalises and says what it is", () =>
  withRun(async (folder, model, { mean, std }) => {
    const export_ = async (...args: string[]) => {
      const { code, stdout, stderr } = await runInProcess(["export", "--checkpoint", folder, ...args]);
      assertEquals(code, 0, stderr);
      return stdout;
    };
    const stdout = await export_("--out", `${folder}/new/plain.onnx`);
    assert(stdout.includes("input image [N, 3, 12, 12]"), stdout);
    await export_("--out", `${folder}/whole.onnx`, "--normalise", "--batch", "2", "--no-fold");
    const [plain, whole] = await Promise.all(
      ["new/plain", "whole"].map((name) => Deno.readFile(`${folder}/${name}.onnx`)),
    );
    const pixels = randomImages(model, 2).map(Math.abs), plane = 144;
    const images = pixels.map((value, k) => {
      const c = Math.floor(k / plane) % 3;
      return (value - mean[c]) / std[c];
    });
    const [expected] = await logitsInRuntime(plain, model.inputShape, [{ size: 2, images }]);
    const [actual] = await logitsInRuntime(whole, model.inputShape, [{ size: 2, images: pixels }]);
    assert(relativeDifference(actual, expected) < 1e-4);
    // deno-lint-ignore no-explicit-any
    const read = (bytes: Uint8Array): any => fromBinary(ONNX_SCHEMA.getMessage("onnx.ModelProto")!, bytes);
    const { irVersion, opsetImport, producerName, producerVersion, metadataProps, graph } = read(whole);
    assertEquals([irVersion, opsetImport[0].version, producerName, producerVersion], [8n, 17n, "Residua", VERSION]);
    const metadata = Object.fromEntries(
      metadataProps.map(({ key, value }: Record<string, string>) => [key, value]),
    );
    assertEquals(JSON.parse(metadata.classes), ["a", "b", "c", "d"]);
    assertEquals(JSON.parse(metadata.normalisation), { mean, std, builtIn: true });
    assertEquals(graph.input[0].type.tensorType.shape.dim[0].dimValue, 2n);
    assertEquals(read(plain).graph.input[0].type.tensorType.shape.dim[0].dimParam, "N");
    const operators = (bytes: Uint8Array) => new Set(read(bytes).graph.node.map((node: OnnxNode) => node.opType));
    assertEquals([plain, whole].map((bytes) => operators(bytes).has("BatchNormalization")), [false, true]);
  }));

Deno.test("export writes the weights alone, without the optimiser's", () =>
  withRun(async (folder, model) => {
    const out = `${folder}/weights.safetensors`;
    // By the name alone.
    const { code, stderr } = await runInProcess(["export", "--checkpoint", folder, "--out", out]);
    assertEquals(code, 0, stderr);
    const { tensors, metadata } = decodeSafetensors(await Deno.readFile(out), out);
    assertEquals(metadata, { format: "pt" });
    assertEquals(tensors, randomTensors(model, 2));
  }));

Deno.test("export says in a sentence what is wrong, with the exit code of its kind", () =>
  withRun(async (folder) => {
    const run = ["--checkpoint", folder], bare = ["--checkpoint", `${folder}/bare.safetensors`];
    const out = ["--out", `${folder}/out.onnx`];
    const cases: readonly [string[], number, string][] = [
      [["--checkpoint", `${folder}/none`, ...out], 1, "does not exist"],
      [out, 2, "--checkpoint: expected"],
      [run, 2, "--out: expected"],
      [[...run, ...out, "--format", "tflite"], 2, "--format: expected one of onnx, safetensors"],
      [[...run, ...out, "--batch", "0"], 2, "--batch: expected dynamic or"],
      [[...run, ...out, "--format", "safetensors", "--batch", "2"], 2, "are for ONNX files"],
      [[...run, ...out, "--format", "safetensors"], 2, "out.onnx ends in .onnx, but --format is safetensors"],
      [[...run, "--out", "a.safetensors", "--format", "onnx"], 2, "ends in .safetensors, but --format is onnx"],
      [[...run, "--out", "a.safetensors", "--batch", "2"], 2, "are for ONNX files"],
      [[...run, ...out, "--model", "resnet20"], 2, "is of resnet8, so it cannot be read as resnet20"],
      [[...run, ...out, "--classes", "4"], 2, "says that of itself; leave it away"],
      [[...bare, ...out], 2, "name it with --model"],
      [[...bare, ...out, "--model", "resnet8", "--classes", "4", "--normalise"], 2, "by which mean"],
      [[...bare, ...out, "--model", "resnet8"], 1, "expected the tensor fc.weight to be float32 [10, 64]"],
      [[...run, "--out", `${folder}/best.safetensors/out.onnx`], 1, "best.safetensors"],
      [[...run, "--out", folder], 1, "this is a folder"],
    ];
    const outcomes = await Promise.all(cases.map(([args]) => runInProcess(["export", ...args])));
    outcomes.forEach(({ code, stderr }, k) => {
      assertEquals(code, cases[k][1], stderr);
      assert(stderr.startsWith("error: ") && stderr.trim().split("\n").length === 1, stderr);
      assert(stderr.includes(cases[k][2]), stderr);
    });
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
    assertEquals(names, ["bare.safetensors", "best.safetensors"]);
  }));
