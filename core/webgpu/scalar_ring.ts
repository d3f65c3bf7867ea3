/** Scalars of recorded steps. They collect in a ring on the device, so that no step waits for a read. */

import { SCALAR_CAPACITY } from "../backend.ts";
import { byName } from "../util/check_data.ts";
import { DeviceError } from "../util/errors.ts";
import type { WebGpuBackend } from "./backend.ts";
import { BufferUsage } from "./constants.ts";
import { ringBytes } from "./memory.ts";
import type { ProgramMemory } from "./program_memory.ts";

/** The scalars of recorded steps, until they are read. */
export class ScalarRing {
  readonly #backend: WebGpuBackend;
  readonly #memory: ProgramMemory;
  /** Where the scalars lie after a step. */
  readonly #sources: readonly GPUBuffer[];
  readonly #ring: GPUBuffer | undefined;
  readonly #bytes: number;
  readonly #stagings: GPUBuffer[] = [];
  #recorded = 0;

  /** @param names The outputs that are recorded. */
  constructor(backend: WebGpuBackend, memory: ProgramMemory, names: readonly string[]) {
    this.#backend = backend;
    this.#memory = memory;
    this.#bytes = ringBytes(names);
    this.#sources = names.map((name) => memory.bufferOf(byName(memory.outputs, "output", name)));
    this.#ring = names.length > 0 ? memory.own(this.#bytes, "recorded scalars") : undefined;
  }

  /** Adds the copies of a step's scalars to what is submitted next. */
  record(encoder: GPUCommandEncoder): void {
    if (this.#recorded === SCALAR_CAPACITY) {
      throw new DeviceError(`More than ${SCALAR_CAPACITY} steps were recorded without readScalars()`);
    }
    for (const [index, source] of this.#sources.entries()) {
      encoder.copyBufferToBuffer(source, 0, this.#ring!, (this.#recorded * this.#sources.length + index) * 4, 4);
    }
    this.#recorded++;
  }

  /** The scalars of the recorded steps, a row each. Steps may be queued while the promise is pending. */
  async read(): Promise<Float32Array[]> {
    const rows = this.#recorded, width = this.#sources.length, bytes = rows * width * 4;
    this.#recorded = 0;
    if (rows === 0) return [];
    const staging = this.#stagings.pop() ??
      this.#memory.own(this.#bytes, "staging", BufferUsage.MAP_READ | BufferUsage.COPY_DST);
    const encoder = this.#backend.device.createCommandEncoder();
    encoder.copyBufferToBuffer(this.#ring!, 0, staging, 0, bytes);
    this.#backend.device.queue.submit([encoder.finish()]);
    await this.#backend.mapRead(staging);
    const copy = new Float32Array(staging.getMappedRange(0, bytes).slice(0));
    staging.unmap();
    this.#stagings.push(staging);
    return Array.from({ length: rows }, (_, row) => copy.slice(row * width, (row + 1) * width));
  }
}
