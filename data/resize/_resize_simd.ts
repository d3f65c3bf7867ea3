/** Resizing by the WebAssembly kernels: the bytes of `_resize_plain.ts`, several times as fast. */

import { type Filter, type Interpolation, resizeFilter } from "./_filter.ts";
import type { Kernels } from "../_kernels.ts";
import type { DecodedImage } from "../formats/decoded_image.ts";
import type { Box } from "./resize.ts";

/** Bytes of an image that are copied to the kernels at a time, so that they stay in a processor's cache. */
const BAND = 2 ** 17;
/** Kernels read and write whole vectors. */
const SLACK = 32;
/** The lower bits of a weight, which the kernels take apart. */
const LOW_BITS = 14, LOW_MASK = (1 << LOW_BITS) - 1, HIGH_MASK = 0xffff;
/**
 * The lower parts of more weights than this, times bytes, may take more than 32 bits where some weights are negative, whose
 * lower parts are near 2^14 however small they are.
 */
const MOST_CUBIC_TAPS = 1024;

/** A {@link Filter} as the kernels take it. */
interface PairedFilter {
  /** How many pairs of pixels make a new one. */
  readonly pairs: number;
  /** The offset of the first pixel of each, in bytes; the weights [length / lanes, pairs, lanes], upper and lower bits. */
  readonly words: Int32Array;
  /** How many new pixels there are, with those that fill a vector. */
  readonly length: number;
}

/** Pairs a filter's weights up for kernels that make `lanes` new pixels at a time. Pixel `origin` is at 0. */
function pairUp({ taps, first, count, weights }: Filter, unit: number, origin: number, lanes: number): PairedFilter {
  const length = Math.ceil(first.length / lanes) * lanes;
  let most = 1;
  for (let k = 0; k < count.length; k++) most = Math.max(most, count[k]);
  const pairs = (most + 1) >> 1, words = new Int32Array(length * (1 + 2 * pairs));
  for (let k = 0; k < first.length; k++) {
    words[k] = (first[k] - origin) * unit;
    const lane = k % lanes;
    for (let i = 0, at = length + ((k - lane) * pairs + lane) * 2; i < count[k]; i += 2, at += lanes * 2) {
      const a = weights[k * taps + i], b = i + 1 < count[k] ? weights[k * taps + i + 1] : 0;
      words[at] = ((a >> LOW_BITS) & HIGH_MASK) | (b >> LOW_BITS) << 16;
      words[at + 1] = (a & LOW_MASK) | (b & LOW_MASK) << 16;
    }
  }
  return { pairs, words, length };
}

/** The offsets of arrays in the kernels' memory, one after the other. */
class Layout {
  /** How many bytes there are so far. */
  end = 0;

  add(bytes: number): number {
    const offset = this.end;
    this.end = offset + Math.ceil((bytes + SLACK) / 16) * 16;
    return offset;
  }
}

/**
 * Makes a box of a part of the image at another size.
 *
 * @returns The pixels [box.height, box.width, 3], or nothing where there is no memory for them, or the sums are too long.
 */
export function resizeSimd(
  kernels: Kernels,
  image: DecodedImage,
  newWidth: number,
  newHeight: number,
  box: Box,
  part: Box,
  interpolation: Interpolation,
): DecodedImage | undefined {
  const columns = resizeFilter(part.width, newWidth, box.left, box.left + box.width, interpolation);
  const lines = resizeFilter(part.height, newHeight, box.top, box.top + box.height, interpolation);
  if (interpolation === "bicubic" && Math.max(columns.taps, lines.taps) > MOST_CUBIC_TAPS) return undefined;
  const last = box.height - 1, top = lines.first[0], rows = lines.first[last] + lines.count[last] - top;
  const row = image.width * 3, stride = box.width * 3, band = Math.min(rows, Math.max(1, Math.floor(BAND / row)));
  const across = pairUp(columns, 3, -part.left, 4), down = pairUp(lines, stride, top, 1);

  const layout = new Layout();
  const acrossAt = layout.add(across.words.byteLength), downAt = layout.add(down.words.byteLength);
  // The second pixel of a pair, and the later ones of a new pixel at the edge, may lie outside.
  const source = layout.add(band * row + across.pairs * 6);
  const narrow = layout.add((rows + down.pairs * 2) * stride), result = layout.add(box.height * stride);
  if (!kernels.reserve(layout.end)) return undefined;

  const { run, words, bytes } = kernels;
  words.set(across.words, acrossAt / 4);
  words.set(down.words, downAt / 4);
  for (let y = 0; y < rows; y += band) {
    const count = Math.min(band, rows - y), from = (part.top + top + y) * row;
    bytes.set(image.pixels.subarray(from, from + count * row), source);
    const weights = acrossAt + across.length * 4, target = narrow + y * stride;
    run.resizeColumns(source, row, count, acrossAt, weights, across.pairs, across.length, target, stride);
  }
  run.resizeRows(narrow, stride, downAt, downAt + down.length * 4, down.pairs, box.height, result);
  return { width: box.width, height: box.height, pixels: bytes.slice(result, result + box.height * stride) };
}
