import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { Random, UsageError } from "../../core/mod.ts";
import { drawBox } from "./_random_box.ts";
import type { DecodedImage } from "../formats/decoded_image.ts";
import { resizeBox, resizeImage } from "../resize/resize.ts";
import { randomResizedCrop, scaleJitter } from "./transforms.ts";

/** An image whose red says the column and whose green says the row, in steps of 4. */
function gradient(width: number, height: number): DecodedImage {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) pixels.set([4 * x, 4 * y, 77], (y * width + x) * 3);
  }
  return { width, height, pixels };
}

/** Asserts that counts of equally likely outcomes are so by chance at a level of about 1 in 10,000. */
function assertEven(counts: readonly number[]): void {
  const mean = counts.reduce((a, b) => a + b, 0) / counts.length, freedom = counts.length - 1;
  const chiSquare = counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
  // Wilson and Hilferty's approximation of the quantile.
  const bound = freedom * (1 - 2 / (9 * freedom) + 3.72 * Math.sqrt(2 / (9 * freedom))) ** 3;
  assert(chiSquare < bound, `chi-square ${chiSquare} of ${counts} is above ${bound}`);
}

Deno.test("scaleJitter() draws each length and each position as often, and crops the image resized", () => {
  const image = gradient(20, 30), lengths = new Array(5).fill(0), random = new Random(3), again = new Random(3);
  const jitter = scaleJitter(16, 20, [16, 16]), lefts = new Array(5).fill(0), tops: number[] = [];
  for (let k = 0; k < 2000; k++) {
    const shorter = 16 + again.integer(5), longer = Math.trunc(shorter * 30 / 20);
    const left = again.integer(shorter - 16 + 1), top = again.integer(longer - 16 + 1);
    const cropped = jitter(image, random);
    if (k < 40) {
      assertEquals(cropped, resizeBox(image, shorter, longer, { left, top, width: 16, height: 16 }));
      const whole = resizeImage(image, shorter, longer), at = (3 * 16 + 5) * 3;
      assertEquals(cropped.pixels[at], whole.pixels[((top + 3) * shorter + left + 5) * 3]);
    }
    lengths[shorter - 16]++;
    if (shorter === 20) lefts[left]++;
    tops.push(top / (longer - 16));
  }
  assertEven(lengths);
  assertEven(lefts);
  assertAlmostEquals(tops.reduce((a, b) => a + b) / tops.length, 0.5, 0.03);
});

Deno.test("scaleJitter() scales grey images, and refuses a crop that does not fit", () => {
  const grey = { width: 10, height: 10, pixels: new Uint8Array(100).fill(9) };
  assertEquals(scaleJitter(12, 12, [8, 8])(grey, new Random(0)).pixels, new Uint8Array(64).fill(9));
  assertThrows(() => scaleJitter(12, 20, [13, 8]), UsageError, "crop of 13 x 8");
  assertThrows(() => scaleJitter(20, 12, [8, 8]), UsageError, "20 to 12 pixels");
});

Deno.test("drawBox() draws areas evenly, shapes evenly in their logarithm, and lies in the image", () => {
  const random = new Random(5), areas = new Array(8).fill(0), ratios: number[] = [], centres: number[] = [];
  for (let k = 0; k < 4000; k++) {
    const box = drawBox({ width: 400, height: 400 }, [0.1, 0.5], [0.5, 2], random);
    assert(box.left >= 0 && box.top >= 0 && box.left + box.width <= 400 && box.top + box.height <= 400);
    areas[Math.max(0, Math.min(7, Math.floor((box.width * box.height / 160000 - 0.1) / 0.4 * 8)))]++;
    ratios.push(Math.log2(box.width / box.height));
    centres.push((box.left + box.width / 2) / 400);
  }
  assertEven(areas);
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  assertAlmostEquals(mean(ratios), 0, 0.04);
  // The deviation of the even distribution from -1 to 1.
  assertAlmostEquals(Math.sqrt(mean(ratios.map((ratio) => ratio ** 2))), 1 / Math.sqrt(3), 0.02);
  assertAlmostEquals(mean(centres), 0.5, 0.02);
});

Deno.test("drawBox() takes the middle where no box fits", () => {
  const box = drawBox({ width: 100, height: 10 }, [0.9, 1], [3 / 4, 4 / 3], new Random(0));
  assertEquals(box, { left: 43, top: 0, width: 13, height: 10 });
});

Deno.test("randomResizedCrop() gives a part of the image, resized", () => {
  const image = gradient(40, 40), crop = randomResizedCrop([8, 8], { area: [0.25, 0.25], aspect: [1, 1] });
  const random = new Random(1), lefts = new Set<number>();
  for (let k = 0; k < 50; k++) {
    const { width, height, pixels } = crop(image, random);
    assertEquals([width, height, pixels[2]], [8, 8, 77]);
    // 20 columns of the 40 become 8, so that red grows by 10 a pixel.
    assertAlmostEquals(pixels[6 * 3] - pixels[1 * 3], 50, 2);
    lefts.add(pixels[0]);
  }
  assert(lefts.size > 10);
  assertThrows(() => randomResizedCrop([8, 8], { area: [0, 1] }), UsageError, "area to be a range above 0");
});
