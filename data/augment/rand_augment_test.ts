import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { Random, UsageError } from "../../core/mod.ts";
import type { DecodedImage } from "../formats/decoded_image.ts";
import { RAND_AUGMENT_OPERATIONS as operations, randAugment } from "./rand_augment.ts";

const random = new Random(6);
const image: DecodedImage = {
  width: 9,
  height: 7,
  pixels: Uint8Array.from({ length: 189 }, () => random.integer(256)),
};

Deno.test("randAugment() keeps size and original, and the same stream gives the same image", () => {
  const before = image.pixels.slice(), augment = randAugment({ operations: 3, magnitude: 20 });
  for (let k = 0; k < 60; k++) {
    const changed = augment(image, new Random(k));
    assertEquals([changed.width, changed.height, changed.pixels.length], [9, 7, 189]);
    assertEquals(augment(image, new Random(k)).pixels, changed.pixels);
  }
  assertEquals(image.pixels, before);
  assertEquals(randAugment({ operations: 0 })(image, new Random(0)).pixels, before);
});

Deno.test("randAugment() draws every operation about as often", () => {
  const names = Object.keys(operations), counts = new Map(names.map((name) => [name, 0]));
  const augment = randAugment({ operations: 1, magnitude: 15 }), stream = new Random(7), twin = new Random(7);
  for (let k = 0; k < 1400; k++) {
    const name = names[twin.integer(names.length)], { signed, apply } = operations[name];
    const sign = signed && twin.integer(2) === 1 ? -1 : 1;
    counts.set(name, counts.get(name)! + 1);
    if (k < 100) assertEquals(augment(image, stream).pixels, apply(image, sign * 0.5).pixels);
  }
  // 14 operations, so a chi-square of 13 degrees of freedom: above 39 once in 5,000.
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0);
  assert(chiSquare < 39, `chi-square ${chiSquare}`);
});

Deno.test("randAugment()'s operations do what they are called", () => {
  const at = ({ pixels }: DecodedImage, x: number, y: number) => pixels[(y * 9 + x) * 3];
  const right = operations.translateX.apply(image, 0.5);
  assertEquals([at(right, 2, 3), at(right, 1, 3)], [at(image, 0, 3), 128]);
  assertEquals(at(operations.translateY.apply(image, -0.5), 4, 0), at(image, 4, 1));
  assertEquals(at(operations.shearX.apply(image, 1), 4, 3), at(image, 4, 3));
  assertEquals(at(operations.rotate.apply(image, 1), 4, 3), at(image, 4, 3));
  assert(operations.rotate.apply(image, 1).pixels.some((byte, i) => byte !== image.pixels[i]));
  for (const name of ["brightness", "colour", "contrast", "sharpness", "shearX", "rotate", "posterize"]) {
    assertEquals(operations[name].apply(image, 0).pixels, image.pixels, `${name} of strength 0 changes something`);
  }
  assertEquals(at(operations.brightness.apply(image, -1), 4, 3), Math.round(at(image, 4, 3) * 0.1));
  assertEquals(at(operations.posterize.apply(image, 1), 4, 3), at(image, 4, 3) & 0xf0);
  assertEquals(at(operations.solarize.apply(image, 1), 4, 3), 255 - at(image, 4, 3));
  const stretched = operations.autoContrast.apply(image, 0).pixels.filter((_, i) => i % 3 === 1);
  assertEquals([Math.min(...stretched), Math.max(...stretched)], [0, 255]);
  const mean = (of: DecodedImage) => of.pixels.reduce((sum, byte) => sum + byte, 0) / of.pixels.length;
  assertAlmostEquals(mean(operations.contrast.apply(image, -0.9)), mean(image), 6);
});

Deno.test("randAugment() takes grey images, and refuses other magnitudes and numbers", () => {
  const grey = { width: 4, height: 4, pixels: Uint8Array.from({ length: 16 }, (_, i) => 16 * i) };
  for (const { apply } of Object.values(operations)) assertEquals(apply(grey, 0.4).pixels.length, 16);
  assertEquals(operations.colour.apply(grey, 0.8).pixels, grey.pixels);
  assertThrows(() => randAugment({ magnitude: 31 }), UsageError, "from 0 to 30");
  assertThrows(() => randAugment({ operations: 1.5 }), UsageError, "whole number of operations");
  assertThrows(() => randAugment({ operations: 1e9 }), UsageError, "from 0 to 14 but it is 1000000000");
});
