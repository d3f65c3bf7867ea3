/**
 * The CPU backend's memory: one WebAssembly memory, shared so that workers and WASM kernels can use it in place, with a
 * first-fit allocator of 64-byte blocks.
 */

import { DeviceError, OutOfMemoryError } from "../util/errors.ts";
import type { DType } from "../graph/shape.ts";

const PAGE = 65536;
const MAX_PAGES = 65536;
const ALIGNMENT = 64;
/** Bytes at the end that are never given out, since vector loads may read a little beyond a block. */
const GUARD = 64;

/** A block of memory. */
export interface Block {
  /** The address of its first byte. */
  readonly address: number;
  /** Its size in bytes. */
  readonly bytes: number;
}

/** The bytes of a block that holds `size` bytes. */
export function blockBytes(size: number): number {
  return Math.max(ALIGNMENT, Math.ceil(size / ALIGNMENT) * ALIGNMENT);
}

/** Bytes that blocks can have in all. */
const MOST = MAX_PAGES * PAGE - ALIGNMENT - GUARD;

/** Allocates blocks in one shared WebAssembly memory. */
export class CpuMemory {
  /** The memory itself. */
  readonly memory: WebAssembly.Memory;
  #free: { address: number; bytes: number }[] = [{ address: ALIGNMENT, bytes: 16 * PAGE - ALIGNMENT - GUARD }];
  #live = 0;
  /** The most bytes that blocks may have in all. */
  readonly most: number;

  /**
   * Makes an empty memory.
   *
   * @param limit The most bytes that may be given out. Defaults to what one WebAssembly memory holds.
   * @throws {DeviceError} If memory cannot be shared, as on a page that is not isolated from other origins.
   */
  constructor(limit = Infinity) {
    this.most = Math.min(limit, MOST);
    if (typeof SharedArrayBuffer === "undefined") {
      throw new DeviceError(
        "The CPU backend needs shared memory, which a browser gives only to isolated pages: serve the page with the headers " +
          "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp",
      );
    }
    this.memory = new WebAssembly.Memory({ initial: 16, maximum: MAX_PAGES, shared: true });
  }

  /** Bytes in blocks that were not freed. */
  get liveBytes(): number {
    return this.#live;
  }

  /**
   * Takes a block, whose content is undefined.
   *
   * @throws {OutOfMemoryError} If 4 GiB, what the machine has, or the limit that was given is used up.
   */
  allocate(size: number): Block {
    const bytes = blockBytes(size);
    if (this.most < MOST && this.#live + bytes > this.most) {
      throw this.#refusal(bytes, `in the limit of ${Math.floor(this.most / 2 ** 20)} MiB`);
    }
    let index = this.#free.findIndex((block) => block.bytes >= bytes);
    if (index < 0) {
      this.#grow(bytes);
      index = this.#free.findIndex((block) => block.bytes >= bytes);
    }
    const block = this.#free[index];
    const taken = { address: block.address, bytes };
    if (block.bytes === bytes) this.#free.splice(index, 1);
    else this.#free[index] = { address: block.address + bytes, bytes: block.bytes - bytes };
    this.#live += bytes;
    return taken;
  }

  /** Gives a block back. */
  free(block: Block): void {
    this.#live -= block.bytes;
    const merged: { address: number; bytes: number }[] = [];
    for (const next of [...this.#free, block].sort((a, b) => a.address - b.address)) {
      const last = merged.at(-1);
      if (last !== undefined && last.address + last.bytes === next.address) last.bytes += next.bytes;
      else merged.push({ ...next });
    }
    this.#free = merged;
  }

  /** A block as a typed array. */
  view(block: Block, dtype: DType, length: number): Float32Array<SharedArrayBuffer> | Uint32Array<SharedArrayBuffer> {
    const buffer = this.memory.buffer as unknown as SharedArrayBuffer;
    return dtype === "f32"
      ? new Float32Array(buffer, block.address, length)
      : new Uint32Array(buffer, block.address, length);
  }

  #grow(bytes: number): void {
    const end = this.memory.buffer.byteLength, last = this.#free.at(-1);
    // What is free at the end counts, so that a block may have all that is left of the 4 GiB.
    const tail = last !== undefined && last.address + last.bytes === end - GUARD ? last.bytes : 0;
    const pages = Math.ceil((bytes - tail) / PAGE);
    try {
      this.memory.grow(pages);
    } catch {
      throw this.#refusal(bytes, "in the 4 GiB of one WebAssembly memory");
    }
    this.#live += pages * PAGE;
    this.free({ address: end - GUARD, bytes: pages * PAGE });
  }

  #refusal(bytes: number, where: string): OutOfMemoryError {
    return new OutOfMemoryError(
      `The CPU backend is out of memory: ${mebibytes(this.#live)} MiB are in use and ${
        mebibytes(bytes)
      } MiB more do not ` +
        `fit ${where}`,
      this.most,
    );
  }
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
