/** Weights as Hugging Face's transformers and timm have them: their names, their shards, their descriptions. */

import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { DataError } from "../core/mod.ts";
import { modelByName } from "../models/mod.ts";
import {
  decodeCheckpoint,
  decodeShards,
  encodeSafetensors,
  type NamedTensor,
  readLibraryConfig,
} from "../weights/mod.ts";
import { testWhole } from "./_all.ts";
import { runInProcess } from "./_in_process.ts";
import { randomTensors, tensorNames } from "./_random_model.ts";
import networks from "./golden/weights/names.json" with { type: "json" };

type Networks = Record<string, { readonly library: string; readonly names: [string, string][] }>;

const NETWORKS = networks as unknown as Networks;

/** Tensors of one element, which is their number. */
function numbered(names: readonly string[]): Map<string, NamedTensor> {
  return new Map(names.map((name, k) => [name, { shape: [1], data: Float32Array.of(k) }]));
}

for (const [model, { library, names }] of Object.entries(NETWORKS)) {
  Deno.test(`decodeCheckpoint() brings the names of ${model} by ${library} to torchvision's`, () => {
    for (const prefix of ["", "module.", "net.backbone."]) {
      const bytes = encodeSafetensors(numbered(names.map(([, theirs]) => prefix + theirs)));
      const network = modelByName(model), { tensors } = decodeCheckpoint(bytes, "given", { model: network });
      const expected = names.map(([ours], k) => [ours, k] as const).filter(([ours]) =>
        !ours.endsWith("batches_tracked")
      );
      assertEquals(new Map([...tensors].map(([name, { data }]) => [name, data[0]])), new Map(expected));
      assertEquals(new Set(tensors.keys()), new Set(tensorNames(network)));
    }
  });
}

Deno.test("decodeCheckpoint() leaves torchvision's own names alone", () => {
  for (const { names } of Object.values(NETWORKS)) {
    const ours = names.map(([ours]) => ours).filter((name) => !name.endsWith("batches_tracked"));
    assertEquals([...decodeCheckpoint(encodeSafetensors(numbered(ours)), "given").tensors.keys()], ours);
  }
});

Deno.test("decodeCheckpoint() finds each of several sets of a deep network's weights", () => {
  const model = modelByName("resnet110"), names = tensorNames(model);
  const prefixes = ["student.", "teacher.", "ema.net."];
  const bytes = encodeSafetensors(numbered(prefixes.flatMap((prefix) => names.map((name) => prefix + name))));
  for (const [k, entry] of prefixes.entries()) {
    const { tensors } = decodeCheckpoint(bytes, "given", { model, entry });
    assertEquals(
      [...tensors].map(([name, { data }]) => [name, data[0]]),
      names.map((name, i) => [name, k * names.length + i]),
    );
  }
  assertThrows(() => decodeCheckpoint(bytes, "given", { model }), DataError, "student., teacher., ema.net.;");
});

/** Shards and their index. */
function shards(tensors: ReadonlyMap<string, NamedTensor>, count: number) {
  const files = new Map<string, Uint8Array>(), map: Record<string, string> = {}, all = [...tensors];
  for (let k = 0; k < count; k++) {
    const file = `model-0000${k + 1}-of-0000${count}.safetensors`, part = all.filter((_, i) => i % count === k);
    for (const [name] of part) map[name] = file;
    files.set(file, encodeSafetensors(new Map(part)));
  }
  return { files, map };
}

const index = (map: unknown) => new TextEncoder().encode(JSON.stringify({ metadata: {}, weight_map: map }));

Deno.test("decodeShards() reads every file once, and refuses what does not agree with the index", async () => {
  const tensors = numbered(["a.x", "b", "c", "d", "e"]), { files, map } = shards(tensors, 3), asked: string[] = [];
  const read = (name: string) => {
    asked.push(name);
    return files.get(name)!;
  };
  const found = await decodeShards(index(map), "index", read);
  assertEquals(new Map([...found.tensors].toSorted()), tensors);
  assertEquals(asked, [...files.keys()]);
  const refuse = async (map: unknown, part: string) => {
    const { message } = await assertRejects(async () => await decodeShards(index(map), "the index", read), DataError);
    assertStringIncludes(message, part);
  };
  const [first] = files.keys();
  await refuse({ ...map, z: first }, `the index: it says that ${first} holds z, which that file lacks`);
  const { b: _, ...rest } = map;
  await refuse(rest, "holds b, which the index does not say");
  for (const file of ["../secret.safetensors", "/etc/x.safetensors", "a\\b.safetensors", "x.bin", 3, null]) {
    await refuse({ b: file }, "expected a safetensors file beside it");
  }
  await refuse(undefined, 'has no "weight_map"');
  await refuse([], 'has no "weight_map"');
  await refuse({}, "names no tensors");
  await assertRejects(() => decodeShards(new Uint8Array(3), "the index", read), DataError, "is not JSON text");
  const nothing = new TextEncoder().encode("null");
  await assertRejects(() => decodeShards(nothing, "the index", read), DataError, 'has no "weight_map"');
});

const MEAN = [0.485, 0.456, 0.406], STD = [0.229, 0.224, 0.225];
/** As transformers writes them of a ResNet-50. */
const CONFIG = {
  depths: [3, 4, 6, 3],
  downsample_in_first_stage: false,
  embedding_size: 64,
  hidden_act: "relu",
  hidden_sizes: [256, 512, 1024, 2048],
  id2label: { "0": "ant", "1": "bee", "2": "cat" },
  layer_type: "bottleneck",
  model_type: "resnet",
  num_channels: 3,
};
const PREPROCESSOR = { crop_pct: 0.875, image_mean: MEAN, image_std: STD, resample: 3, size: { shortest_edge: 224 } };

