/**
 * The two passes of a resize: sums of bytes by weights of 22 bits, rounded to bytes. A weight is taken apart, w = 2^14·h + l,
 * so that h and l fit 16 bits and one instruction multiplies eight pairs and adds neighbours. Since 2^14·h has no lower bits,
 * (Σ w·b + 2^21) >> 22 is (Σ h·b + (Σ l·b >> 14) + 128) >> 8, of which all but Σ l·b fits 16 bits.
 *
 * Weights come in pairs, for two neighbours: the h of both in one word, the l of both in the next. The second of a pair may
 * lie outside the image, with a weight of zero. Weights may be negative: h has the sign, l has not. Both passes write up to 16 bytes past a row's end; rows are written in order,
 * so that the next one repairs that.
 */

const LOW_BITS: i32 = 14;
/** Bytes of a pair of weights. */
const PAIR: usize = 8;

/** The bytes of four vectors of sums, h and l apart. */
// @ts-ignore: decorator
@inline
function roundedBytes(
  h0: v128,
  l0: v128,
  h1: v128,
  l1: v128,
  h2: v128,
  l2: v128,
  h3: v128,
  l3: v128,
): v128 {
  const half = i16x8.splat(128);
  const low = i16x8.narrow_i32x4_u(
    i32x4.add(h0, i32x4.shr_u(l0, LOW_BITS)),
    i32x4.add(h1, i32x4.shr_u(l1, LOW_BITS)),
  );
  const high = i16x8.narrow_i32x4_u(
    i32x4.add(h2, i32x4.shr_u(l2, LOW_BITS)),
    i32x4.add(h3, i32x4.shr_u(l3, LOW_BITS)),
  );
  // Saturated, since cubics overshoot.
  return i8x16.narrow_i16x8_u(i16x8.shr_u(i16x8.add_sat_u(low, half), 8), i16x8.shr_u(i16x8.add_sat_u(high, half), 8));
}

/** Two neighbouring pixels as the lanes r0 r1 g0 g1 b0 b1 0 0. */
// @ts-ignore: decorator
@inline
function pixelPair(address: usize): v128 {
  const order = i8x16(0, -128, 3, -128, 1, -128, 4, -128, 2, -128, 5, -128, -128, -128, -128, -128);
  return i8x16.swizzle(v128.load64_zero(address), order);
}

/** The upper parts of a pair of weights by two pixels, added up. */
// @ts-ignore: decorator
@inline
function high(pixels: v128, weights: usize): v128 {
  return i32x4.dot_i16x8_s(pixels, v128.load32_splat(weights));
}

/** The lower parts. */
// @ts-ignore: decorator
@inline
function low(pixels: v128, weights: usize): v128 {
  return i32x4.dot_i16x8_s(pixels, v128.load32_splat(weights, 4));
}

