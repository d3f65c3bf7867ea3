/**
 * RandAugment (Cubuk et al. 2020): a few operations drawn from one list, all of one magnitude. The operations and their
 * ranges are torchvision's; what turns or shears brings in from outside is grey.
 */

import { type Random, UsageError } from "../../core/mod.ts";
import type { DecodedImage } from "../formats/decoded_image.ts";
import type { ImageTransform } from "./transforms.ts";

/** The options of {@link randAugment}. */
export interface RandAugmentOptions {
  /** Operations on each image. Defaults to 2. */
  readonly operations?: number;
  /** The magnitude of the operations, from 0 to 30. Defaults to 9. */
  readonly magnitude?: number;
}

/** Each operation once: more leave nothing of an image. */
const MOST_OPERATIONS = 14;
/** The greatest magnitude. */
const STRONGEST = 30;
const GREY = 128;

/** An operation of a strength from 0 to 1 on [H, W, C]; a sign is drawn for those that have a direction. */
interface Operation {
  readonly signed: boolean;
  apply(image: DecodedImage, strength: number): DecodedImage;
}

function channelsOf({ width, height, pixels }: DecodedImage): number {
  return pixels.length / (width * height);
}

/** Each pixel from where an affine map sends it, the nearest one: x' = a·x + b·y + shiftX about the centre, and so on. */
function affine(
  image: DecodedImage,
  [a, b, c, d]: readonly [number, number, number, number],
  shiftX = 0,
  shiftY = 0,
): DecodedImage {
  const { width, height, pixels } = image,
    channels = channelsOf(image),
    result = new Uint8Array(pixels.length).fill(GREY);
  const centreX = (width - 1) / 2, centreY = (height - 1) / 2;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const u = x - centreX - shiftX, v = y - centreY - shiftY;
      const column = Math.round(a * u + b * v + centreX), row = Math.round(c * u + d * v + centreY);
      if (column < 0 || column >= width || row < 0 || row >= height) continue;
      const from = (row * width + column) * channels, to = (y * width + x) * channels;
      for (let k = 0; k < channels; k++) result[to + k] = pixels[from + k];
    }
  }
  return { width, height, pixels: result };
}

/** Every byte through a table. */
function mapBytes({ width, height, pixels }: DecodedImage, change: (byte: number) => number): DecodedImage {
  const table = Uint8ClampedArray.from({ length: 256 }, (_, byte) => change(byte));
  const result = new Uint8Array(pixels.length);
  for (let at = 0; at < result.length; at++) result[at] = table[pixels[at]];
  return { width, height, pixels: result };
}

/** The luma of each pixel (ITU-R 601), or its grey, for each of its bytes. */
function lumas(image: DecodedImage): Float32Array {
  const { pixels } = image, channels = channelsOf(image), result = new Float32Array(pixels.length);
  for (let at = 0; at < pixels.length; at += channels) {
    const luma = channels === 1 ? pixels[at] : 0.299 * pixels[at] + 0.587 * pixels[at + 1] + 0.114 * pixels[at + 2];
    for (let c = 0; c < channels; c++) result[at + c] = luma;
  }
  return result;
}

/** Between an image and a duller one, or beyond: `factor` 0 is the duller, 1 the image itself. */
function blend({ width, height, pixels }: DecodedImage, factor: number, dull: Float32Array): DecodedImage {
  const result = new Uint8ClampedArray(pixels.length);
  for (let at = 0; at < result.length; at++) result[at] = dull[at] + factor * (pixels[at] - dull[at]);
  return { width, height, pixels: new Uint8Array(result.buffer) };
}

function contrast(image: DecodedImage, factor: number): DecodedImage {
  const dull = lumas(image);
  return blend(image, factor, dull.fill(dull.reduce((sum, luma) => sum + luma, 0) / dull.length));
}

/** Against a smoothed image, whose border is as it was. */
function sharpen(image: DecodedImage, factor: number): DecodedImage {
  const { width, height, pixels } = image, channels = channelsOf(image), row = width * channels;
  const smooth = Float32Array.from(pixels);
  for (let y = 1; y < height - 1; y++) {
    for (let at = y * row + channels; at < (y + 1) * row - channels; at++) {
      const above = at - row, below = at + row;
      smooth[at] = (5 * pixels[at] + pixels[at - channels] + pixels[at + channels] +
        pixels[above - channels] + pixels[above] + pixels[above + channels] +
        pixels[below - channels] + pixels[below] + pixels[below + channels]) / 13;
    }
  }
  return blend(image, factor, smooth);
}

