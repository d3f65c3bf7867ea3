/** Planes of four channels interleaved into vectors, a lane a channel, so that neighbours are whole vectors apart. */

import { at, clear, transposeStore } from "./simd";

/** Bytes of four addresses of planes. */
export const PLANES_BYTES: usize = 16;

/**
 * Writes the addresses of the planes that lanes read: of output `first + lane * step`, whose input is that divided by
 * `share`. Lanes beyond the last channel read the last one's.
 */
export function placePlanes(
  planes: usize, base: usize, image: i32, channels: i32, first: i32, step: i32, share: i32, size: i32, sources: i32,
): void {
  for (let lane = 0; lane < 4; lane++) {
    const output = min(first + lane * step, channels - 1), channel = share == 1 ? output : output / share;
    store<usize>(planes + (<usize> lane << 2), at(base, (image * sources + channel) * size));
  }
}

/**
 * Interleaves row `y` of four planes into vectors that are `step` bytes apart. Up to three vectors behind the last become
 * zero. They are padding, which is zero, or the start of a row that is interleaved later.
 */
function interleaveRow(planes: usize, y: i32, width: i32, target: usize, step: usize): void {
  const offset = (<usize> (y * width)) << 2, zero = f32x4.splat(0);
  let a = load<usize>(planes) + offset, b = load<usize>(planes, 4) + offset;
  let c = load<usize>(planes, 8) + offset, d = load<usize>(planes, 12) + offset;
  for (; width > 0; width -= 4) {
    transposeStore(v128.load(a), v128.load(b), v128.load(c), v128.load(d), target, step);
    a += 16; b += 16; c += 16; d += 16;
    target += 4 * step;
  }
  for (; width < 0; width++) {
    target -= step;
    v128.store(target, zero);
  }
}

/**
 * Interleaves rows [first, first + rows) of padded planes, whose own rows are `spreadY` apart and columns `spreadX`. The
 * caller has cleared the vectors between and around them, which stay zero.
 */
export function interleaveRows(
  planes: usize, height: i32, width: i32, first: i32, rows: i32, padY: i32, padX: i32, spreadY: i32, spreadX: i32,
  buffer: usize, row: i32,
): void {
  for (let r = 0; r < rows; r++) {
    const y = first + r - padY, target = buffer + (<usize> (r * row) << 4), source = spreadY == 1 ? y : y / spreadY;
    if (y < 0 || source >= height || source * spreadY != y) clear(target, 4 * row);
    else interleaveRow(planes, source, width, target + (<usize> padX << 4), <usize> spreadX << 4);
  }
}

/** Interleaves the kernels of channels `first`, `first + step` …, read backwards if `flipped`. */
export function interleaveKernels(
  weights: usize, channels: i32, first: i32, step: i32, taps: i32, flipped: bool, target: usize,
): void {
  const along = <usize> (flipped ? <isize> -16 : <isize> 16), end = at(target, 4 * (flipped ? taps - 1 : 0));
  for (let lane = 0; lane < 4; lane++) {
    let from = at(weights, min(first + lane * step, channels - 1) * taps), to = at(end, lane);
    for (let tap = taps; tap > 0; tap--) {
      store<f32>(to, load<f32>(from));
      from += 4;
      to += along;
    }
  }
}
