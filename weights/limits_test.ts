/** Files that are small, or hold little, and would take very much memory or time: refused before that. */

import { assertEquals, assertThrows } from "@std/assert";
import { concat } from "../tests/_bytes.ts";
import { code, pickle, tensorCode, torchFile } from "../tests/_torch_file.ts";
import { DataError } from "../core/mod.ts";
import { LEGACY_MAGIC } from "./_legacy_torch.ts";
import { rename } from "./_foreign_names.ts";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";
import { decodeShards } from "./sharded.ts";
import { decodeTorchFile } from "./torch_file.ts";

/** A safetensors file of this header and no elements. */
function withHeader(text: string): Uint8Array {
  const header = new TextEncoder().encode(text), bytes = new Uint8Array(8 + header.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  return bytes;
}

Deno.test("decodeSafetensors() counts what a header holds before it is parsed", () => {
  const refused = (text: string, message: string) =>
    assertThrows(
      () => decodeSafetensors(withHeader(text), "a.safetensors"),
      DataError,
      `a.safetensors: its header ${message}`,
    );
  refused(`{"a":[${"{},".repeat(1_000_000)}{}]}`, "holds 1000003 lists and objects, more than 200000");
  const keys = Array.from({ length: 300_000 }, (_, k) => `"${k.toString(36)}":1`);
  refused(`{${keys.join()}}`, "holds 300000 entries of objects, more than 200000");
  refused(`{"a":[${"0,".repeat(2_000_000)}0]}`, "holds 2000003 values, more than 1000000");
  refused(`{"a":${"[".repeat(1_000_000)}`, "is nested in 1000001 levels, more than 3");
  refused(`{"__metadata__":{"a":"${"x".repeat(2 ** 26)}"}}`, "takes 67108889 bytes, more than 67108864");
});

Deno.test("decodeSafetensors() reads more tensors than any network has", () => {
  const tensors = new Map(
    Array.from(
      { length: 20_000 },
      (_, k) => [`layer1.${k}.conv1.weight`, { shape: [1, 1, 1, 1], data: Float32Array.of(k) }],
    ),
  );
  assertEquals(decodeSafetensors(encodeSafetensors(tensors), "a.safetensors").tensors.size, 20_000);
});

Deno.test("decodeCheckpoint() reads the mean of each pixel of large images, and refuses metadata of very many objects", () => {
  const tensors = new Map([["a", { shape: [1], data: Float32Array.of(1) }]]), std = [0.2, 0.3, 0.4];
  const mean = Array.from({ length: 3 * 300 * 300 }, (_, k) => 1 / (k + 3));
  const info = { model: { name: "resnet20", inputShape: [3, 300, 300] as const }, classes: ["a", "b"] };
  const read = decodeCheckpoint(encodeCheckpoint(tensors, { ...info, normalisation: { mean, std } }), "a.safetensors");
  assertEquals(read.info?.normalisation.mean.at(-1), mean.at(-1));
  const hostile = encodeSafetensors(tensors, { residua: `[${"{},".repeat(1_000_000)}{}]` });
  assertThrows(
    () => decodeCheckpoint(hostile, "a.safetensors"),
    DataError,
    "what the file says of its model makes no sense",
  );
});

Deno.test("decodeShards() bounds what an index holds", async () => {
  const text = new TextEncoder(), read = () => Promise.reject(new Error("no shard is to be read"));
  const names = Array.from({ length: 300_000 }, (_, k) => `"${k}":"a.safetensors"`);
  for (const index of [`{"weight_map":{${names}}}`, `{"weight_map":[${"{},".repeat(5000)}{}]}`, "[".repeat(100_000)]) {
    const error = await decodeShards(text.encode(index), "i.json", read).catch((error) => error);
    assertEquals([error instanceof DataError, /i\.json: the JSON .* more than/.test(error.message)], [true, true]);
  }
});

Deno.test("decodeCheckpoint() refuses networks of more classes or larger images than there are", () => {
  const tensors = new Map([["a", { shape: [1], data: Float32Array.of(1) }]]),
    normalisation = { mean: [0, 0, 0], std: [1, 1, 1] };
  for (const model of [{ classes: 1e12 }, { inputShape: [3, 1e6, 1e6] as const }]) {
    const bytes = encodeCheckpoint(tensors, {
      model: { name: "resnet20", ...model },
      classes: ["a", "b"],
      normalisation,
    });
    assertThrows(
      () => decodeCheckpoint(bytes, "a.safetensors"),
      DataError,
      "what the file says of its model makes no sense",
    );
  }
});

/** A legacy file whose value is a pickle of these opcodes. */
function legacy(value: Uint8Array): Uint8Array {
  return concat(LEGACY_MAGIC, pickle(code.integer(1001)), pickle(code.dictionary({ little_endian: [0x88] })), value);
}

Deno.test("decodeTorchFile() bounds the values and objects of a pickle, which take a byte each", () => {
  const repeated = (start: number[], unit: number[], times: number) => {
    const bytes = new Uint8Array(start.length + unit.length * times).fill(0x2e);
    bytes.set(start);
    for (let k = 0; k < times; k++) bytes.set(unit, start.length + k * unit.length);
    return concat([0x80, 2], bytes);
  };
  const storage = code.tuple(
    code.text("storage"),
    code.global("torch", "FloatStorage"),
    code.text("0"),
    code.text("cpu"),
    code.integer(1),
  );
  const cases: readonly (readonly [Uint8Array, string])[] = [
    [repeated([], [0x4e], 5_000_000), "holds more than 4000000 values"],
    [repeated([], [0x28], 5_000_000), "holds more than 4000000 values"],
    [repeated([0x4e], [0x32], 5_000_000), "holds more than 4000000 values"],
    [repeated([], [0x5d], 300_000), "holds more than 200000 lists, dictionaries and objects"],
    [repeated([], [0x63, 10, 10], 300_000), "holds more than 200000 lists, dictionaries and objects"],
    [
      repeated([...storage, 0x71, 1], [0x68, 1, 0x51], 300_000),
      "holds more than 200000 lists, dictionaries and objects",
    ],
  ];
  for (const [bytes, message] of cases) {
    assertThrows(() => decodeTorchFile(legacy(bytes), "a.pth"), DataError, `its pickle ${message}`);
  }
});

Deno.test("decodeTorchFile() walks over very long lists, and over very many dictionaries of tensors", () => {
  const long = concat([0x80, 2, 0x5d, 0x28], new Uint8Array(1_000_000).fill(0x4e), [0x65, 0x2e]);
  assertThrows(
    () => decodeTorchFile(concat(legacy(long), pickle(code.list())), "a.pth"),
    DataError,
    "it holds a list, expected a state_dict",
  );
  // Each under a name of its own: a dictionary of one tensor, which the memo has.
  const tensor = [...tensorCode(), 0x71, 1],
    dictionary = [0x7d, ...code.text("w"), 0x68, 1, 0x73],
    size = 8 + dictionary.length;
  const many = new Uint8Array(130_000 * size);
  for (let k = 0; k < 130_000; k++) {
    many.set([0x58, 3, 0, 0, 0, k & 127, k >> 7 & 127, k >> 14 & 127, ...dictionary], k * size);
  }
  const bytes = concat([0x80, 2, 0x7d, 0x28, ...code.text("t"), ...tensor], many, [0x75, 0x2e]);
  assertThrows(
    () => decodeTorchFile(torchFile(bytes), "a.pth"),
    DataError,
    "several sets of weights that fit equally well",
  );
});

Deno.test("rename() counts timm's blocks of very many stages in one pass", () => {
  const names = Array.from({ length: 50_000 }, (_, k) => `blocks.${k}.0.conv_pw.weight`);
  const { tensors: renamed } = rename(
    new Map([["conv_stem.weight", 0], ...names.map((name, k) => [name, k] as const)]),
  );
  assertEquals([renamed.size, renamed.get("features.40001.conv.0.0.weight")], [50_001, 40_000]);
});
