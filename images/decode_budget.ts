/** Bounds the memory of images that are being decoded at once, by one thread or by several. */

import { freemem } from "node:os";

const MIB = 2 ** 20;
/** As much of it as nobody asks for exactly: counts of these fit in 32 bits. */
const UNIT = 2 ** 16;
/** The default is at most this. */
const MOST_BYTES = 768 * MIB;
/** Milliseconds between looks at whether there is room: images for which one waits take much longer. */
const PATIENCE = 4;

/** The words of the memory: the units that are free, and whether somebody is waiting at the head of the line. */
const FREE = 0, HEAD = 1;

/**
 * Bytes that decoders share. Who needs more than is free waits, and whoever comes later waits behind; an image that needs more
 * than all of it has all of it, and is decoded alone.
 */
export class DecodeBudget {
  /** What threads share of it: the units that are free, and whether one waits for them. */
  readonly words: Int32Array;
  readonly #units: number;

  /**
   * Takes all of the bytes as free, or the words of another thread's.
   *
   * @param bytes All of it. Defaults to a quarter of the memory that is free, at most 768 MiB.
   * @param words The words of another thread's, of as many bytes.
   */
  constructor(
    readonly bytes: number = Math.min(MOST_BYTES, freemem() / 4),
    words?: Int32Array,
  ) {
    this.#units = Math.max(1, Math.floor(bytes / UNIT));
    this.words = words ?? new Int32Array(new SharedArrayBuffer(8)).fill(this.#units, FREE, FREE + 1);
  }

  /** What nobody holds, in bytes. */
  get free(): number {
    return Atomics.load(this.words, FREE) * UNIT;
  }

  /** A part of it, of nothing yet. */
  reserve(): Reservation {
    return new Reservation((bytes) => this.#take(bytes), (units) => void Atomics.add(this.words, FREE, units));
  }

  async #take(bytes: number): Promise<number> {
    const { words } = this, units = Math.min(this.#units, Math.ceil(bytes / UNIT));
    while (Atomics.compareExchange(words, HEAD, 0, 1) !== 0) await pause(PATIENCE);
    for (;;) {
      const free = Atomics.load(words, FREE);
      if (free < units) await pause(PATIENCE);
      else if (Atomics.compareExchange(words, FREE, free, free - units) === free) break;
    }
    Atomics.store(words, HEAD, 0);
    return units;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** What one decoder holds of a budget. */
export class Reservation implements Disposable {
  readonly #take: (bytes: number) => Promise<number>;
  readonly #give: (units: number) => void;
  #units = 0;

  /** Holds nothing. */
  constructor(take: (bytes: number) => Promise<number>, give: (units: number) => void) {
    this.#take = take;
    this.#give = give;
  }

  /** Holds some bytes, in place of what it held: waits until they are free. */
  async hold(bytes: number): Promise<void> {
    this.release();
    this.#units = await this.#take(bytes);
  }

  /** Gives back what it holds. */
  release(): void {
    this.#give(this.#units);
    this.#units = 0;
  }

  /** As {@link Reservation.release}. */
  [Symbol.dispose](): void {
    this.release();
  }
}
