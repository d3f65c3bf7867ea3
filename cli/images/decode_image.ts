/** Decodes image files by sharp (libvips), which is loaded with the first image. */

import { DataError } from "../../core/mod.ts";
import { type DecodedImage, IMAGE_FORMATS } from "../../data/mod.ts";
import type sharp from "./sharp.ts";

/** Pixels that an image may have: more would need gigabytes, and hardly comes from a camera. */
const MOST_PIXELS = 500_000_000;

/** How files begin that are decoded, dots for bytes that vary: PNG, JPEG, WebP, GIF, TIFF of either order of bytes. */
const KNOWN_KINDS = ["\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "RIFF....WEBP", "GIF87a", "GIF89a", "II*\0", "MM\0*"];

/** How files of other kinds begin, so that the message can name what came. */
const OTHER_KINDS: readonly (readonly [RegExp, string])[] = [
  [/^BM/, "a BMP file"],
  [/^....ftypavi[fs]/s, "an AVIF file"],
  [/^....ftyp/s, "a HEIF image or a video"],
  [/^%PDF/, "a PDF file"],
  [/<svg/, "an SVG file"],
];

/**
 * Decodes a PNG, JPEG, WebP, GIF or TIFF file of any kind, of several frames or pages the first: grey, palette and CMYK images become RGB, 16 bits become 8, transparent pixels
 * are laid on white, and the image is turned upright where its EXIF says how it was taken. Colour profiles are ignored,
 * so that the pixels of RGB images are those that PIL and torchvision see.
 *
 * @param bytes The file's content.
 * @param source The file's name, for messages.
 * @returns The pixels [height, width, 3].
 * @throws {DataError} If it is empty, truncated, damaged, of another format, or has more than 500 million pixels.
 */
export async function decodeImage(bytes: Uint8Array, source: string): Promise<DecodedImage> {
  requireKnownKind(bytes, source);
  const decode = await loadSharp();
  const options = { failOn: "error", ignoreIcc: true, autoOrient: true, limitInputPixels: false } as const;
  try {
    const { width, height } = await decode(bytes, options).metadata();
    if (width * height > MOST_PIXELS) {
      throw new DataError(
        `${source}: expected an image of at most ${MOST_PIXELS / 1e6} megapixels but it has ${width} x ${height}`,
      );
    }
    const { data, info } = await decode(bytes, options).flatten({ background: "#ffffff" }).toColourspace("srgb")
      .raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    return {
      width: info.width,
      height: info.height,
      pixels: new Uint8Array(data.buffer, data.byteOffset, data.length),
    };
  } catch (error) {
    if (error instanceof DataError) throw error;
    const [reason] = (error as Error).message.trim().split("\n");
    throw new DataError(`${source}: the image is truncated or damaged (${reason.trim()}); get the file again`);
  }
}

function requireKnownKind(bytes: Uint8Array, source: string): void {
  if (bytes.length === 0) throw new DataError(`${source}: expected an image (${IMAGE_FORMATS}) but the file is empty`);
  const head = Array.from(bytes.subarray(0, 512), (byte) => String.fromCharCode(byte)).join("");
  if (KNOWN_KINDS.some((kind) => Array.from(kind).every((byte, k) => byte === "." || byte === head[k]))) return;
  const kind = OTHER_KINDS.find(([pattern]) => pattern.test(head))?.[1];
  throw new DataError(
    `${source}: expected an image (${IMAGE_FORMATS}) but ` +
      (kind === undefined ? "the file is none of these" : `the file is ${kind}; convert it to PNG or JPEG`),
  );
}

async function loadSharp(): Promise<typeof sharp> {
  try {
    return (await import("./sharp.ts")).default;
  } catch (error) {
    throw new DataError(`Images cannot be decoded, since the package sharp does not load: ${(error as Error).message}`);
  }
}
