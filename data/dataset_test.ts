import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../core/mod.ts";
import { createLabels, MemoryDataset } from "./dataset.ts";

Deno.test("createLabels() is as narrow as the number of classes allows", () => {
  assertEquals([256, 257, 65536, 65537].map((classes) => createLabels(3, classes).BYTES_PER_ELEMENT), [1, 2, 2, 4]);
  assertEquals(createLabels(3, 10).length, 3);
});

Deno.test("MemoryDataset.read() puts the channels side by side", () => {
  const set = new MemoryDataset([2, 1, 3], Uint8Array.from({ length: 12 }, (_, i) => i), Uint8Array.of(0, 1));
  assertEquals(set.count, 2);
  assertEquals(set.read(1), { width: 3, height: 1, pixels: Uint8Array.of(6, 9, 7, 10, 8, 11) });
});

Deno.test("MemoryDataset refuses bytes that are not as many as its labels and shape say", () => {
  const make = () => new MemoryDataset([3, 2, 2], new Uint8Array(23), new Uint8Array(2));
  assertThrows(make, DataError, "Expected 2 images of 3x2x2 bytes");
});
