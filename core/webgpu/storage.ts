/** Variables of the WebGPU backend: one buffer each. */

import type { Storage } from "../backend.ts";
import { expectData } from "../util/check_data.ts";
import { deviceBytes } from "../util/float16.ts";
import { byteSize, formatSpec, type TensorSpec } from "../graph/shape.ts";
import type { WebGpuBackend } from "./backend.ts";

/** A variable of the WebGPU backend. */
export class WebGpuStorage implements Storage {
  /** The buffer. */
  readonly buffer: GPUBuffer;
  /** Grows with every change of the elements. */
  version = 0;
  readonly #backend: WebGpuBackend;

  /** Allocates a buffer for a tensor, which WebGPU clears. */
  constructor(backend: WebGpuBackend, readonly spec: TensorSpec) {
    this.#backend = backend;
    this.buffer = backend.createBuffer(byteSize(spec), `variable ${formatSpec(spec)}`);
  }

  /** Replaces the elements. */
  write(data: Float32Array | Uint32Array): void {
    expectData("variable", this.spec, data);
    this.version++;
    this.#backend.device.queue.writeBuffer(this.buffer, 0, deviceBytes(this.spec, data));
  }

  /** Copies the elements out; waits for the device. */
  read(): Promise<Float32Array | Uint32Array> {
    return this.#backend.readBuffer(this.buffer, this.spec);
  }

  /** Gives the buffer back. */
  destroy(): void {
    this.#backend.destroyBuffer(this.buffer);
  }
}
