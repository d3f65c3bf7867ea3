/**
 * Resizes images as PIL does, to the bit: bilinear with antialiasing, rows first and then columns, each rounded to bytes.
 * Browsers and other libraries resize otherwise, and a network sees the difference; so there is one way, here.
 */

import { UsageError } from "../core/mod.ts";
import type { DecodedImage } from "./decoded_image.ts";

/** Weights are whole multiples of 2^-22, so that a sum of bytes by weights fits 31 bits. */
const WEIGHT_BITS = 22;

/** A part of an image, in whole pixels. */
export interface Box {
  /** The first column. */
  readonly left: number;
  /** The first row. */
  readonly top: number;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** Which pixels of a line make each new pixel, and by which weights. */
interface Filter {
  /** The most weights of a new pixel. */
  readonly taps: number;
  /** The first pixel of each. */
  readonly first: Int32Array;
  /** How many pixels each takes. */
  readonly count: Int32Array;
  /** The weights [new pixels, taps]. */
  readonly weights: Int32Array;
}

/**
 * The filter from `size` pixels to `length`: a triangle as wide as two new pixels, or as two old ones where the image
 * grows, around each new pixel's centre.
 */
function triangleFilter(size: number, length: number, from: number, to: number): Filter {
  const scale = size / length, reach = Math.max(1, scale), taps = Math.ceil(reach) * 2 + 1;
  const first = new Int32Array(to - from), count = new Int32Array(to - from);
  const weights = new Int32Array((to - from) * taps), line = new Float64Array(taps);
  for (let k = 0; k < to - from; k++) {
    const centre = (from + k + 0.5) * scale;
    first[k] = Math.max(0, Math.trunc(centre - reach + 0.5));
    count[k] = Math.min(size, Math.trunc(centre + reach + 0.5)) - first[k];
    let sum = 0;
    for (let i = 0; i < count[k]; i++) {
      line[i] = Math.max(0, 1 - Math.abs((first[k] + i - centre + 0.5) / reach));
      sum += line[i];
    }
    for (let i = 0; i < count[k]; i++) weights[k * taps + i] = Math.floor(line[i] / sum * 2 ** WEIGHT_BITS + 0.5);
  }
  return { taps, first, count, weights };
}

/**
 * Makes a box of the image at another size, the bytes of {@link resizeImage} there; only what is kept is computed. It
 * also takes images of one channel.
 *
 * @param image The pixels [H, W, 1 or 3].
 * @param newWidth The width of the whole image after resizing.
 * @param newHeight Its height.
 * @param box What is kept, within those.
 * @returns The pixels [box.height, box.width, 1 or 3].
 */
export function resizeBox(image: DecodedImage, newWidth: number, newHeight: number, box: Box): DecodedImage {
  const { width, height, pixels } = image;
  if (newWidth === width && newHeight === height) return cutBox(image, box);
  if (pixels.length === width * height) return resizeGrey(image, newWidth, newHeight, box);
  const across = triangleFilter(width, newWidth, box.left, box.left + box.width);
  const down = triangleFilter(height, newHeight, box.top, box.top + box.height);
  const last = box.height - 1, top = down.first[0], rows = down.first[last] + down.count[last] - top;
  const stride = box.width * 3, narrow = new Uint8Array(rows * stride), result = new Uint8Array(box.height * stride);
  for (let y = 0; y < rows; y++) sumColumns(pixels, (top + y) * width * 3, across, narrow, y * stride, box.width);
  for (let y = 0; y < box.height; y++) {
    sumRows(narrow, (down.first[y] - top) * stride, stride, down, y, result, y * stride);
  }
  return { width: box.width, height: box.height, pixels: result };
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
  narrow: Uint8Array,
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
  narrow: Uint8Array,
  row: number,
  stride: number,
  { taps, count, weights }: Filter,
  y: number,
  result: Uint8Array,
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

/** Takes a box out of an image of any number of channels. */
export function cutBox({ width, height, pixels }: DecodedImage, box: Box): DecodedImage {
  const channels = pixels.length / (width * height), row = box.width * channels;
  const result = new Uint8Array(box.height * row);
  for (let y = 0; y < box.height; y++) {
    const from = ((box.top + y) * width + box.left) * channels;
    result.set(pixels.subarray(from, from + row), y * row);
  }
  return { width: box.width, height: box.height, pixels: result };
}

/** A grey image goes through the same arithmetic as one of three equal channels. */
function resizeGrey(
  { width, height, pixels }: DecodedImage,
  newWidth: number,
  newHeight: number,
  box: Box,
): DecodedImage {
  const thrice = Uint8Array.from({ length: pixels.length * 3 }, (_, i) => pixels[Math.floor(i / 3)]);
  const resized = resizeBox({ width, height, pixels: thrice }, newWidth, newHeight, box);
  return { ...resized, pixels: resized.pixels.filter((_, i) => i % 3 === 0) };
}

function checkSize(what: string, ...sides: readonly number[]): void {
  if (sides.every((side) => Number.isSafeInteger(side) && side > 0)) return;
  throw new UsageError(`Expected ${what} to be a whole number of pixels of at least 1 but it is ${sides.join(" x ")}`);
}

/**
 * Resizes an image: bilinear, antialiased where it shrinks. The bytes are those of `Image.resize((width, height),
 * BILINEAR)` of PIL 9.4.
 *
 * @param image The pixels [H, W, 3].
 * @param width The new width.
 * @param height The new height.
 * @returns The pixels [height, width, 3].
 * @throws {UsageError} If a side is not a positive whole number.
 *
 * @example
 * ```ts
 * import { resizeImage } from "./mod.ts";
 * const image = { width: 2, height: 1, pixels: Uint8Array.of(0, 0, 0, 200, 100, 50) };
 * console.log(resizeImage(image, 1, 1).pixels); // Uint8Array(3) [ 100, 50, 25 ]
 * ```
 */
export function resizeImage(image: DecodedImage, width: number, height: number): DecodedImage {
  checkSize("the new size", width, height);
  return resizeBox(image, width, height, { left: 0, top: 0, width, height });
}

/** Half of a number, a half to the even neighbour, as Python rounds. */
function roundHalf(value: number): number {
  const half = Math.floor(value / 2);
  return value % 2 === 1 && half % 2 === 1 ? half + 1 : half;
}

/**
 * Resizes an image so that its shorter side has `resize` pixels, and takes the middle, as torchvision's `Resize(resize)`
 * and `CenterCrop(crop)` do with a PIL image, to the bit. Only what is kept is computed.
 *
 * @param image The pixels [H, W, 3].
 * @param resize The length of the shorter side.
 * @param crop The height and width that are kept, neither of which may be more than `resize`.
 * @returns The pixels [...crop, 3].
 * @throws {UsageError} If a size is not a positive whole number, or the crop does not fit.
 *
 * @example
 * ```ts
 * import { resizeAndCrop } from "./mod.ts";
 * const image = { width: 500, height: 300, pixels: new Uint8Array(500 * 300 * 3) };
 * const { width, height } = resizeAndCrop(image, 256, [224, 224]);
 * console.log(width, height); // 224 224
 * ```
 */
export function resizeAndCrop(image: DecodedImage, resize: number, crop: readonly [number, number]): DecodedImage {
  checkSize("the shorter side", resize);
  checkSize("the crop", ...crop);
  const [height, width] = crop;
  if (Math.max(height, width) > resize) {
    throw new UsageError(`Expected a crop of at most ${resize} x ${resize} but it is ${height} x ${width}`);
  }
  const longer = Math.trunc(resize * Math.max(image.width, image.height) / Math.min(image.width, image.height));
  const [newWidth, newHeight] = image.width <= image.height ? [resize, longer] : [longer, resize];
  const left = roundHalf(newWidth - width), top = roundHalf(newHeight - height);
  return resizeBox(image, newWidth, newHeight, { left, top, width, height });
}
