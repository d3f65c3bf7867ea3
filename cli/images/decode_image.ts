/** Decodes image files by sharp (libvips), which is loaded with the first image. */

import { DataError } from "../../core/mod.ts";
import { type DecodedImage, IMAGE_FORMATS, type LeastSize } from "../../data/mod.ts";
import { loadSharp } from "./load_sharp.ts";

/** Pixels that an image may have: more would need gigabytes, and hardly comes from a camera. */
const MOST_PIXELS = 500_000_000;

/**
 * How many times smaller a JPEG may be read, the largest first, and whether libjpeg does as much of it as it can. It makes
 * images 2, 4 and 8 times smaller of the coefficients, which sharp asks for where more is wanted; a filter does the rest.
 * Its 8 times smaller images lose more than PIL's draft mode may.
 */
const REDUCTIONS = [
  { times: 9, fast: false },
  { times: 5, fast: true },
  { times: 3, fast: true },
];
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
 * @param least The size down to which a JPEG may be read smaller, which takes less time and memory; the pixels are then
 * near those of the whole image resized, and not the same. Defaults to its own.
 * @returns The pixels [height, width, 3].
 * @throws {DataError} If it is empty, truncated, damaged, of another format, or has more than 500 million pixels.
 */
export async function decodeImage(bytes: Uint8Array, source: string, least?: LeastSize): Promise<DecodedImage> {
  requireKnownKind(bytes, source);
  const decode = await loadSharp();
  const options = { failOn: "error", ignoreIcc: true, autoOrient: true, limitInputPixels: false } as const;
  try {
    const { width, height, orientation = 1, format } = await decode(bytes, options).metadata();
    if (width * height > MOST_PIXELS) {
      throw new DataError(
        `${source}: expected an image of at most ${MOST_PIXELS / 1e6} megapixels but it has ${width} x ${height}`,
      );
    }
    const image = decode(bytes, options), reduced = format === "jpeg" ? reduction(width, height, least) : undefined;
    // What EXIF calls 5 to 8 lies on its side.
    const original = orientation > 4 ? { width: height, height: width } : { width, height };
    if (reduced !== undefined) {
      const sides = [original.width, original.height].map((side) => Math.floor(side / reduced.times));
      image.resize(sides[0], sides[1], { fit: "fill", kernel: "lanczos3", fastShrinkOnLoad: reduced.fast });
    }
    const { data, info } = await image.flatten({ background: "#ffffff" }).toColourspace("srgb")
      .raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    return {
      width: info.width,
      height: info.height,
      pixels: new Uint8Array(data.buffer, data.byteOffset, data.length),
      ...(reduced === undefined ? {} : { original }),
    };
  } catch (error) {
    if (error instanceof DataError) throw error;
    // What libvips says depends on what else it decodes meanwhile, and on how the image is read.
    const reason = hasEnd(bytes) ? "what it holds cannot be decoded" : "its end is missing";
    throw new DataError(`${source}: the image is truncated or damaged (${reason}); get the file again`);
  }
}

/** How many times smaller an image may be read. */
function reduction(
  width: number,
  height: number,
  least: LeastSize | undefined,
): (typeof REDUCTIONS)[number] | undefined {
  if (least === undefined) return undefined;
  return REDUCTIONS.find(({ times }) => {
    const sides = [Math.floor(width / times), Math.floor(height / times)];
    return Math.min(...sides) >= least.side && sides[0] * sides[1] >= least.pixels;
  });
}

/** The bytes at the end of a file in which its end marker may stand; some cameras write zeros after it. */
const TAIL = 4096;
/** The markers of the end, by the first byte of a JPEG and of a PNG. */
const ENDS: Readonly<Record<number, string>> = { 0xff: "\xff\xd9", 0x89: "IEND" };

/** Whether a file has the marker of its end, where its format has one. */
function hasEnd(bytes: Uint8Array): boolean {
  const tail = Array.from(bytes.subarray(-TAIL), (byte) => String.fromCharCode(byte)).join("");
  return tail.includes(ENDS[bytes[0]] ?? "");
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

/** How large JPEGs are decoded: smaller where that serves, or in full. */
export const DECODE_MODES = ["reduced", "full"] as const;

/** One of {@link DECODE_MODES}. */
export type DecodeMode = (typeof DECODE_MODES)[number];

/** The decoder of that mode. */
export function decoderOf(mode: DecodeMode): typeof decodeImage {
  return mode === "reduced" ? decodeImage : (bytes, source) => decodeImage(bytes, source);
}