Deno.test("readLibraryConfig() makes a description of a network of what transformers and timm say", () => {
  const expected = {
    model: { name: "resnet50", classes: 3, inputShape: [3, 224, 224] as const },
    classes: ["ant", "bee", "cat"],
    normalisation: { mean: MEAN, std: STD },
    preprocessing: { resize: 256, crop: [224, 224] as const, interpolation: "bilinear" as const },
  };
  const bicubic = ["its images were resized bicubically, here they are resized bilinearly"];
  assertEquals(readLibraryConfig(CONFIG, PREPROCESSOR), { info: expected, notes: bicubic });
  const old = { ...PREPROCESSOR, size: 224, resample: 2 };
  assertEquals(readLibraryConfig(CONFIG, old), { info: expected, notes: [] });
  const cropped = { ...old, size: { shortest_edge: 232 }, crop_size: { height: 160, width: 160 } };
  assertEquals(readLibraryConfig(CONFIG, cropped).info?.preprocessing, {
    resize: 232,
    crop: [160, 160],
    interpolation: "bilinear",
  });
  const basic = { ...CONFIG, layer_type: "basic", depths: [2, 2, 2, 2], hidden_sizes: [64, 128, 256, 512] };
  assertEquals(readLibraryConfig(basic, old).info?.model.name, "resnet18");
  for (
    const change of [{ depths: [3, 3, 3, 3] }, { embedding_size: 32 }, { downsample_in_bottleneck: true }, {
      model_type: "vit",
    }]
  ) {
    assertEquals(readLibraryConfig({ ...CONFIG, ...change }, old), { notes: [] });
  }
  const [note] = readLibraryConfig(CONFIG).notes;
  assertStringIncludes(note, "config.json describes resnet50, but preprocessor_config.json beside it does not say");
  const settings = { mean: MEAN, std: STD, input_size: [3, 224, 224], crop_pct: 0.95, interpolation: "bicubic" };
  const timm = readLibraryConfig({ architecture: "mobilenetv2_140", num_classes: 2, pretrained_cfg: settings });
  assertEquals([timm.info?.model, timm.info?.preprocessing?.resize, timm.info?.classes, timm.notes], [
    { name: "mobilenet_v2_1.4", classes: 2, inputShape: [3, 224, 224] },
    235,
    ["0", "1"],
    bicubic,
  ]);
  for (const value of [undefined, null, 3, "text", [], {}]) {
    assertEquals(readLibraryConfig(value, value), { notes: [] });
  }
});

testWhole("commands take a folder of shards with config.json, and its index", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const model = modelByName("resnet18", { classes: 3 }), tensors = randomTensors(model, 4);
    const theirs = new Map(NETWORKS.resnet18.names.flatMap(([ours, theirs]) => {
      const tensor = tensors.get(ours);
      return tensor === undefined ? [] : [[theirs, tensor] as const];
    }));
    const { files, map } = shards(theirs, 2);
    for (const [name, bytes] of files) await Deno.writeFile(`${folder}/${name}`, bytes);
    await Deno.writeFile(`${folder}/model.safetensors.index.json`, index(map));
    await Deno.writeTextFile(
      `${folder}/config.json`,
      JSON.stringify({ ...CONFIG, layer_type: "basic", depths: [2, 2, 2, 2], hidden_sizes: [64, 128, 256, 512] }),
    );
    await Deno.writeTextFile(`${folder}/preprocessor_config.json`, JSON.stringify(PREPROCESSOR));
    for (const path of [folder, `${folder}/model.safetensors.index.json`]) {
      const out = `${folder}/out/${path.length}.safetensors`;
      await Deno.mkdir(`${folder}/out`, { recursive: true });
      const { code, stderr } = await runInProcess([
        "export",
        "--checkpoint",
        path,
        "--format",
        "safetensors",
        "--out",
        out,
      ]);
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, "model.safetensors.index.json: took resnet18 and its 3 classes from config.json");
      const written = decodeCheckpoint(await Deno.readFile(out), out).tensors;
      assertEquals(new Map([...written].toSorted()), new Map([...tensors].toSorted()));
    }
    const both = new Map([...tensors].flatMap(([name, tensor]) => {
      const half = { ...tensor, data: tensor.data.map((value) => value / 2) };
      return [[`student.${name}`, half] as const, [`teacher.${name}`, tensor] as const];
    }));
    await Deno.writeFile(`${folder}/out/two#1.safetensors`, encodeSafetensors(both));
    const options = [
      "--model",
      "resnet18",
      "--classes",
      "3",
      "--format",
      "safetensors",
      "--out",
      `${folder}/out/t.safetensors`,
    ];
    const two = ["export", "--checkpoint", `${folder}/out/two#1.safetensors`, ...options];
    assertStringIncludes(
      (await runInProcess(two)).stderr,
      "fit equally well: student., teacher.; name the one that is wanted",
    );
    two[2] += "#teacher.";
    assertEquals((await runInProcess(two)).code, 0);
    const taken = decodeCheckpoint(await Deno.readFile(options.at(-1)!), "taken").tensors;
    assertEquals(new Map([...taken].toSorted()), new Map([...tensors].toSorted()));
    await Deno.remove(`${folder}/${[...files.keys()][1]}`);
    const { code, stderr } = await runInProcess(["export", "--checkpoint", folder, "--out", `${folder}/out/x.onnx`]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "the file that the index names does not exist");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
