/**
 * The CPU backend's memory: one WebAssembly memory, shared where it may be so that workers use it in place, with a first-fit
 * allocator of 64-byte blocks.
 */

import { OutOfMemoryError } from "../util/errors.ts";
import type { DType } from "../graph/shape.ts";
import { canShareMemory } from "./cores.ts";

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

/** Elements of a memory. Memory that is not shared detaches its arrays when it grows, so ask for them each time. */
export class MemoryArray {
  #elements: Float32Array | Uint32Array;

  /** The elements from an address on. */
  constructor(
    readonly memory: WebAssembly.Memory,
    /** The address of the first. */
    readonly address: number,
    readonly dtype: DType,
    readonly length: number,
  ) {
    this.#elements = this.#view();
  }

  /** The elements, in place. */
  get elements(): Float32Array | Uint32Array {
    if (this.#elements.buffer !== this.memory.buffer) this.#elements = this.#view();
    return this.#elements;
  }

  #view(): Float32Array | Uint32Array {
    const { memory: { buffer }, address, length } = this;
    return this.dtype === "f32" ? new Float32Array(buffer, address, length) : new Uint32Array(buffer, address, length);
  }
}

/** Allocates blocks in one WebAssembly memory. */
export class CpuMemory {
  /** The memory itself. */
  readonly memory: WebAssembly.Memory;
  /** Whether workers may have it too. */
  readonly shared: boolean;
  #free: { address: number; bytes: number }[] = [{ address: ALIGNMENT, bytes: 16 * PAGE - ALIGNMENT - GUARD }];
  #live = 0;
  /** The most bytes that blocks may have in all. */
  readonly most: number;

  /**
   * Makes an empty memory.
   *
   * @param limit The most bytes that may be given out. Defaults to what one WebAssembly memory holds.
   * @param shared Whether workers may have it too. Defaults to where the engine allows it.
   */
  constructor(limit: number = Infinity, shared: boolean = canShareMemory()) {
    this.most = Math.min(limit, MOST);
    this.shared = shared;
    this.memory = new WebAssembly.Memory({ initial: 16, maximum: MAX_PAGES, shared });
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

  /** A block as an array. */
  view(block: Block, dtype: DType, length: number): MemoryArray {
    return new MemoryArray(this.memory, block.address, dtype, length);
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
