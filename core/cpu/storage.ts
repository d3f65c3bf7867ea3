/** Variables of the CPU backend, in its memory. */

import type { Storage } from "../backend.ts";
import { expectData } from "../util/check_data.ts";
import { byteSize, elementCount, type TensorSpec } from "../graph/shape.ts";
import type { Block, CpuMemory, MemoryArray } from "./memory.ts";

/** A variable of the CPU backend. */
export class CpuStorage implements Storage {
  /** The elements, in place. */
  readonly data: MemoryArray;
  /** Grows with every change of the elements. */
  version = 0;
  readonly #memory: CpuMemory;
  readonly #block: Block;

  /** Takes memory for a tensor, and clears it. */
  constructor(memory: CpuMemory, readonly spec: TensorSpec) {
    this.#memory = memory;
    this.#block = memory.allocate(byteSize(spec));
    this.data = memory.view(this.#block, spec.dtype, elementCount(spec.shape));
    this.data.elements.fill(0);
  }

  /** Replaces the elements. */
  write(data: Float32Array | Uint32Array): void {
    expectData("variable", this.spec, data);
    this.data.elements.set(data);
    this.version++;
  }

  /** Copies the elements out. */
  read(): Promise<Float32Array | Uint32Array> {
    return Promise.resolve(this.data.elements.slice());
  }

  /** Gives the memory back. */
  destroy(): void {
    this.#memory.free(this.#block);
  }
}
