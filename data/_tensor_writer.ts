/** From bytes to normalised numbers, shifted and mirrored on the way. */

import { DataError, elementCount } from "../core/mod.ts";
import { addOffsets } from "./augment/_colour_offsets.ts";
import { kernels } from "./_kernels.ts";
import { type Crop, writeSimd } from "./_write_simd.ts";
import { type Normalisation, normalisationFits } from "./normalisation.ts";

/** Where in an image its crop begins, relative to the whole, and whether it is mirrored. */
export interface Shift {
  /** Rows down. */
  down: number;
  /** Columns to the right. */
  right: number;
  /** Whether left and right are exchanged. */
  mirrored: boolean;
}

/** How bytes lie in an array: where an image begins, and how far apart its pixels and its channels are. */
export interface Layout {
  /** The index of the first byte. */
  readonly base: number;
  /** From a pixel to its right neighbour. */
  readonly pixel: number;
  /** From a channel to the next. */
  readonly channel: number;
}

/** The values of a byte. */
const BYTES = 256;

/** What each byte stands for where the normalisation has a mean for each channel, [C, 256]. */
export function byteLevels({ mean, std }: Normalisation): Float32Array {
  return Float32Array.from({ length: std.length * BYTES }, (_, i) => {
    const c = Math.floor(i / BYTES);
    return (i % BYTES / 255 - mean[c]) / std[c];
  });
}

/** Writes images of one shape as tensors [C, H, W]. */
export class TensorWriter {
  readonly #shape: readonly [number, number, number];
  /** The normalised value of every byte in every channel; with a mean for each pixel, before that is taken off. */
  readonly #tables: readonly (Float32Array | Float64Array)[];
  /** What is taken off each pixel, in units of the deviation; only with a mean for each pixel. */
  readonly #shifts: Float64Array | undefined;

  /** @throws {DataError} If the normalisation is not for such images. */
  constructor(shape: readonly [number, number, number], normalisation: Normalisation) {
    const { mean, std } = normalisation, [channels, height, width] = shape, plane = height * width;
    if (!normalisationFits(normalisation, shape)) {
      throw new DataError(
        `Expected a mean for each of ${channels} channels or ${
          elementCount(shape)
        } pixels, and a deviation above 0 for ` +
          `each channel, but there are ${mean.length} means and ${std.length} deviations`,
      );
    }
    const perPixel = mean.length !== channels;
    this.#shape = shape;
    this.#shifts = perPixel ? Float64Array.from(mean, (value, i) => value / std[Math.floor(i / plane)]) : undefined;
    const levels = perPixel ? undefined : byteLevels(normalisation);
    this.#tables = std.map((deviation, c) =>
      levels?.subarray(c * BYTES, (c + 1) * BYTES) ??
        Float64Array.from({ length: BYTES }, (_, byte) => byte / 255 / deviation)
    );
  }

  /**
   * Writes an image. What a shift brings in from outside is zero, which is the mean colour.
   *
   * @param bytes Holds the image.
   * @param layout Where the image begins in `bytes`, and its strides.
   * @param shift The crop.
   * @param tensor Receives [C, H, W].
   * @param offset The index of the image's first element in `tensor`.
   * @param added The number that is added to each channel at the end, if any.
   */
  write(
    bytes: Uint8Array,
    { base, pixel, channel }: Layout,
    { down, right, mirrored }: Shift,
    tensor: Float32Array,
    offset: number,
    added?: readonly number[],
  ): void {
    const [channels, height, width] = this.#shape, shifts = this.#shifts, step = mirrored ? -1 : 1;
    const from = Math.min(width, Math.max(0, mirrored ? right : -right)),
      to = Math.max(from, Math.min(width, width + (mirrored ? right : -right)));
    const firstColumn = (mirrored ? width - 1 - from : from) + right;
    if (shifts === undefined && channels === 3 && pixel === 3 && channel === 1) {
      const top = Math.min(height, Math.max(0, -down)), bottom = Math.max(top, Math.min(height, height - down));
      const first = (top + down) * width + firstColumn, image = bytes.subarray(base, base + 3 * height * width);
      const crop = { columns: [from, to], rows: [top, bottom], first, mirrored } as const;
      if (this.#writeByKernels(image, crop, tensor, offset, added)) return;
    }
    for (let c = 0; c < channels; c++) {
      const table = this.#tables[c];
      for (let y = 0; y < height; y++) {
        const target = offset + (c * height + y) * width, row = y + down;
        if (row < 0 || row >= height) {
          tensor.fill(0, target, target + width);
          continue;
        }
        if (from > 0) tensor.fill(0, target, target + from);
        if (to < width) tensor.fill(0, target + to, target + width);
        let source = base + c * channel + (row * width + firstColumn) * pixel;
        if (shifts === undefined) {
          for (let x = from; x < to; x++, source += step * pixel) tensor[target + x] = table[bytes[source]];
        } else {
          let position = (c * height + row) * width + firstColumn;
          for (let x = from; x < to; x++, source += step * pixel, position += step) {
            tensor[target + x] = table[bytes[source]] - shifts[position];
          }
        }
      }
    }
    if (added !== undefined) addOffsets(tensor, offset, height * width, added);
  }

  /** Writes RGB pixels, if there are all of them, and kernels and memory for it. */
  #writeByKernels(
    image: Uint8Array,
    crop: Crop,
    tensor: Float32Array,
    offset: number,
    added: readonly number[] | undefined,
  ): boolean {
    const [channels, height, width] = this.#shape, tables = this.#tables as readonly Float32Array[];
    const simd = image.length === channels * height * width ? kernels() : undefined;
    return simd !== undefined && writeSimd(simd, image, crop, [height, width], tables, added, tensor, offset);
  }
}
