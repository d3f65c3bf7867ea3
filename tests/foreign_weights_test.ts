/** Weights as training scripts save them (`tools/golden_foreign_weights.py`): wrappers, objects beside them, old formats. */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { classifierHead, convNorm } from "../blocks/mod.ts";
import { DataError } from "../core/mod.ts";
import { modelByName, sequential } from "../models/mod.ts";
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeSafetensors,
  expectTensors,
  inferOptions,
  mismatchedHead,
  type NamedTensor,
} from "../weights/mod.ts";
import { find, patched } from "./_bytes.ts";
import { randomTensors } from "./_random_model.ts";
import { code, tensorCode, torchFile } from "./_torch_file.ts";
import expected from "./golden/weights/foreign/expected.json" with { type: "json" };

const folder = new URL("./golden/weights/foreign/", import.meta.url);
const golden = (name: string) => Deno.readFileSync(new URL(name, folder));

/** The network of the files. */
const model = sequential({
  name: "tiny",
  classes: 5,
  inputShape: [3, 5, 5],
  layers: [
    { name: "conv1", block: convNorm({ conv: "conv1", norm: "bn1", channels: 4 }) },
    { name: "fc", block: classifierHead("fc", 5) },
  ],
});

type Golden = { readonly entry: string; readonly tensors: Record<string, { shape: number[]; data: number[] }> };

function expectGolden({ tensors, entry = "" }: Checkpoint, name: string): void {
  const file = (expected as unknown as Record<string, Golden>)[name];
  assertEquals(entry, file.entry, name);
  assertEquals(new Set(tensors.keys()), new Set(Object.keys(file.tensors)), name);
  for (const [key, { shape, data }] of Object.entries(file.tensors)) {
    assertEquals(
      [tensors.get(key)!.shape, [...tensors.get(key)!.data]],
      [shape, data.map(Math.fround)],
      `${name} ${key}`,
    );
  }
}

for (const name of Object.keys(expected)) {
  Deno.test(`decodeCheckpoint() finds the network in PyTorch's ${name}`, () => {
    expectGolden(decodeCheckpoint(golden(name), name, { model }), name);
  });
}

function refuses(bytes: Uint8Array, ...parts: readonly string[]): void {
  const { message } = assertThrows(() => decodeCheckpoint(bytes, "given.pth", { model }), DataError);
  for (const part of ["given.pth", ...parts]) assertStringIncludes(message, part);
  assert(message.length < 400 && !message.includes("\n"), message);
}

Deno.test("decodeCheckpoint() names the sets of weights that fit equally well", () => {
  refuses(golden("two.pth"), "several sets of weights that fit equally well: model, model_ema.module.;");
  refuses(golden("teacher.pth"), "fit equally well: student., teacher.;");
  const first = decodeCheckpoint(golden("list.pth"), "list.pth", { model }).tensors;
  for (const [name, entry] of [["two.pth", "model"], ["two.pth", "model_ema.module."], ["teacher.pth", "teacher."]]) {
    const taken = decodeCheckpoint(golden(name), name, { model, entry });
    assertEquals([taken.entry, new Set(taken.tensors.keys())], [entry, new Set(first.keys())]);
  }
  const averaged = decodeCheckpoint(golden("averaged.pth"), "averaged.pth", { model }).tensors;
  assertEquals(decodeCheckpoint(golden("two.pth"), "given", { model, entry: "model_ema.module." }).tensors, averaged);
  assertThrows(
    () => decodeCheckpoint(golden("two.pth"), "given", { model, entry: "ema" }),
    DataError,
    "given: it has no weights under ema, but under model, model_ema.module.",
  );
});

Deno.test("decodeCheckpoint() takes the set that fits the network, not the largest", () => {
  const part = (names: readonly string[], shape: readonly number[]) =>
    code.dictionary(
      Object.fromEntries(names.map((name) => [name, tensorCode({ shape, strides: shape.map(() => 1) })])),
    );
  const small = part(["fc.bias", "bn1.weight"], [2]), large = part(["a.b", "a.c", "a.d"], [2]);
  const bytes = torchFile(code.dictionary({ large, small }));
  assertEquals(decodeCheckpoint(bytes, "given", { model }).entry, "small");
  assertEquals(decodeCheckpoint(bytes, "given").entry, "large");
});

