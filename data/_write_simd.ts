/** From RGB bytes to planes of numbers by the WebAssembly kernels: the bits of {@link TensorWriter}'s loops. */

import type { Kernels } from "./_kernels.ts";

/** The part of a tensor that an image's crop fills, and how its pixels lie. */
export interface Crop {
  /** Its first column and the one after its last, in the tensor. */
  readonly columns: readonly [number, number];
  /** Its first row and the one after its last, in the tensor. */
  readonly rows: readonly [number, number];
  /** The index of its first pixel in the image. */
  readonly first: number;
  /** Whether pixels are taken from right to left. */
  readonly mirrored: boolean;
}

/** The bytes of the tables, which lie at the beginning of the kernels' memory. */
const TABLES = 3 * 256 * 4;

/**
 * Writes an image.
 *
 * @param image The pixels [height, width, 3].
 * @param crop The part of the image that is written, and where.
 * @param shape The height and width.
 * @param tables The number of each byte, for each of three channels.
 * @param added The number that is added to each channel, also to the zeros around the crop.
 * @param tensor Receives [3, height, width].
 * @param offset The index of the image's first element in `tensor`.
 * @returns Whether there was memory for it.
 */
export function writeSimd(
  kernels: Kernels,
  image: Uint8Array,
  { columns: [left, right], rows: [top, bottom], first, mirrored }: Crop,
  [height, width]: readonly [number, number],
  tables: readonly Float32Array[],
  added: readonly number[] | undefined,
  tensor: Float32Array,
  offset: number,
): boolean {
  const plane = height * width, planes = Math.ceil((TABLES + image.length) / 16) * 16;
  if (!kernels.reserve(planes + 3 * plane * 4)) return false;
  const { run, bytes, floats } = kernels, from = planes / 4;
  for (let c = 0; c < 3; c++) {
    floats.set(tables[c], c * 256);
    if (added !== undefined) { for (let i = c * 256; i < (c + 1) * 256; i++) floats[i] += added[c]; }
  }
  bytes.set(image, TABLES);
  if (right - left < width || bottom - top < height) {
    for (let c = 0; c < 3; c++) floats.fill(added?.[c] ?? 0, from + c * plane, from + (c + 1) * plane);
  }
  const target = planes + (top * width + left) * 4;
  run.writePlanes(
    TABLES + first * 3,
    mirrored ? -3 : 3,
    width * 3,
    right - left,
    bottom - top,
    target,
    width * 4,
    plane * 4,
  );
  tensor.set(floats.subarray(from, from + 3 * plane), offset);
  return true;
}
