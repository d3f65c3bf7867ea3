/** Resizing by plain loops, for engines without WebAssembly SIMD and as the reference of the kernels. */

import { type Filter, type Interpolation, resizeFilter, WEIGHT_BITS } from "./_filter.ts";
import type { DecodedImage } from "../formats/decoded_image.ts";
import type { Box } from "./resize.ts";

/** Makes a box of the image, of three channels, at another size. */
export function resizePlain(
  { width, height, pixels }: DecodedImage,
  newWidth: number,
  newHeight: number,
  box: Box,
  interpolation: Interpolation,
): DecodedImage {
  const across = resizeFilter(width, newWidth, box.left, box.left + box.width, interpolation);
  const down = resizeFilter(height, newHeight, box.top, box.top + box.height, interpolation);
  const last = box.height - 1, top = down.first[0], rows = down.first[last] + down.count[last] - top;
  const stride = box.width * 3;
  // Cubics overshoot; such arrays clamp what is written to them.
  const narrow = new Uint8ClampedArray(rows * stride), result = new Uint8ClampedArray(box.height * stride);
  for (let y = 0; y < rows; y++) sumColumns(pixels, (top + y) * width * 3, across, narrow, y * stride, box.width);
  for (let y = 0; y < box.height; y++) {
    sumRows(narrow, (down.first[y] - top) * stride, stride, down, y, result, y * stride);
  }
  return { width: box.width, height: box.height, pixels: new Uint8Array(result.buffer) };
}

/** What is added before bits are shifted out, so that the result is rounded. */
const HALF = 1 << (WEIGHT_BITS - 1);

/**
 * One row, each new pixel from its neighbours. Products and sums stay below 2^31; `imul` and `| 0` keep the engine to whole
 * numbers. Three weights, which all images that grow have, are taken at once: a loop would cost as much again.
 */
function sumColumns(
  pixels: Uint8Array,
  row: number,
  { taps, first, count, weights }: Filter,
  narrow: Uint8ClampedArray,
  target: number,
  width: number,
): void {
  if (taps === 3) {
    for (let x = 0; x < width; x++, target += 3) {
      const a = weights[x * 3], b = weights[x * 3 + 1], c = weights[x * 3 + 2];
      // Where there are fewer pixels, their weights are zero.
      const at = row + first[x] * 3, next = at + (count[x] > 1 ? 3 : 0), last = at + (count[x] > 2 ? 6 : 0);
      for (let k = 0; k < 3; k++) {
        narrow[target + k] = (HALF + Math.imul(pixels[at + k], a) + Math.imul(pixels[next + k], b) +
          Math.imul(pixels[last + k], c)) >> WEIGHT_BITS;
      }
    }
    return;
  }
  for (let x = 0; x < width; x++, target += 3) {
    let red = HALF, green = HALF, blue = HALF, at = row + first[x] * 3;
    for (let i = x * taps, end = i + count[x]; i < end; i++, at += 3) {
      const weight = weights[i];
      red = (red + Math.imul(pixels[at], weight)) | 0;
      green = (green + Math.imul(pixels[at + 1], weight)) | 0;
      blue = (blue + Math.imul(pixels[at + 2], weight)) | 0;
    }
    narrow[target] = red >> WEIGHT_BITS;
    narrow[target + 1] = green >> WEIGHT_BITS;
    narrow[target + 2] = blue >> WEIGHT_BITS;
  }
}

/** New row `y`, from rows that begin at `row`; up to four of them are taken at once. */
function sumRows(
  narrow: Uint8ClampedArray,
  row: number,
  stride: number,
  { taps, count, weights }: Filter,
  y: number,
  result: Uint8ClampedArray,
  target: number,
): void {
  const rows = count[y], weight = y * taps;
  if (rows > 4) {
    for (let x = 0; x < stride; x++) {
      let sum = HALF;
      for (let i = 0, at = row + x; i < rows; i++, at += stride) {
        sum = (sum + Math.imul(narrow[at], weights[weight + i])) | 0;
      }
      result[target + x] = sum >> WEIGHT_BITS;
    }
    return;
  }
  const at = (i: number) => i < rows ? row + i * stride : row, of = (i: number) => i < rows ? weights[weight + i] : 0;
  const [second, third, fourth] = [at(1), at(2), at(3)], [a, b, c, d] = [of(0), of(1), of(2), of(3)];
  if (rows <= 2) {
    for (let x = 0; x < stride; x++) {
      result[target + x] = (HALF + Math.imul(narrow[row + x], a) + Math.imul(narrow[second + x], b)) >> WEIGHT_BITS;
    }
    return;
  }
  for (let x = 0; x < stride; x++) {
    result[target + x] = (HALF + Math.imul(narrow[row + x], a) + Math.imul(narrow[second + x], b) +
      Math.imul(narrow[third + x], c) + Math.imul(narrow[fourth + x], d)) >> WEIGHT_BITS;
  }
}
