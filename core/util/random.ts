/**
 * A counter-based random generator: Philox4x32-10 (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3").
 * It uses only operations that IEEE 754 and ECMAScript define to the bit, so every engine gives the same numbers.
 */

import { UsageError } from "./errors.ts";
import { hashText } from "./hash.ts";

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff, aHigh = a >>> 16, bLow = b & 0xffff, bHigh = b >>> 16;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >>> 16);
  const cross = aLow * bHigh + (middle % 0x10000);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)) >>> 0;
}

/**
 * One Philox4x32-10 block: four 32-bit words that depend only on the counter and the key.
 *
 * @param counter Four 32-bit words.
 * @param key Two 32-bit words.
 * @param out Receives four 32-bit words.
 *
 * @example
 * ```ts
 * import { philox } from "@residua/residua/core";
 * const words = new Uint32Array(4);
 * philox([0, 0, 0, 0], [0, 0], words);
 * console.log(words[0].toString(16)); // 6627e8d5
 * ```
 */
export function philox(counter: ArrayLike<number>, key: ArrayLike<number>, out: Uint32Array): void {
  let c0 = counter[0] >>> 0, c1 = counter[1] >>> 0, c2 = counter[2] >>> 0, c3 = counter[3] >>> 0;
  let k0 = key[0] >>> 0, k1 = key[1] >>> 0;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0), low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2), low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

const bits = new DataView(new ArrayBuffer(8));

/** The natural logarithm of a normal number in (0, 1], by basic arithmetic only, since `Math.log` may differ by engine. */
function portableLog(x: number): number {
  bits.setFloat64(0, x);
  const high = bits.getUint32(0);
  let exponent = (high >>> 20) - 1023;
  bits.setUint32(0, (high & 0x000fffff) | 0x3ff00000);
  let mantissa = bits.getFloat64(0);
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent += 1;
  }
  const z = (mantissa - 1) / (mantissa + 1), zz = z * z;
  let series = 0;
  for (let k = 21; k >= 1; k -= 2) series = series * zz + 1 / k;
  return 2 * z * series + exponent * Math.LN2;
}

/**
 * A seeded stream of random numbers. Streams of the same seed and different names are independent, so the draws of one part of a
 * program never shift those of another.
 *
 * @example
 * ```ts
 * import { Random } from "@residua/residua";
 * const a = new Random(1, "shuffle"), b = new Random(1, "shuffle");
 * console.log(a.uniform() === b.uniform()); // true
 * ```
 */
export class Random {
  readonly #key: [number, number];
  readonly #counter = new Uint32Array(4);
  readonly #block = new Uint32Array(4);
  #used = 4;
  #spareNormal: number | undefined;

  /**
   * Starts a stream.
   *
   * @param seed A whole number from 0 to 2^32 - 1.
   * @param stream The stream's name, or a number.
   * @param part Two whole numbers below 2^32 that choose one of 2^64 parts of the stream, each of 2^66 words. Defaults to the
   * first part.
   */
  constructor(seed: number, stream: string | number = 0, part: readonly [number, number] = [0, 0]) {
    this.#key = [seed >>> 0, typeof stream === "string" ? hashText(stream) : stream >>> 0];
    this.#counter.set(part, 2);
  }

  /** A whole number from 0 to 2^32 - 1, uniformly distributed. */
  uint32(): number {
    if (this.#used === 4) {
      philox(this.#counter, this.#key, this.#block);
      for (let word = 0; word < 4; word++) {
        this.#counter[word]++;
        if (this.#counter[word] !== 0) break;
      }
      this.#used = 0;
    }
    return this.#block[this.#used++];
  }

  /** A number in [low, high), uniformly distributed, with 32 random bits. */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * (this.uint32() / 0x100000000);
  }

  /**
   * A whole number in [0, count), without modulo bias.
   *
   * @throws {UsageError} If `count` is not a whole number from 1 to 2^32.
   */
  integer(count: number): number {
    if (!(count >= 1 && count <= 0x100000000 && Number.isInteger(count))) {
      throw new UsageError(`A random number below ${count}: expected a whole number from 1 to 2^32`);
    }
    const limit = 0x100000000 - (0x100000000 % count);
    for (;;) {
      const word = this.uint32();
      if (word < limit) return word % count;
    }
  }

  /** A number from the normal distribution of mean 0 and standard deviation 1 (Marsaglia's polar method). */
  normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return spare;
    }
    for (;;) {
      const u = this.uniform(-1, 1), v = this.uniform(-1, 1), s = u * u + v * v;
      if (s === 0 || s >= 1) continue;
      const factor = Math.sqrt(-2 * portableLog(s) / s);
      this.#spareNormal = v * factor;
      return u * factor;
    }
  }

  /** The numbers 0 to `count` - 1 in random order (Fisher and Yates). */
  permutation(count: number): Uint32Array {
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.integer(i + 1), swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    return order;
  }
}
