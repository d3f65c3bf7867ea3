/** Images that a formula gives, resized as PIL and torchvision resized them (`tools/golden_resize.py`). */

import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../core/mod.ts";
import golden from "../tests/golden/resize.json" with { type: "json" };
import type { DecodedImage } from "./decoded_image.ts";
import { resizeAndCrop, resizeImage } from "./resize.ts";

function formula([width, height]: number[]): DecodedImage {
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const x = Math.imul(i ^ (width * 65536 + height), 0x9e3779b9);
    return Math.imul(x ^ (x >>> 15), 0x85ebca6b) >>> 24;
  });
  return { width, height, pixels };
}

function digest({ width, height, pixels }: DecodedImage) {
  const hash = pixels.reduce((h, byte) => Math.imul(h ^ byte, 0x01000193), 0x811c9dc5) >>> 0;
  const middle = ((height >> 1) * width + (width >> 1)) * 3;
  return { width, height, hash, first: [...pixels.subarray(0, 3)], middle: [...pixels.subarray(middle, middle + 3)] };
}

Deno.test("resizeImage() gives PIL's bytes", () => {
  for (const { from, to, ...expected } of golden.resized) {
    assertEquals(digest(resizeImage(formula(from), to[0], to[1])), expected, `${from} to ${to}`);
  }
});

Deno.test("resizeAndCrop() gives torchvision's bytes", () => {
  for (const { from, resize, crop, ...expected } of golden.cropped) {
    const result = resizeAndCrop(formula(from), resize, [crop[0], crop[1]]);
    assertEquals(digest(result), expected, `${from} to ${resize}, cropped to ${crop}`);
  }
});

Deno.test("resizeImage() and resizeAndCrop() refuse sizes that are none, and crops that do not fit", () => {
  const image = formula([4, 3]);
  assertThrows(() => resizeImage(image, 0, 3), UsageError, "at least 1 but it is 0 x 3");
  assertThrows(() => resizeAndCrop(image, 2.5, [2, 2]), UsageError, "it is 2.5");
  assertThrows(() => resizeAndCrop(image, 32, [32, 33]), UsageError, "at most 32 x 32 but it is 32 x 33");
});
