/** The bytes of a pickle: numbers and texts, one after the other. */

import type { PickleFail } from "./dialect.ts";

const LONGEST_NAME = 200, LONGEST_INTEGER = 16;

/** Reads bytes from the first to the last. */
export class PickleBytes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fail: PickleFail;
  readonly #text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #at = 0;

  /** @param fail Throws, given what is wrong. */
  constructor(bytes: Uint8Array, fail: PickleFail) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#fail = fail;
  }

  /** The offset of the next byte. */
  get at(): number {
    return this.#at;
  }

  /** Steps over `count` bytes and gives the offset of the first. */
  #take(count: number): number {
    const start = this.#at;
    if (count > this.#bytes.length - start) this.#fail(`ends in the middle of a value at byte ${start}`);
    this.#at += count;
    return start;
  }

  /** A whole number from 0 on. */
  uint(bytes: 1 | 2 | 4): number {
    const at = this.#take(bytes);
    if (bytes === 1) return this.#view.getUint8(at);
    return bytes === 2 ? this.#view.getUint16(at, true) : this.#view.getUint32(at, true);
  }

  /** How many bytes follow. */
  length(bytes: 4 | 8): number {
    return bytes === 4 ? this.uint(4) : Number(this.#view.getBigUint64(this.#take(8), true));
  }

  /** A signed whole number, the lowest byte first. */
  integer(length: number): number | bigint {
    if (length > LONGEST_INTEGER) this.#fail(`has a whole number of ${length} bytes`);
    const start = this.#take(length);
    let value = 0n;
    for (let k = length - 1; k >= 0; k--) value = value << 8n | BigInt(this.#bytes[start + k]);
    value = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  /** A float64, the one big-endian number. */
  float(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  /** Some bytes, which are not copied. */
  slice(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A text in UTF-8. */
  string(length: number): string {
    const start = this.#at, bytes = this.slice(length);
    try {
      return this.#text.decode(bytes);
    } catch {
      return this.#fail(`has text at byte ${start} that is not UTF-8`);
    }
  }

  /** A text up to the end of its line. */
  line(): string {
    const rest = this.#bytes.subarray(this.#at, this.#at + LONGEST_NAME), length = rest.indexOf(10);
    if (length < 0) this.#fail(`has a name without an end at byte ${this.#at}`);
    const text = this.string(length);
    this.#at++;
    return text;
  }
}