/** The first eight bytes of both, in turn. */
// @ts-ignore: decorator
@inline
function interleaveLow(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** The last eight. */
// @ts-ignore: decorator
@inline
function interleaveHigh(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/**
 * Resizes rows of RGB pixels across.
 *
 * @param source The first row.
 * @param stride Bytes from one row to the next.
 * @param rows How many rows.
 * @param offsets The offset in a row of the first pixel of each new one, [width], in bytes.
 * @param weights Their weights, [width / 4, pairs, 4].
 * @param pairs How many pairs of pixels make a new one.
 * @param width New pixels, a multiple of 4; no more than 3 of them past the row's end.
 * @param target Receives the new rows.
 * @param targetStride Bytes from one new row to the next.
 */
export function resizeColumns(
  source: usize,
  stride: usize,
  rows: i32,
  offsets: usize,
  weights: usize,
  pairs: i32,
  width: i32,
  target: usize,
  targetStride: usize,
): void {
  for (let y = 0; y < rows; y++) {
    let place = offsets, weight = weights, to = target;
    for (let x = 0; x < width; x += 4) {
      let at0 = source + load<u32>(place), at1 = source + load<u32>(place, 4);
      let at2 = source + load<u32>(place, 8), at3 = source + load<u32>(place, 12);
      let p0 = pixelPair(at0), p1 = pixelPair(at1), p2 = pixelPair(at2), p3 = pixelPair(at3);
      let h0 = high(p0, weight), h1 = high(p1, weight + PAIR);
      let h2 = high(p2, weight + 2 * PAIR), h3 = high(p3, weight + 3 * PAIR);
      let l0 = low(p0, weight), l1 = low(p1, weight + PAIR);
      let l2 = low(p2, weight + 2 * PAIR), l3 = low(p3, weight + 3 * PAIR);
      weight += 4 * PAIR;
      for (let pair = 1; pair < pairs; pair++) {
        at0 += 6;
        at1 += 6;
        at2 += 6;
        at3 += 6;
        p0 = pixelPair(at0);
        p1 = pixelPair(at1);
        p2 = pixelPair(at2);
        p3 = pixelPair(at3);
        h0 = i32x4.add(h0, high(p0, weight));
        l0 = i32x4.add(l0, low(p0, weight));
        h1 = i32x4.add(h1, high(p1, weight + PAIR));
        l1 = i32x4.add(l1, low(p1, weight + PAIR));
        h2 = i32x4.add(h2, high(p2, weight + 2 * PAIR));
        l2 = i32x4.add(l2, low(p2, weight + 2 * PAIR));
        h3 = i32x4.add(h3, high(p3, weight + 3 * PAIR));
        l3 = i32x4.add(l3, low(p3, weight + 3 * PAIR));
        weight += 4 * PAIR;
      }
      const bytes = roundedBytes(h0, l0, h1, l1, h2, l2, h3, l3);
      v128.store(
        to,
        i8x16.swizzle(bytes, i8x16(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -128, -128, -128, -128)),
      );
      place += 16;
      to += 12;
    }
    source += stride;
    target += targetStride;
  }
}

/**
 * Resizes columns of bytes.
 *
 * @param source The first row.
 * @param stride Bytes of a row, here and there.
 * @param offsets The offset of the first row of each new one, [rows], in bytes.
 * @param weights Their weights, [rows, pairs].
 * @param pairs How many pairs of rows make a new one.
 * @param rows New rows.
 * @param target Receives them.
 */
export function resizeRows(
  source: usize,
  stride: usize,
  offsets: usize,
  weights: usize,
  pairs: i32,
  rows: i32,
  target: usize,
): void {
  for (let y = 0; y < rows; y++) {
    const from = source + load<u32>(offsets), end = weights + <usize> pairs * PAIR;
    for (let x: usize = 0; x < stride; x += 16) {
      let at = from + x, a = v128.load(at), b = v128.load(at + stride);
      let front = interleaveLow(a, b), back = interleaveHigh(a, b);
      let p0 = i16x8.extend_low_i8x16_u(front), p1 = i16x8.extend_high_i8x16_u(front);
      let p2 = i16x8.extend_low_i8x16_u(back), p3 = i16x8.extend_high_i8x16_u(back);
      let h0 = high(p0, weights), h1 = high(p1, weights), h2 = high(p2, weights), h3 = high(p3, weights);
      let l0 = low(p0, weights), l1 = low(p1, weights), l2 = low(p2, weights), l3 = low(p3, weights);
      for (let weight = weights + PAIR; weight < end; weight += PAIR) {
        at += 2 * stride;
        a = v128.load(at);
        b = v128.load(at + stride);
        front = interleaveLow(a, b);
        back = interleaveHigh(a, b);
        p0 = i16x8.extend_low_i8x16_u(front);
        p1 = i16x8.extend_high_i8x16_u(front);
        p2 = i16x8.extend_low_i8x16_u(back);
        p3 = i16x8.extend_high_i8x16_u(back);
        h0 = i32x4.add(h0, high(p0, weight));
        h1 = i32x4.add(h1, high(p1, weight));
        h2 = i32x4.add(h2, high(p2, weight));
        h3 = i32x4.add(h3, high(p3, weight));
        l0 = i32x4.add(l0, low(p0, weight));
        l1 = i32x4.add(l1, low(p1, weight));
        l2 = i32x4.add(l2, low(p2, weight));
        l3 = i32x4.add(l3, low(p3, weight));
      }
      v128.store(target + x, roundedBytes(h0, l0, h1, l1, h2, l2, h3, l3));
    }
    offsets += 4;
    weights = end;
    target += stride;
  }
}
