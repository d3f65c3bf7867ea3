import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { f16 } from "../graph/shape.ts";
import { deviceBytes, hostElements } from "./float16.ts";
import { float16Bits, float16Value } from "./float16_bits.ts";
import { Random } from "./random.ts";

Deno.test("all 65,536 halves come back from their bits, and agree with the engine's Float16Array", () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, k) => k), values = new Float16Array(bits.buffer);
  for (let k = 0; k < 65536; k++) {
    assert(Object.is(float16Value(k), values[k]), `${k}: ${float16Value(k)}, not ${values[k]}`);
    if (!Number.isNaN(values[k])) assertEquals(float16Bits(values[k]), k);
    else assert(Number.isNaN(float16Value(float16Bits(NaN))));
  }
});

Deno.test("float16Bits() rounds to the nearest half, ties to even, as Math.f16round does", () => {
  const check = (value: number) => {
    const rounded = float16Value(float16Bits(value));
    assert(Object.is(rounded, Math.f16round(value)), `${value}: ${rounded}, not ${Math.f16round(value)}`);
  };
  // Between each two neighbours: the middle, and the numbers beside it and beside the halves.
  for (let k = 0; k < 0x7c00; k++) {
    const low = float16Value(k), high = k === 0x7bff ? 65536 : float16Value(k + 1), middle = (low + high) / 2;
    const little = (high - low) * 2 ** -30;
    for (const value of [low + little, middle - little, middle, middle + little, high - little]) {
      check(value);
      check(-value);
    }
  }
  const random = new Random(5, "halves");
  for (let k = 0; k < 20_000; k++) check(random.normal() * 2 ** random.uniform(-30, 20));
  for (
    const value of [0, -0, NaN, Infinity, -Infinity, 65519.99, 65520, 1e300, 5e-324, 2 ** -25, 2 ** -25 + 2 ** -50]
  ) {
    check(value);
  }
});

Deno.test("elements reach a device as the same bytes where the engine has no Float16Array", async () => {
  const random = new Random(6, "elements"), spec = f16([37]);
  const data = Float32Array.from({ length: 37 }, () => random.normal() * 2 ** random.uniform(-20, 10));
  const { buffer } = deviceBytes(spec, data), back = hostElements(spec, buffer, 37);
  const script = `delete globalThis.Float16Array; delete Math.f16round;
const { deviceBytes, hostElements, roundToFloat16 } = await import("${new URL("float16.ts", import.meta.url)}");
const spec = { shape: [37], dtype: "f16" }, data = Float32Array.from(${JSON.stringify([...data])});
const { buffer } = deviceBytes(spec, data), back = hostElements(spec, buffer, 37);
roundToFloat16(data);
console.log(JSON.stringify([[...new Uint8Array(buffer)], [...back], [...data]]));`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", script],
    cwd: fileURLToPath(new URL(".", import.meta.url)),
  }).output();
  const decoder = new TextDecoder();
  assertEquals(
    JSON.parse(decoder.decode(stdout) || JSON.stringify(decoder.decode(stderr))),
    [[...new Uint8Array(buffer)], [...back], [...back].map((value) => Math.abs(value) < 2 ** -14 ? 0 : value)],
  );
});
