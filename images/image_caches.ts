/** The decoded images of sets, in one memory that workers share. */

import { freemem } from "node:os";
import { argument, sentence, UsageError } from "../core/mod.ts";
import { cacheEntries, type CacheMemory, type FolderDataset, ImageCache, type LeastSize } from "../data/mod.ts";

const MIB = 2 ** 20;

/** The default is at most this. */
const MOST_BYTES = 2048 * MIB;

/** Caches by set, and by the size down to which its images are read. */
export class ImageCaches {
  readonly #bytes: number;
  readonly #caches = new Map<FolderDataset, Map<string, ImageCache>>();
  #memory: Pick<CacheMemory, "bytes" | "taken"> | undefined;

  /**
   * Keeps nothing yet; the memory is taken with the first image.
   *
   * @param mib The memory to use, in MiB; 0 for none. Defaults to a quarter of what is free, at most 2 GiB.
   */
  constructor(mib: number = Math.min(MOST_BYTES, freemem() / 4) / MIB) {
    this.#bytes = Math.floor(mib * MIB);
  }

  /** What keeps the images of a set. */
  of(dataset: FolderDataset, { side, pixels }: LeastSize): ImageCache | undefined {
    if (this.#bytes === 0) return undefined;
    const caches = this.#caches.get(dataset) ?? new Map<string, ImageCache>(), key = `${side} ${pixels}`;
    this.#caches.set(dataset, caches);
    let cache = caches.get(key);
    if (cache === undefined) {
      this.#memory ??= allocate(this.#bytes);
      const entries = cacheEntries(dataset.count, true);
      caches.set(key, cache = new ImageCache({ ...this.#memory, entries }));
    }
    return cache;
  }
}

/** The system gives the memory when it is written to. */
function allocate(bytes: number): Pick<CacheMemory, "bytes" | "taken"> {
  try {
    return { bytes: new Uint8Array(new SharedArrayBuffer(bytes)), taken: new Int32Array(new SharedArrayBuffer(4)) };
  } catch {
    throw new UsageError(
      sentence`There are no ${Math.ceil(bytes / MIB)} MiB of memory to keep decoded images in; give fewer, or ${
        argument("cacheImages", 0)
      }`,
    );
  }
}
