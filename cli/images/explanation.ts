/** A picture of what a network saw: the photo as it sees it, and beside it the same under the map of a class. */

import { Buffer } from "node:buffer";
import type { DecodedImage, Preprocessing } from "../../data/mod.ts";
import { loadSharp } from "../../images/mod.ts";
import { type ClassMap, resizeMap } from "../../inference/mod.ts";
import { captionSvg } from "./contact_sheet.ts";

/** The part of a photo that a network sees, in the photo's own pixels as far as they are of use. */
export interface Picture {
  readonly height: number;
  readonly width: number;
  /** The bytes [height, width, 3]. */
  readonly pixels: Uint8Array;
}

/** The longer side of a picture, in pixels. */
const LEAST_SIDE = 224, MOST_SIDE = 512;
const GAP = 8, CAPTION = 26, FONT = 15;
/** How much of the map is seen where it is largest. */
const OPACITY = 0.6;

/**
 * The part of an image that a network sees.
 *
 * @throws {DataError} If sharp does not load.
 */
export async function pictureOf(image: DecodedImage, { resize, crop }: Preprocessing): Promise<Picture> {
  const { width: w, height: h } = image.original ?? image, scale = Math.min(w, h) / resize;
  // A decoder may have made it smaller already.
  const across = image.width / w, down = image.height / h;
  const size = [Math.min(image.height, crop[0] * scale * down), Math.min(image.width, crop[1] * scale * across)];
  const [height, width] = size.map((side) => Math.max(1, Math.round(side)));
  const longer = Math.max(height, width), factor = Math.min(MOST_SIDE, Math.max(LEAST_SIDE, longer)) / longer;
  const [rows, columns] = [height, width].map((side) => Math.max(1, Math.round(side * factor)));
  const sharp = await loadSharp();
  const { data } = await sharp(image.pixels, { raw: { width: image.width, height: image.height, channels: 3 } })
    .extract({
      left: Math.round((image.width - width) / 2 - 0.1),
      top: Math.round((image.height - height) / 2 - 0.1),
      width,
      height,
    })
    .resize(columns, rows, { fit: "fill", kernel: factor > 2 ? "nearest" : "lanczos3" })
    .raw().toBuffer({ resolveWithObject: true });
  return { height: rows, width: columns, pixels: data };
}

/**
 * Draws a photo and the map of a class over it: from nothing by blue and yellow to red, the largest value.
 *
 * @param picture What the network saw.
 * @param map The map, of any size. Values below 0 are not drawn.
 * @param caption What stands below.
 * @returns The PNG's bytes.
 * @throws {DataError} If sharp does not load.
 */
export async function drawExplanation(picture: Picture, map: ClassMap, caption: string): Promise<Uint8Array> {
  const { height, width, pixels } = picture, { values } = resizeMap(map, [height, width]), sharp = await loadSharp();
  const largest = map.values.reduce((most, value) => Math.max(most, value), 0);
  const covered = new Uint8Array(pixels.length);
  values.forEach((value, i) => {
    const share = largest > 0 ? Math.max(0, value) / largest : 0, opacity = OPACITY * Math.sqrt(share);
    heat(share).forEach((colour, c) => covered[3 * i + c] = (1 - opacity) * pixels[3 * i + c] + opacity * colour);
  });
  const raw = { raw: { width, height, channels: 3 } } as const, total = 2 * width + GAP;
  const sheet = { width: total, height: height + CAPTION, channels: 3, background: "#ffffff" } as const;
  const pictures = await Promise.all([pixels, covered].map((bytes) => sharp(bytes, raw).png().toBuffer()));
  return await sharp({ create: sheet }).composite([
    ...pictures.map((input, k) => ({ input, left: k * (width + GAP), top: 0 })),
    { input: Buffer.from(captionSvg(caption, [CAPTION, total], FONT)), left: 0, top: height },
  ]).png().toBuffer();
}

/** Red, green and blue of a share from 0 to 1, by the colours that such maps usually have: blue, green, yellow, red. */
function heat(share: number): number[] {
  return [3, 2, 1].map((peak) => 255 * Math.min(1, Math.max(0, 1.5 - Math.abs(4 * share - peak))));
}
