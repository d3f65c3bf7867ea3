import { assert, assertEquals, assertThrows } from "@std/assert";
import { DataError, Random } from "../core/mod.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

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
