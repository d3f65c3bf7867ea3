import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../core/mod.ts";
import { measureNormalisation } from "./statistics.ts";

Deno.test("measureNormalisation() gives each channel's mean and biased deviation, in units of [0, 1]", () => {
  const pixels = Uint8Array.of(0, 10, 200, 210, 20, 30, 220, 250);
  const { mean, std } = measureNormalisation({ count: 2, pixels, labels: new Uint8Array(2) }, [2, 1, 2]);
  assertAlmostEquals(mean[0], 15 / 255, 1e-12);
  assertAlmostEquals(mean[1], 220 / 255, 1e-12);
  assertAlmostEquals(std[0], Math.sqrt(125) / 255, 1e-12);
  assertAlmostEquals(std[1], Math.sqrt(350) / 255, 1e-12);
});

Deno.test("measureNormalisation() gives a channel that never varies the deviation 1", () => {
  const split = { count: 3, pixels: new Uint8Array(12).fill(77), labels: new Uint8Array(3) };
  assertEquals(measureNormalisation(split, [1, 2, 2]), { mean: [77 / 255], std: [1] });
});

Deno.test("measureNormalisation() refuses an empty split", () => {
  const split = { count: 0, pixels: new Uint8Array(), labels: new Uint8Array() };
  assertThrows(() => measureNormalisation(split, [3, 32, 32]), DataError, "the split is empty");
});
