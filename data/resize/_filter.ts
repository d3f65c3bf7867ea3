/** The weights by which a resize makes new pixels of old ones. */

/** How pixels between pixels are made. */
export type Interpolation = "bilinear" | "bicubic";

/** All ways to interpolate. */
export const INTERPOLATIONS: readonly Interpolation[] = ["bilinear", "bicubic"];

/** A weight by the distance from a new pixel's centre, and the distance from which on it is 0. */
interface Kernel {
  readonly reach: number;
  weight(distance: number): number;
}

/** The slope of the cubic at its first zero, as PIL has it (Keys 1981). */
const SLOPE = -0.5;

const KERNELS: Readonly<Record<Interpolation, Kernel>> = {
  bilinear: { reach: 1, weight: (distance) => Math.max(0, 1 - Math.abs(distance)) },
  bicubic: {
    reach: 2,
    weight(distance) {
      const x = Math.abs(distance);
      if (x < 1) return ((SLOPE + 2) * x - (SLOPE + 3)) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * SLOPE : 0;
    },
  },
};

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
 * The filter from `size` pixels to `length`: the kernel around each new pixel's centre, in new pixels, or in old ones where
 * the image grows.
 */
export function resizeFilter(
  size: number,
  length: number,
  from: number,
  to: number,
  interpolation: Interpolation,
): Filter {
  const kernel = KERNELS[interpolation], scale = size / length, unit = Math.max(1, scale);
  const reach = kernel.reach * unit, taps = Math.ceil(reach) * 2 + 1;
  const first = new Int32Array(to - from), count = new Int32Array(to - from);
  const weights = new Int32Array((to - from) * taps), line = new Float64Array(taps);
  for (let k = 0; k < to - from; k++) {
    const centre = (from + k + 0.5) * scale;
    first[k] = Math.max(0, Math.trunc(centre - reach + 0.5));
    count[k] = Math.min(size, Math.trunc(centre + reach + 0.5)) - first[k];
    let sum = 0;
    for (let i = 0; i < count[k]; i++) {
      line[i] = kernel.weight((first[k] + i - centre + 0.5) / unit);
      sum += line[i];
    }
    for (let i = 0; i < count[k]; i++) {
      const weight = line[i] / sum * 2 ** WEIGHT_BITS;
      // Halves go away from zero.
      weights[k * taps + i] = weight < 0 ? Math.ceil(weight - 0.5) : Math.floor(weight + 0.5);
    }
  }
  return { taps, first, count, weights };
}
