import { assert, assertEquals, assertThrows } from "@std/assert";
import { DataError, Random } from "../core/mod.ts";
import { xxh32 } from "./_xxh32.ts";
import { decodeSafetensors, encodeSafetensors, type TensorFile } from "./safetensors.ts";

const tensors = new Map([
  ["conv1.weight", { shape: [2, 1, 1, 3], data: Float32Array.from([1, -2, 3.5, 0, 5, 6]) }],
  ["labels", { shape: [2], data: Uint32Array.from([7, 4000000000]) }],
  ["scalar", { shape: [], data: Float32Array.of(0.25) }],
]);

Deno.test("encodeSafetensors() and decodeSafetensors() round-trip", () => {
  const file = decodeSafetensors(encodeSafetensors(tensors, { about: "a test" }), "memory");
  assertEquals(file.metadata, { about: "a test" });
  assertEquals([...file.tensors], [...tensors]);
});

Deno.test("decodeSafetensors() finds every flipped bit of what encodeSafetensors() wrote, and names the tensor", () => {
  const whole = encodeSafetensors(tensors, { about: "a test" }),
    decode = (bytes: Uint8Array) => decodeSafetensors(bytes, "x");
  const elements = 6 * 4 + 2 * 4 + 4;
  for (let bit = 0; bit < 8 * whole.length; bit++) {
    const bytes = whole.slice(), at = bit >> 3;
    bytes[at] ^= 1 << (bit & 7);
    if (at >= whole.length - elements) {
      const after = at - (whole.length - elements),
        name = after < 24 ? "conv1.weight" : after < 32 ? "labels" : "scalar";
      assertThrows(() => decode(bytes), DataError, `x: the tensor ${name} is not what was written`);
      continue;
    }
    let file: TensorFile;
    try {
      file = decode(bytes);
    } catch (error) {
      assert(error instanceof DataError, String(error));
      continue;
    }
    // A bit of white space, or of the name under which the checksums are found: what counts is as it was.
    assertEquals([...file.tensors], [...tensors], `bit ${bit}`);
    assertEquals(file.metadata.about, "a test", `bit ${bit}`);
  }
});

Deno.test("decodeSafetensors() takes files without checksums, and refuses those of other tensors or metadata", () => {
  const rename = (file: Uint8Array, from: string, to: string) => {
    const text = Array.from(file, (byte) => String.fromCharCode(byte)).join("");
    return Uint8Array.from(text.replace(from, to), (character) => character.charCodeAt(0));
  };
  const whole = encodeSafetensors(tensors, { about: "a test" });
  const without = rename(whole, "residua.checksums", "another.checksums");
  assertEquals([...decodeSafetensors(without, "x").tensors], [...tensors]);
  for (
    const [from, to, told] of [
      ["a test", "a tent", "x: the metadata about is not what was written"],
      ['"labels":{', '"levels":{', "x: it has no checksum of the tensor levels"],
      ['\\"labels\\":', '\\"levels\\":', "x: it has no checksum of the tensor labels"],
      ['"dtype":"F32","shape":[2,1,1,3]', '"dtype":"F32","shape":[2,1,3,1]', "x: the tensor conv1.weight is not what"],
      ['\\"tensors\\"', '\\"tenders\\"', "x: its checksums are malformed"],
    ]
  ) assertThrows(() => decodeSafetensors(rename(whole, from, to), "x"), DataError, told);
});

Deno.test("xxh32() gives the values that its reference gives", () => {
  const hash = (text: string, seed = 0) => xxh32(new TextEncoder().encode(text), seed).toString(16);
  assertEquals(hash(""), "2cc5d05");
  assertEquals(hash("abc"), "32d153ff");
  assertEquals(hash("Nobody inspects the spammish repetition"), "e2293b2f");
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => i), shifted = new Uint8Array(67);
  shifted.set(bytes, 3);
  assertEquals(xxh32(shifted.subarray(3)), xxh32(bytes), "wherever the bytes lie");
});

Deno.test("decodeSafetensors() converts other types and leaves out counts of batches", () => {
  const header = JSON.stringify({
    half: { dtype: "F16", shape: [2], data_offsets: [0, 4] },
    "bn1.num_batches_tracked": { dtype: "I64", shape: [], data_offsets: [4, 12] },
    double: { dtype: "F64", shape: [1], data_offsets: [12, 20] },
    "num_batches_tracked_twice": { dtype: "I16", shape: [1], data_offsets: [20, 22] },
  });
  const bytes = new Uint8Array(8 + header.length + 22), view = new DataView(bytes.buffer, 8 + header.length);
  bytes[0] = header.length & 255;
  bytes[1] = header.length >> 8;
  bytes.set(new TextEncoder().encode(header), 8);
  view.setUint16(0, 0x3c01, true);
  view.setUint16(2, 0xfc00, true);
  view.setBigInt64(4, 2n ** 60n, true);
  view.setFloat64(12, 0.1, true);
  view.setInt16(20, -9, true);
  const { tensors } = decodeSafetensors(bytes, "memory");
  assertEquals([...tensors].map(([name, { shape, data }]) => [name, shape, [...data]]), [
    ["half", [2], [1 + 2 ** -10, -Infinity]],
    ["double", [1], [Math.fround(0.1)]],
    ["num_batches_tracked_twice", [1], [-9]],
  ]);
});

Deno.test("decodeSafetensors() refuses every damaged file with a DataError", () => {
  const whole = encodeSafetensors(tensors), random = new Random(9, "fuzz");
  assertThrows(() => decodeSafetensors(whole.subarray(0, whole.length - 1), "cut"), DataError, "cut: ");
  assertThrows(() => decodeSafetensors(new Uint8Array(3), "short"), DataError, "at least 8 bytes");
  let refused = 0;
  for (let k = 0; k < 2000; k++) {
    const bytes = whole.slice(0, random.integer(10) === 0 ? random.integer(whole.length) : whole.length);
    for (let change = 0; change <= random.integer(4) && bytes.length > 0; change++) {
      bytes[random.integer(Math.min(bytes.length, 300))] = random.integer(256);
    }
    try {
      decodeSafetensors(bytes, "mutated");
    } catch (error) {
      assert(error instanceof DataError, String(error));
      refused++;
    }
  }
  assert(refused > 1000);
});
