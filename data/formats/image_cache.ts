/** Keeps decoded images in memory of a fixed size, which threads may share: what has no room is decoded again. */

import type { DecodedImage } from "./decoded_image.ts";

/** The memory of a cache, as a thread hands it to another. */
export interface CacheMemory {
  /** The pixels; several caches may share it. */
  readonly bytes: Uint8Array;
  /** The blocks of `bytes` that are taken, [1]; those that share `bytes` share it too. */
  readonly taken: Int32Array;
  /** [images, 6]: whether the image is there, its first block, width, height, the original's, or zeros. */
  readonly entries: Int32Array;
}

/** The bytes of a block: a 32-bit number then tells where an image lies in up to 128 GiB. */
const BLOCK = 64;

const ABSENT = 0, COMING = 1, READY = 2;
const CHANNELS = 3;

/** The numbers of an entry. */
const ENTRY = 6;

/**
 * The entries of a cache that keeps nothing yet.
 *
 * @param images The number of images of the set.
 * @param shared Whether threads reach them. Defaults to false.
 */
export function cacheEntries(images: number, shared = false): Int32Array {
  const bytes = 4 * ENTRY * images;
  return new Int32Array(shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
}

/**
 * The decoded images of one set. The first images that come are kept until the memory is full, and none makes room for
 * another: an epoch visits each image once, so that what is there is worth the same.
 *
 * @example
 * ```ts
 * import { cacheEntries, ImageCache } from "@residua/residua/data";
 * const memory = { bytes: new Uint8Array(128), taken: new Int32Array(1), entries: cacheEntries(10) };
 * const cache = new ImageCache(memory);
 * cache.put(7, { width: 2, height: 1, pixels: Uint8Array.of(1, 2, 3, 4, 5, 6) });
 * console.log(cache.get(7)?.pixels); // Uint8Array(6) [ 1, 2, 3, 4, 5, 6 ]
 * ```
 */
export class ImageCache {
  /** Its memory. */
  readonly memory: CacheMemory;

  /**
   * Takes the memory as it is.
   *
   * @param memory Zeros where nothing is kept yet; in shared memory where threads share the cache.
   */
  constructor(memory: CacheMemory) {
    this.memory = memory;
  }

  /** A copy of an image, if it is there. */
  get(index: number): DecodedImage | undefined {
    const { bytes, entries } = this.memory, at = ENTRY * index;
    if (Atomics.load(entries, at) !== READY) return undefined;
    const [block, width, height, fullWidth, fullHeight] = entries.subarray(at + 1, at + ENTRY), first = block * BLOCK;
    const pixels = new Uint8Array(width * height * CHANNELS);
    pixels.set(bytes.subarray(first, first + pixels.length));
    const image = { width, height, pixels };
    return fullWidth === 0 ? image : { ...image, original: { width: fullWidth, height: fullHeight } };
  }

  /** Keeps an image of three channels, if there is room and no thread was faster. */
  put(index: number, { width, height, pixels, original }: DecodedImage): void {
    const { bytes, entries } = this.memory, at = ENTRY * index;
    if (pixels.length !== width * height * CHANNELS) return;
    if (Atomics.compareExchange(entries, at, ABSENT, COMING) !== ABSENT) return;
    const first = this.#take(Math.ceil(pixels.length / BLOCK));
    if (first === undefined) return void Atomics.store(entries, at, ABSENT);
    bytes.set(pixels, first * BLOCK);
    entries.set([first, width, height, original?.width ?? 0, original?.height ?? 0], at + 1);
    Atomics.store(entries, at, READY);
  }

  /** Takes blocks; gives the first, or nothing where there are not as many. */
  #take(blocks: number): number | undefined {
    const { bytes, taken } = this.memory, all = Math.floor(bytes.length / BLOCK);
    for (let before = Atomics.load(taken, 0); before + blocks <= all;) {
      const found = Atomics.compareExchange(taken, 0, before, before + blocks);
      if (found === before) return before;
      before = found;
    }
    return undefined;
  }
}
