/**
 * Resizes images as PIL does, to the bit: bilinear or bicubic with antialiasing, rows first and then columns, each rounded to bytes.
 * Browsers and other libraries resize otherwise, and a network sees the difference; so there is one way, here.
 */

import { UsageError } from "../../core/mod.ts";
import { kernels } from "../_kernels.ts";
import { type Interpolation, INTERPOLATIONS } from "./_filter.ts";
import { resizePlain } from "./_resize_plain.ts";
import { resizeSimd } from "./_resize_simd.ts";
import type { DecodedImage } from "../formats/decoded_image.ts";

export { type Interpolation, INTERPOLATIONS } from "./_filter.ts";

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

/**
 * Makes a box of the image at another size, the bytes of {@link resizeImage} there; only what is kept is computed. It
 * also takes images of one channel.
 *
 * @param image The pixels [H, W, 1 or 3].
 * @param newWidth The width of the whole image after resizing.
 * @param newHeight Its height.
 * @param box What is kept, within those.
 * @param part The part of the image that is resized, as if there were no more of it. Defaults to all of it.
 * @param interpolation How pixels between pixels are made. Defaults to `bilinear`.
 * @returns The pixels [box.height, box.width, 1 or 3].
 */
export function resizeBox(
  image: DecodedImage,
  newWidth: number,
  newHeight: number,
  box: Box,
  part: Box = { left: 0, top: 0, width: image.width, height: image.height },
  interpolation: Interpolation = "bilinear",
): DecodedImage {
  const { width, height, pixels } = image;
  if (newWidth === part.width && newHeight === part.height) {
    return cutBox(image, { ...box, left: part.left + box.left, top: part.top + box.top });
  }
  const simd = pixels.length === width * height * 3 ? kernels() : undefined;
  const resized = simd && resizeSimd(simd, image, newWidth, newHeight, box, part, interpolation);
  if (resized !== undefined) return resized;
  const whole = part.width === width && part.height === height ? image : cutBox(image, part);
  const way = pixels.length === width * height ? resizeGrey : resizePlain;
  return way(whole, newWidth, newHeight, box, interpolation);
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
  interpolation: Interpolation,
): DecodedImage {
  const thrice = Uint8Array.from({ length: pixels.length * 3 }, (_, i) => pixels[Math.floor(i / 3)]);
  const resized = resizeBox({ width, height, pixels: thrice }, newWidth, newHeight, box, undefined, interpolation);
  return { ...resized, pixels: resized.pixels.filter((_, i) => i % 3 === 0) };
}

function checkSize(what: string, ...sides: readonly number[]): void {
  if (sides.every((side) => Number.isSafeInteger(side) && side > 0)) return;
  throw new UsageError(`Expected ${what} to be a whole number of pixels of at least 1 but it is ${sides.join(" x ")}`);
}

function checkInterpolation(interpolation: Interpolation): void {
  if (INTERPOLATIONS.includes(interpolation)) return;
  throw new UsageError(`Expected an interpolation of ${INTERPOLATIONS.join(" or ")} but it is ${interpolation}`);
}

/**
 * Resizes an image, antialiased where it shrinks. The bytes are those of `Image.resize((width, height), BILINEAR)` of PIL
 * 9.4, or of `BICUBIC`.
 *
 * @param image The pixels [H, W, 3].
 * @param width The new width.
 * @param height The new height.
 * @param interpolation How pixels between pixels are made. Defaults to `bilinear`.
 * @returns The pixels [height, width, 3].
 * @throws {UsageError} If a side is not a positive whole number, or there is no such interpolation.
 *
 * @example
 * ```ts
 * import { resizeImage } from "@residua/residua/data";
 * const image = { width: 2, height: 1, pixels: Uint8Array.of(0, 0, 0, 200, 100, 50) };
 * console.log(resizeImage(image, 1, 1).pixels); // Uint8Array(3) [ 100, 50, 25 ]
 * ```
 */
export function resizeImage(
  image: DecodedImage,
  width: number,
  height: number,
  interpolation: Interpolation = "bilinear",
): DecodedImage {
  checkSize("the new size", width, height);
  checkInterpolation(interpolation);
  return resizeBox(image, width, height, { left: 0, top: 0, width, height }, undefined, interpolation);
}

/** Half of a number, a half to the even neighbour, as Python rounds. */
function roundHalf(value: number): number {
  const half = Math.floor(value / 2);
  return value % 2 === 1 && half % 2 === 1 ? half + 1 : half;
}

/** The width and height of an image whose shorter side gets a length; of one that was read smaller as if it was not. */
export function sizeOfShorter(image: DecodedImage, shorter: number): [width: number, height: number] {
  const { width, height } = image.original ?? image;
  const longer = Math.trunc(shorter * Math.max(width, height) / Math.min(width, height));
  return width <= height ? [shorter, longer] : [longer, shorter];
}

/**
 * Resizes an image so that its shorter side has `resize` pixels, and takes the middle, as torchvision's `Resize(resize)`
 * and `CenterCrop(crop)` do with a PIL image, to the bit. Only what is kept is computed.
 *
 * @param image The pixels [H, W, 3].
 * @param resize The length of the shorter side.
 * @param crop The height and width that are kept, neither of which may be more than `resize`.
 * @param interpolation How pixels between pixels are made. Defaults to `bilinear`.
 * @returns The pixels [...crop, 3].
 * @throws {UsageError} If a size is not a positive whole number, the crop does not fit, or there is no such interpolation.
 *
 * @example
 * ```ts
 * import { resizeAndCrop } from "@residua/residua/data";
 * const image = { width: 500, height: 300, pixels: new Uint8Array(500 * 300 * 3) };
 * const { width, height } = resizeAndCrop(image, 256, [224, 224]);
 * console.log(width, height); // 224 224
 * ```
 */
export function resizeAndCrop(
  image: DecodedImage,
  resize: number,
  crop: readonly [number, number],
  interpolation: Interpolation = "bilinear",
): DecodedImage {
  checkSize("the shorter side", resize);
  checkSize("the crop", ...crop);
  checkInterpolation(interpolation);
  const [height, width] = crop;
  if (Math.max(height, width) > resize) {
    throw new UsageError(`Expected a crop of at most ${resize} x ${resize} but it is ${height} x ${width}`);
  }
  const [newWidth, newHeight] = sizeOfShorter(image, resize);
  const left = roundHalf(newWidth - width), top = roundHalf(newHeight - height);
  return resizeBox(image, newWidth, newHeight, { left, top, width, height }, undefined, interpolation);
}