Deno.test("decodeCheckpoint() never calls what a pickle names, and takes no placeholder for a tensor", () => {
  refuses(golden("hostile.pth"), "fc.weight is an object that posix.system would make, which was not called");
  const { call, dictionary, global, text, tuple } = code,
    hostile = call(global("os", "system"), text("touch executed"));
  const state = { "fc.bias": tensorCode() },
    reads = (value: readonly number[]) => {
      assertEquals([...decodeCheckpoint(torchFile(value), "given").tensors.keys()], ["fc.bias"]);
    };
  // As an argument of another, as a key, built, appended to, made by NEWOBJ, called again.
  reads(dictionary({ args: call(global("a", "b"), hostile), model: dictionary(state) }));
  reads([0x7d, ...hostile, ...text("x"), 0x73, ...text("model"), ...dictionary(state), 0x73]);
  reads(dictionary({ args: [...hostile, ...hostile, 0x62], model: dictionary(state) }));
  reads(dictionary({ args: [...hostile, ...hostile, 0x61], model: dictionary(state) }));
  reads(dictionary({ args: [...global("os", "system"), ...tuple(text("x")), 0x81], model: dictionary(state) }));
  reads(dictionary({ args: [...hostile, ...tuple(text("x")), 0x52], model: dictionary(state) }));
  // A placeholder that holds itself.
  reads(dictionary({ args: [...hostile, 0x71, 5, 0x68, 5, 0x62], model: dictionary(state) }));
  // Where a storage, a shape, or a tensor must be.
  const storage = [...tuple(text("storage"), hostile, text("0"), text("cpu"), code.integer(2)), 0x51];
  refuses(torchFile(dictionary({ a: storage })), "refers to a storage in a way");
  refuses(
    torchFile(
      dictionary({ a: call(global("torch._utils", "_rebuild_tensor_v2"), hostile, hostile, hostile, hostile) }),
    ),
    "offset, shape or strides",
  );
  refuses(
    torchFile(dictionary({ a: call(global("torch._utils", "_rebuild_parameter"), hostile) })),
    "other arguments than torch.save does",
  );
  refuses(
    torchFile(dictionary({ ...state, "fc.weight": hostile })),
    "fc.weight is an object that os.system would make",
  );
  refuses(torchFile(hostile), "holds an object that os.system would make");
  // Its parts are counted too.
  refuses(torchFile(Uint8Array.from([0x80, 2, ...Array(250_000).fill([0x43, 0]).flat(), 0x2e])), "more than 200000");
  for (const place of [".", folder]) {
    for (const { name } of Deno.readDirSync(place)) assert(name !== "executed", "the pickle was executed");
  }
});

Deno.test("decodeCheckpoint() refuses damaged files of PyTorch before 1.6", () => {
  const whole = golden("legacy_views.pth");
  for (let length = 16; length < whole.length; length += 5) refuses(whole.subarray(0, length), "");
  refuses(Uint8Array.from([...whole, 0]), "1 bytes after its last storage");
  const machine = find(whole, new TextEncoder().encode("little_endian")), truth = find(whole, [0x88], machine);
  refuses(patched(whole, truth, [0x89]), "big-endian machine, expected little-endian");
  refuses(patched(whole, find(whole, [0x4d, 0xe9, 3]), [0x4d, 0xea, 3]), "its version is 1002, expected 1001");
});

Deno.test("decodeCheckpoint() reads views of storages, and refuses those that leave them", () => {
  const { call, dictionary, global, integer, text, tuple } = code, type = global("torch", "FloatStorage");
  const file = (start: number, size: number) => {
    const view = tuple(text("1"), integer(start), integer(size));
    const storage = [...tuple(text("storage"), type, text("0"), text("cpu"), integer(6), view), 0x51];
    const [offset, shape, strides] = [integer(1), tuple(integer(2)), tuple(integer(1))];
    const tensor = call(global("torch._utils", "_rebuild_tensor"), storage, offset, shape, strides);
    const floats = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
    return torchFile(dictionary({ "fc.bias": tensor }), { "data/0": floats });
  };
  assertEquals([...decodeCheckpoint(file(2, 3), "given").tensors.get("fc.bias")!.data], [4, 5]);
  refuses(file(4, 3), "refers to a storage in a way");
  refuses(file(-1, 3), "refers to a storage in a way");
  refuses(file(4, 2), "reaches element 6 of a storage of 6");
});

Deno.test("a file of a backbone starts a new head; other names are shown beside those wanted", () => {
  const { tensors } = decodeCheckpoint(golden("backbone.pth"), "backbone.pth", { model });
  const head = mismatchedHead(model, tensors)!;
  assertEquals(head, { names: ["fc.weight", "fc.bias"] });
  const full = randomTensors(model, 3),
    specs = new Map([...full].map(([name, { shape }]) => [name, { shape, dtype: "f32" as const }]));
  expectTensors(specs, tensors, "backbone.pth", head.names);
  const { message } = assertThrows(() => expectTensors(specs, tensors, "backbone.pth"), DataError);
  assertStringIncludes(message, "needs the tensor fc.weight, fc.bias, which the file lacks;");
  const renamed = new Map([...full].map(([name, tensor]) => [name.replace("conv1.", "stem."), tensor]));
  const other = assertThrows(() => expectTensors(specs, renamed, "other.pth"), DataError).message;
  assertStringIncludes(other, "needs the tensor conv1.weight, which the file lacks; it has stem.weight instead;");
});

Deno.test("inferOptions() finds a grey network's channels and the classes", () => {
  for (const name of ["resnet8", "resnet18", "mobilenet_v2_0.25"]) {
    const [, height, width] = modelByName(name).inputShape;
    const grey = randomTensors(modelByName(name, { classes: 3, inputShape: [1, height, width] }), 2);
    assertEquals(inferOptions(modelByName(name), grey), { classes: 3, inputShape: [1, height, width] });
  }
});

Deno.test("decodeCheckpoint() takes any view of bytes, wherever it begins", () => {
  const tensors = new Map<string, NamedTensor>([["fc.bias", { shape: [2], data: Float32Array.of(1, 2) }]]);
  for (const bytes of [encodeSafetensors(tensors), torchFile(code.dictionary({ "fc.bias": tensorCode() }))]) {
    const pool = new Uint8Array(bytes.length + 3);
    pool.set(bytes, 3);
    const views = [
      pool.subarray(3),
      new DataView(pool.buffer, 3),
      new Uint8ClampedArray(pool.buffer, 3),
      pool.slice(3).buffer,
    ];
    for (const view of views) assertEquals([...decodeCheckpoint(view, "given").tensors.get("fc.bias")!.data], [1, 2]);
  }
});
