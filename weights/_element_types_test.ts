import { assert, assertEquals, assertThrows } from "@std/assert";
import { DataError, Random } from "../core/mod.ts";
import { ELEMENT_TYPES, readElements } from "./_element_types.ts";

const read = (type: string, bytes: Uint8Array, count: number) =>
  readElements(bytes, ELEMENT_TYPES.get(type)!, { shape: [count] }, count, "the tensor x");

Deno.test("readElements() reads all 65,536 values of float16 and of bfloat16 exactly", () => {
  const bytes = new Uint8Array(Uint16Array.from({ length: 65536 }, (_, k) => k).buffer),
    view = new DataView(bytes.buffer);
  const half = read("F16", bytes, 65536), brain = read("BF16", bytes, 65536);
  const words = Float32Array.from(brain), upper = new Uint32Array(words.buffer);
  for (let k = 0; k < 65536; k++) {
    assert(Object.is(half[k], view.getFloat16(2 * k, true)), `float16 0x${k.toString(16)}: ${half[k]}`);
    assert(Number.isNaN(brain[k]) ? (k & 0x7fff) > 0x7f80 : upper[k] === k * 65536, `bfloat16 0x${k.toString(16)}`);
  }
});

Deno.test("readElements() rounds float64 to the nearest, and keeps whole numbers up to 2^24", () => {
  const random = new Random(3, "float64");
  const values = Float64Array.from({ length: 1000 }, () => random.normal() * 10 ** random.uniform(-50, 42));
  assertEquals([...read("F64", new Uint8Array(values.buffer), 1000)], [...values].map(Math.fround));
  for (const [type, make] of [["I64", BigInt64Array], ["U64", BigUint64Array]] as const) {
    const bytes = (value: bigint) => new Uint8Array(make.of(value).buffer);
    assertEquals(read(type, bytes(2n ** 24n), 1)[0], 2 ** 24);
    assertThrows(() => read(type, bytes(2n ** 24n + 1n), 1), DataError, "the tensor x holds the whole number 16777217");
  }
  assertEquals([...read("I32", new Uint8Array(Int32Array.of(-5, 2 ** 24).buffer), 2)], [-5, 2 ** 24]);
  assertThrows(() => read("I32", new Uint8Array(Int32Array.of(-(2 ** 24) - 1).buffer), 1), DataError, "-16777217");
  assertEquals([...read("BOOL", Uint8Array.of(0, 1, 7), 3)], [0, 1, 1]);
});

Deno.test("readElements() gathers strided tensors as plain loops do", () => {
  const data = Float32Array.from({ length: 200 }, (_, k) => k), bytes = new Uint8Array(data.buffer);
  const type = ELEMENT_TYPES.get("F32")!;
  for (const [shape, strides, offset] of [[[3, 4, 5], [1, 15, 3], 7], [[2, 1, 3], [0, 99, 50], 4], [[5], [0], 2]]) {
    const [a, b = 1, c = 1] = shape as number[], [i, j = 0, k = 0] = strides as number[], expected: number[] = [];
    for (let x = 0; x < a; x++) {
      for (let y = 0; y < b; y++) {
        for (let z = 0; z < c; z++) expected.push(data[(offset as number) + x * i + y * j + z * k]);
      }
    }
    const layout = { shape: shape as number[], strides: strides as number[], offset: offset as number };
    assertEquals([...readElements(bytes, type, layout, a * b * c, "x")], expected);
  }
});
