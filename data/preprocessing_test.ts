import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../core/mod.ts";
import { toRgb } from "./formats/image_input.ts";
import { defaultPreprocessing, Preprocessor } from "./preprocessing.ts";

const random = (count: number) => Uint8Array.from({ length: count }, () => Math.random() * 256);

Deno.test("toRgb() takes grey, RGB and RGBA, and lays what is transparent on white", () => {
  assertEquals([...toRgb({ width: 1, height: 2, pixels: Uint8Array.of(7, 9) }).pixels], [7, 7, 7, 9, 9, 9]);
  const pixels = random(2 * 3 * 3);
  assertEquals(toRgb({ width: 2, height: 3, pixels }), { width: 2, height: 3, pixels });
  const data = Uint8ClampedArray.of(100, 0, 255, 0, 100, 0, 255, 255, 100, 0, 255, 51);
  assertEquals([...toRgb({ width: 3, height: 1, data }).pixels], [255, 255, 255, 100, 0, 255, 224, 204, 255]);
});

Deno.test("toRgb() reads a view of a larger buffer", () => {
  const pixels = random(30);
  assertEquals(toRgb({ width: 3, height: 2, pixels: pixels.subarray(5, 23) }).pixels, pixels.slice(5, 23));
});

Deno.test("toRgb() refuses pixels that are not 1, 3 or 4 bytes", () => {
  const image = (width: number, height: number, bytes: number) => ({ width, height, pixels: new Uint8Array(bytes) });
  for (const wrong of [image(2, 2, 8), image(2, 2, 11), image(0, 5, 0), image(2, 2, 0), image(1.5, 2, 9)]) {
    assertThrows(() => toRgb(wrong, "photo"), DataError, "photo: expected 1, 3 or 4 bytes a pixel");
  }
});

Deno.test("Preprocessor leaves pixels of the network's size as they are, and normalises each channel", () => {
  const normalisation = { mean: [0.4, 0.5, 0.3], std: [0.2, 0.25, 0.35] }, pixels = random(5 * 5 * 3);
  const tensor = new Float32Array(75), preprocessing = defaultPreprocessing([3, 5, 5]);
  new Preprocessor({ preprocessing, normalisation }).write({ width: 5, height: 5, pixels }, tensor);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < 25; i++) {
      const expected = (pixels[i * 3 + c] / 255 - normalisation.mean[c]) / normalisation.std[c];
      assertEquals(tensor[c * 25 + i], Math.fround(expected));
    }
  }
});

Deno.test("Preprocessor takes the middle of a wide image, for a network whose images are no squares", () => {
  const pixels = Uint8Array.from({ length: 6 * 11 * 3 }, (_, i) => Math.trunc(i / 3));
  const preprocessing = { resize: 6, crop: [4, 3], interpolation: "bilinear" } as const, tensor = new Float32Array(36);
  const normalisation = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };
  new Preprocessor({ preprocessing, normalisation }).write({ width: 11, height: 6, pixels }, tensor);
  const middle = [1, 2, 3, 4].flatMap((y) => [4, 5, 6].map((x) => y * 11 + x));
  assertEquals(Array.from(tensor, Math.round), [...middle, ...middle, ...middle]);
});

Deno.test("Preprocessor gives a network of one channel the luma", () => {
  const preprocessing = defaultPreprocessing([1, 1, 1]), normalisation = { mean: [0], std: [1] };
  const luma = (...rgb: number[]) => {
    const tensor = new Float32Array(1);
    new Preprocessor({ preprocessing, normalisation }).write(
      { width: 1, height: 1, pixels: Uint8Array.from(rgb) },
      tensor,
    );
    return Math.round(tensor[0] * 255);
  };
  // What PIL's convert("L") gives.
  assertEquals([luma(255, 0, 0), luma(0, 255, 0), luma(0, 0, 255), luma(77, 77, 77)], [76, 150, 29, 77]);
});

Deno.test("Preprocessor takes a mean for each pixel", () => {
  const mean = Array.from({ length: 12 }, (_, i) => i / 20), preprocessing = defaultPreprocessing([3, 2, 2]);
  const tensor = new Float32Array(12), pixels = random(12);
  new Preprocessor({ preprocessing, normalisation: { mean, std: [0.5, 1, 2] } }).write(
    { width: 2, height: 2, pixels },
    tensor,
  );
  tensor.forEach((value, i) => {
    const c = Math.floor(i / 4);
    assertAlmostEquals(value, (pixels[(i % 4) * 3 + c] / 255 - mean[i]) / [0.5, 1, 2][c], 1e-6);
  });
});

Deno.test("Preprocessor refuses two channels", () => {
  const normalisation = { mean: [0, 0], std: [1, 1] }, preprocessing = defaultPreprocessing([2, 8, 8]);
  assertThrows(() => new Preprocessor({ preprocessing, normalisation }), DataError, "2 means");
});
