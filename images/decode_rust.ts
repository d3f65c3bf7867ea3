/**
 * Decodes BMP and AVIF files by `@napi-rs/image` (the Rust package image, and libavif), which is loaded with the first of
 * them. Sharp has no BMP, and doubles the halved colours of AVIF without interpolating them, as PIL does.
 */

import { DataError } from "../core/mod.ts";
import { type DecodedImage, toRgb } from "../data/mod.ts";
import { whyNotLoaded } from "../files/mod.ts";
import type { Transformer } from "./napi_image.ts";

/** How long the headers of BMP files are: of OS/2's two, and of the versions of Windows'. */
const BMP_HEADERS = [12, 64, 40, 52, 56, 108, 124];

/** Where the boxes are that say how an AVIF is turned: before its pixels. */
const BOXES = 4096;

/** The bytes as text, a character each. */
function textOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** Whether these bytes begin a BMP file: the letters alone begin many a text. */
export function isBmp(bytes: Uint8Array): boolean {
  return textOf(bytes.subarray(0, 2)) === "BM" && BMP_HEADERS.includes(bytes[14]) &&
    [15, 16, 17].every((at) => bytes[at] === 0);
}

/** Whether these bytes begin an AVIF file of one image, by the brands that it names. */
export function isAvif(bytes: Uint8Array): boolean {
  if (textOf(bytes.subarray(4, 8)) !== "ftyp") return false;
  const brands = textOf(bytes.subarray(8, Math.min(bytes[2] * 256 + bytes[3], 256)));
  return brands.includes("avif") && !brands.startsWith("avis");
}

/** Whether an AVIF file is to be turned or mirrored, which this decoder does not. */
export function isTurnedAvif(bytes: Uint8Array): boolean {
  const boxes = textOf(bytes.subarray(0, BOXES));
  return isAvif(bytes) && (boxes.includes("irot") || boxes.includes("imir"));
}

/**
 * Decodes a BMP or AVIF file; transparent pixels are laid on white.
 *
 * @param bytes The file's content.
 * @param size Its width and height: the package unpacks a file to tell them.
 * @param source The file's name, for messages.
 * @throws What is wrong with a damaged file, as the package says it.
 */
export async function decodeByRust(
  bytes: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
  source: string,
): Promise<DecodedImage> {
  const pixels = await new (await loadPackage())(bytes).rawPixels();
  return toRgb({ width, height, pixels }, source);
}

/** The width and height that a BMP file's header says. */
export function sizeOfBmp(bytes: Uint8Array): { readonly width: number; readonly height: number } {
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes[14] === BMP_HEADERS[0]) return { width: header.getUint16(18, true), height: header.getUint16(20, true) };
  // A negative height says that the rows begin at the top.
  return { width: header.getInt32(18, true), height: Math.abs(header.getInt32(22, true)) };
}

/** No literal where it is imported: Deno would fetch the package for every command, before any of them runs. */
const PACKAGE = "./napi_image.ts";

async function loadPackage(): Promise<typeof Transformer> {
  try {
    return (await import(PACKAGE) as typeof import("./napi_image.ts")).Transformer;
  } catch (error) {
    throw new DataError(`BMP and AVIF files cannot be decoded: ${whyNotLoaded(error)}`);
  }
}
