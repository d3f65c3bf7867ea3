/** The weights by which a resize makes new pixels of old ones. */

/** Weights are whole multiples of 2^-22, so that a sum of bytes by weights fits 31 bits. */
export const WEIGHT_BITS = 22;

/** Which pixels of a line make each new pixel, and by which weights. */
export interface Filter {
  /** The most weights of a new pixel. */
  readonly taps: number;
  /** The first pixel of each. */
  readonly first: Int32Array;
  /** How many pixels each takes. */
  readonly count: Int32Array;
  /** The weights [new pixels, taps]. */
  readonly weights: Int32Array;
}

/**
 * The filter from `size` pixels to `length`: a triangle as wide as two new pixels, or as two old ones where the image
 * grows, around each new pixel's centre.
 */
export function triangleFilter(size: number, length: number, from: number, to: number): Filter {
  const scale = size / length, reach = Math.max(1, scale), taps = Math.ceil(reach) * 2 + 1;
  const first = new Int32Array(to - from), count = new Int32Array(to - from);
  const weights = new Int32Array((to - from) * taps), line = new Float64Array(taps);
  for (let k = 0; k < to - from; k++) {
    const centre = (from + k + 0.5) * scale;
    first[k] = Math.max(0, Math.trunc(centre - reach + 0.5));
    count[k] = Math.min(size, Math.trunc(centre + reach + 0.5)) - first[k];
    let sum = 0;
    for (let i = 0; i < count[k]; i++) {
      line[i] = Math.max(0, 1 - Math.abs((first[k] + i - centre + 0.5) / reach));
      sum += line[i];
    }
    for (let i = 0; i < count[k]; i++) weights[k * taps + i] = Math.floor(line[i] / sum * 2 ** WEIGHT_BITS + 0.5);
  }
  return { taps, first, count, weights };
}
