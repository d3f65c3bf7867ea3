/** Images as callers have them, a browser's `ImageData` included, and RGB of them. */

import { DataError } from "../../core/mod.ts";
import type { DecodedImage } from "./decoded_image.ts";

/** An image of one (grey), three (RGB) or four (RGBA) bytes a pixel, row by row: a decoder's, or a browser's `ImageData`. */
export type ImageInput =
  & {
    /** Pixels in a row. */
    readonly width: number;
    /** Rows. */
    readonly height: number;
  }
  & ({
    /** The bytes [height, width, channels]. */
    readonly pixels: Uint8Array | Uint8ClampedArray;
  } | {
    /** The bytes [height, width, channels], under the name that `ImageData` gives them. */
    readonly data: Uint8Array | Uint8ClampedArray;
  });

/**
 * Makes RGB of an image: grey three times, transparent pixels laid on white.
 *
 * @param image The image.
 * @param source What it is called, for messages.
 * @returns The pixels [height, width, 3]; those that came where they are RGB already.
 * @throws {DataError} If it has no pixels, or not 1, 3 or 4 bytes for each.
 *
 * @example
 * ```ts
 * import { toRgb } from "@residua/residua/data";
 * const clear = { width: 2, height: 1, data: Uint8ClampedArray.of(10, 20, 30, 255, 10, 20, 30, 0) };
 * console.log(toRgb(clear).pixels); // Uint8Array(6) [ 10, 20, 30, 255, 255, 255 ]
 * ```
 */
export function toRgb(image: ImageInput, source = "the image"): DecodedImage {
  const { width, height } = image, given = "pixels" in image ? image.pixels : image.data;
  const count = width * height, channels = given.length / count;
  if (![width, height].every((side) => Number.isSafeInteger(side) && side > 0) || ![1, 3, 4].includes(channels)) {
    throw new DataError(
      `${source}: expected 1, 3 or 4 bytes a pixel but ${width} x ${height} pixels came with ${given.length} bytes`,
    );
  }
  const bytes = new Uint8Array(given.buffer, given.byteOffset, given.length);
  if (channels === 3) return { width, height, pixels: bytes };
  const pixels = new Uint8Array(count * 3);
  for (let i = 0; i < count; i++) {
    const alpha = channels === 4 ? bytes[i * 4 + 3] : 255;
    for (let c = 0; c < 3; c++) {
      const byte = bytes[channels === 4 ? i * 4 + c : i];
      pixels[i * 3 + c] = Math.round((byte * alpha + 255 * (255 - alpha)) / 255);
    }
  }
  return { width, height, pixels };
}
