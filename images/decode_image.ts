/** Decodes image files by sharp (libvips), which is loaded with the first image, and a few by another package. */

import { argument, DataError, type ResiduaError, sentence } from "../core/mod.ts";
import { type DecodedImage, IMAGE_FORMATS, lackOfMemory, type LeastSize } from "../data/mod.ts";
import type { DecodeBudget } from "./decode_budget.ts";
import { decodeByRust, isAvif, isBmp, isTurnedAvif, sizeOfBmp } from "./decode_rust.ts";
import { loadSharp } from "./load_sharp.ts";
import type { Metadata } from "./sharp.ts";

/** Pixels that an image may have: as many as the largest sensors of phones. A file of a few bytes may have any number. */
export const MOST_MEGAPIXELS = 200;

/** Bounds of what is decoded. */
export interface DecodeLimits {
  /** The most pixels of an image, in millions. Defaults to 200. */
  readonly maxMegapixels?: number;
  /** Waits until an image may take some bytes of memory. Defaults to at once. */
  readonly hold?: (bytes: number) => Promise<void>;
}

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
/** How files begin that sharp decodes, dots for bytes that vary: PNG, JPEG, WebP, GIF, TIFF of either order of bytes. */
const KNOWN_KINDS = ["\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "RIFF....WEBP", "GIF87a", "GIF89a", "II*\0", "MM\0*"];

/** How files of other kinds begin, so that the message can name what came. */
const OTHER_KINDS: readonly (readonly [RegExp, string])[] = [
  [/^....ftypavis/s, "an AVIF image of several frames"],
  [/^....ftyp(?:hei[cfmsx]|hev[cmsx]|mif1|msf1)/s, "a HEIC image"],
  [/^....ftyp/s, "a HEIF image or a video"],
  [/^%PDF/, "a PDF file"],
  [/<svg/, "an SVG file"],
];

/**
 * Decodes a PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF file of any kind, of several frames or pages the first: grey, palette
 * and CMYK images become RGB, 16 bits become 8, transparent pixels are laid on white, and the image is turned upright where
 * its EXIF says how it was taken. Colour profiles are ignored, so that the pixels of RGB images are those that PIL and
 * torchvision see; those of AVIF, and of BMP with 16 bits a pixel, are near them.
 *
 * @param bytes The file's content.
 * @param source The file's name, for messages.
 * @param least The size down to which a JPEG may be read smaller, which takes less time and memory; the pixels are then
 * near those of the whole image resized, and not the same. Defaults to its own.
 * @param limits How large it may be, and whether there is memory for it.
 * @returns The pixels [height, width, 3].
 * @throws {DataError} If it is empty, truncated, damaged, of another format, or has too many pixels.
 * @throws {OutOfMemoryError} If there is no memory left for it.
 */
export async function decodeImage(
  bytes: Uint8Array,
  source: string,
  least?: LeastSize,
  limits: DecodeLimits = {},
): Promise<DecodedImage> {
  const { maxMegapixels = MOST_MEGAPIXELS } = limits;
  requireKnownKind(bytes, source);
  if (isBmp(bytes)) return await decodeBmp(bytes, source, limits);
  const decode = await loadSharp();
  const options = { failOn: "error", ignoreIcc: true, autoOrient: true, limitInputPixels: false } as const;
  try {
    const metadata = await decode(bytes, options).metadata(), { width, height, orientation = 1, format } = metadata;
    expectFewPixels(width, height, maxMegapixels, source);
    if (isAvif(bytes) && !isTurnedAvif(bytes)) {
      await limits.hold?.(bytesNeeded(metadata));
      return await decodeByRust(bytes, { width, height }, source);
    }
    const image = decode(bytes, options), reduced = format === "jpeg" ? reduction(width, height, least) : undefined;
    // What EXIF calls 5 to 8 lies on its side.
    const original = orientation > 4 ? { width: height, height: width } : { width, height };
    if (reduced !== undefined) {
      const sides = [original.width, original.height].map((side) => Math.floor(side / reduced.times));
      image.resize(sides[0], sides[1], { fit: "fill", kernel: "lanczos3", fastShrinkOnLoad: reduced.fast });
    }
    await limits.hold?.(bytesNeeded(metadata, reduced?.times));
    const { data, info } = await image.flatten({ background: "#ffffff" }).toColourspace("srgb")
      .raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    return {
      width: info.width,
      height: info.height,
      pixels: new Uint8Array(data.buffer, data.byteOffset, data.length),
      ...(reduced === undefined ? {} : { original }),
    };
  } catch (error) {
    throw damaged(bytes, source, error);
  }
}

async function decodeBmp(
  bytes: Uint8Array,
  source: string,
  { maxMegapixels = MOST_MEGAPIXELS, hold }: DecodeLimits,
): Promise<DecodedImage> {
  try {
    const size = sizeOfBmp(bytes), { width, height } = size;
    expectFewPixels(width, height, maxMegapixels, source);
    // The pixels as they are unpacked, with a byte for transparency, and without it.
    await hold?.(7 * width * height);
    return await decodeByRust(bytes, size, source);
  } catch (error) {
    throw damaged(bytes, source, error);
  }
}

function damaged(bytes: Uint8Array, source: string, error: unknown): ResiduaError {
  if (error instanceof DataError) return error;
  const lack = lackOfMemory(source, error);
  if (lack !== undefined) return lack;
  // What libvips says depends on what else it decodes meanwhile, and on how the image is read.
  const reason = hasEnd(bytes) ? "what it holds cannot be decoded" : "its end is missing";
  return new DataError(`${source}: the image is truncated or damaged (${reason}); get the file again`);
}

function expectFewPixels(width: number, height: number, maxMegapixels: number, source: string): void {
  if (width * height <= maxMegapixels * 1e6) return;
  throw new DataError(
    sentence`${source}: expected an image of at most ${maxMegapixels} megapixels but it has ${width} x ${height}; if it is ${sentence`right, allow it with ${
      argument("maxMegapixels", Math.ceil(width * height / 1e6))
    }`}`,
  );
}

/** Fewer bytes are left to the garbage collector. */
const LARGE = 2 ** 20;

/** Frees the pixels of a decoded image that nobody needs any more, at once: the garbage collector lets large ones pile up. */
export function discard({ pixels }: DecodedImage): void {
  const { buffer } = pixels;
  if (buffer instanceof ArrayBuffer && pixels.length > LARGE) buffer.transfer(0);
}

/** About as many bytes as it takes to decode an image, a number of times smaller. */
function bytesNeeded(
  { width, height, orientation = 1, format, isProgressive, channels, depth }: Metadata,
  times = 1,
): number {
  const pixels = width * height, made = 3 * pixels / times ** 2;
  // Row by row, but for formats that are decoded as a whole, and for what is to be turned.
  const whole = isProgressive || !["jpeg", "png"].includes(format);
  const samples = format === "jpeg" || depth === "ushort" ? 2 : depth === "uchar" ? 1 : 4;
  return made + (orientation > 1 ? made : 0) +
    (whole ? pixels * samples * (channels + (format === "jpeg" ? 0 : 2)) : 0);
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
  if (isBmp(bytes) || isAvif(bytes)) return;
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

/** What decodes images of a set. */
export type Decoder = (bytes: Uint8Array, source: string, least?: LeastSize) => Promise<DecodedImage>;

/** The decoder of that mode. */
export function decoderOf(mode: DecodeMode, limits?: DecodeLimits): Decoder {
  return (bytes, source, least) => decodeImage(bytes, source, mode === "reduced" ? least : undefined, limits);
}

/** The decoder of that mode whose images share a budget while they are decoded. */
export function budgetedDecoder(mode: DecodeMode, budget: DecodeBudget, maxMegapixels?: number): Decoder {
  return async (bytes, source, least) => {
    using held = budget.reserve();
    return await decoderOf(mode, { maxMegapixels, hold: (bytes) => held.hold(bytes) })(bytes, source, least);
  };
}
