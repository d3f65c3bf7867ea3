/** Images that a formula gives, resized as PIL and torchvision resized them (`tools/golden_resize.py`). */

import { assertEquals, assertThrows } from "@std/assert";
import { Random, UsageError } from "../../core/mod.ts";
import golden from "../../tests/golden/resize.json" with { type: "json" };
import type { DecodedImage } from "../formats/decoded_image.ts";
import { type Interpolation, resizeAndCrop, resizeBox, resizeImage } from "./resize.ts";

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
  for (const { from, to, interpolation, ...expected } of golden.resized) {
    const result = resizeImage(formula(from), to[0], to[1], interpolation as Interpolation);
    assertEquals(digest(result), expected, `${from} to ${to}, ${interpolation}`);
  }
});

Deno.test("resizeAndCrop() gives torchvision's bytes", () => {
  for (const { from, resize, crop, interpolation, ...expected } of golden.cropped) {
    const result = resizeAndCrop(formula(from), resize, [crop[0], crop[1]], interpolation as Interpolation);
    assertEquals(digest(result), expected, `${from} to ${resize}, cropped to ${crop}, ${interpolation}`);
  }
});

Deno.test("resizeImage() and resizeAndCrop() refuse sizes that are none, and crops that do not fit", () => {
  const image = formula([4, 3]);
  assertThrows(() => resizeImage(image, 0, 3), UsageError, "at least 1 but it is 0 x 3");
  assertThrows(() => resizeAndCrop(image, 2.5, [2, 2]), UsageError, "it is 2.5");
  assertThrows(() => resizeAndCrop(image, 32, [32, 33]), UsageError, "at most 32 x 32 but it is 32 x 33");
  assertThrows(
    () => resizeImage(image, 2, 2, "area" as Interpolation),
    UsageError,
    "bilinear or bicubic but it is area",
  );
});

Deno.test("resizeBox() gives the bytes of resizeImage() in the box, of grey images as well", () => {
  const random = new Random(14), width = 23, height = 17;
  const image = { width, height, pixels: Uint8Array.from({ length: 3 * width * height }, () => random.integer(256)) };
  const grey = { width, height, pixels: image.pixels.filter((_, i) => i % 3 === 1) };
  for (const [newWidth, newHeight] of [[23, 17], [40, 31], [12, 9], [5, 4], [23, 6]]) {
    const whole = resizeImage(image, newWidth, newHeight), box = { left: 2, top: 1, width: 3, height: 2 };
    const part = resizeBox(image, newWidth, newHeight, box), greyPart = resizeBox(grey, newWidth, newHeight, box);
    for (let i = 0; i < 6; i++) {
      const from = ((1 + Math.floor(i / 3)) * newWidth + 2 + i % 3) * 3;
      assertEquals(part.pixels.slice(3 * i, 3 * i + 3), whole.pixels.slice(from, from + 3));
      assertEquals(greyPart.pixels[i], whole.pixels[from + 1]);
    }
  }
  assertEquals(resizeImage(image, width, height).pixels, image.pixels);
});