/** Each channel stretched to the whole range. */
function stretch(image: DecodedImage): DecodedImage {
  const { width, height, pixels } = image, channels = channelsOf(image);
  // No `slice`: that of Node's `Buffer`, as decoders give, is a view.
  const result = new Uint8Array(pixels);
  for (let c = 0; c < channels; c++) {
    let least = 255, most = 0;
    for (let at = c; at < pixels.length; at += channels) {
      least = Math.min(least, pixels[at]);
      most = Math.max(most, pixels[at]);
    }
    if (most === least) continue;
    for (let at = c; at < pixels.length; at += channels) {
      result[at] = Math.round((pixels[at] - least) * 255 / (most - least));
    }
  }
  return { width, height, pixels: result };
}

/** Each channel so that all values are about equally frequent. */
function equalize(image: DecodedImage): DecodedImage {
  const { width, height, pixels } = image, channels = channelsOf(image);
  // No `slice`: that of Node's `Buffer`, as decoders give, is a view.
  const result = new Uint8Array(pixels);
  for (let c = 0; c < channels; c++) {
    const counts = new Uint32Array(256);
    for (let at = c; at < pixels.length; at += channels) counts[pixels[at]]++;
    const used = counts.findLastIndex((count) => count > 0), step = Math.floor((width * height - counts[used]) / 255);
    if (step === 0) continue;
    const table = new Uint8Array(256);
    let below = step >> 1;
    for (let byte = 0; byte < 256; below += counts[byte++]) table[byte] = Math.min(255, Math.floor(below / step));
    for (let at = c; at < pixels.length; at += channels) result[at] = table[pixels[at]];
  }
  return { width, height, pixels: result };
}

function turn(image: DecodedImage, strength: number): DecodedImage {
  const angle = strength * 30 * Math.PI / 180, cosine = Math.cos(angle), sine = Math.sin(angle);
  return affine(image, [cosine, sine, -sine, cosine]);
}

/** The operations by name. */
export const RAND_AUGMENT_OPERATIONS: Readonly<Record<string, Operation>> = {
  identity: { signed: false, apply: (image) => image },
  shearX: { signed: true, apply: (image, strength) => affine(image, [1, 0.3 * strength, 0, 1]) },
  shearY: { signed: true, apply: (image, strength) => affine(image, [1, 0, 0.3 * strength, 1]) },
  translateX: {
    signed: true,
    apply: (image, strength) => affine(image, [1, 0, 0, 1], Math.trunc(strength * image.width * 150 / 331)),
  },
  translateY: {
    signed: true,
    apply: (image, strength) => affine(image, [1, 0, 0, 1], 0, Math.trunc(strength * image.height * 150 / 331)),
  },
  rotate: { signed: true, apply: turn },
  brightness: { signed: true, apply: (image, strength) => mapBytes(image, (byte) => byte * (1 + 0.9 * strength)) },
  colour: { signed: true, apply: (image, strength) => blend(image, 1 + 0.9 * strength, lumas(image)) },
  contrast: { signed: true, apply: (image, strength) => contrast(image, 1 + 0.9 * strength) },
  sharpness: { signed: true, apply: (image, strength) => sharpen(image, 1 + 0.9 * strength) },
  posterize: {
    signed: false,
    apply: (image, strength) => mapBytes(image, (byte) => byte & (0xff00 >> (8 - Math.round(4 * strength)))),
  },
  solarize: {
    signed: false,
    apply: (image, strength) => mapBytes(image, (byte) => byte >= 255 * (1 - strength) ? 255 - byte : byte),
  },
  autoContrast: { signed: false, apply: stretch },
  equalize: { signed: false, apply: equalize },
};

/**
 * Draws a number of operations for each image, each of the fourteen as likely, with or without its own like before.
 *
 * @param options The number of operations and their magnitude.
 * @throws {UsageError} If there are no whole number of operations, at most 14, or the magnitude is not from 0 to 30.
 *
 * @example
 * ```ts
 * import { Random } from "@residua/residua";
 * import { randAugment } from "@residua/residua/data";
 * const image = { width: 8, height: 8, pixels: new Uint8Array(8 * 8 * 3).fill(100) };
 * console.log(randAugment({ operations: 1 })(image, new Random(1)).pixels.length); // 192
 * ```
 */
export function randAugment(options: RandAugmentOptions = {}): ImageTransform {
  const { operations = 2, magnitude = 9 } = options, all = Object.values(RAND_AUGMENT_OPERATIONS);
  if (!Number.isSafeInteger(operations) || operations < 0 || operations > MOST_OPERATIONS) {
    throw new UsageError(
      `randAugment: expected a whole number of operations from 0 to ${MOST_OPERATIONS} but it is ${operations}`,
    );
  }
  if (!(magnitude >= 0 && magnitude <= STRONGEST)) {
    throw new UsageError(`randAugment: expected a magnitude from 0 to ${STRONGEST} but it is ${magnitude}`);
  }
  return (image, random: Random) => {
    for (let k = 0; k < operations; k++) {
      const operation = all[random.integer(all.length)], sign = operation.signed && random.integer(2) === 1 ? -1 : 1;
      image = operation.apply(image, sign * magnitude / STRONGEST);
    }
    return image;
  };
}
