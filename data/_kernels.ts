/** The WebAssembly kernels of the image pipeline, one instance a thread. */

import { BYTES } from "./wasm/simd_bytes.ts";

/** The most memory that a thread's kernels hold, in bytes; what would need more goes through plain loops. */
const MOST_BYTES = 64 * 2 ** 20;
const PAGE = 65536;

/** What the module exports; see `wasm/assembly/`. Addresses and strides are bytes. */
interface KernelExports {
  readonly memory: WebAssembly.Memory;
  resizeColumns(
    source: number,
    stride: number,
    rows: number,
    offsets: number,
    weights: number,
    pairs: number,
    width: number,
    target: number,
    targetStride: number,
  ): void;
  resizeRows(
    source: number,
    stride: number,
    offsets: number,
    weights: number,
    pairs: number,
    rows: number,
    target: number,
  ): void;
  writePlanes(
    source: number,
    step: number,
    stride: number,
    width: number,
    rows: number,
    target: number,
    targetStride: number,
    plane: number,
  ): void;
}

/** An instance and views of its memory, which hold nothing from one use to the next. */
export class Kernels {
  /** The functions. */
  readonly run: KernelExports;
  /** The memory. */
  bytes: Uint8Array = new Uint8Array();
  /** The same, by words. */
  words: Int32Array = new Int32Array();
  /** The same, by numbers. */
  floats: Float32Array = new Float32Array();

  /** @throws If the engine has no WebAssembly SIMD, or may not use it. */
  constructor() {
    const binary = Uint8Array.from(atob(BYTES), (character) => character.charCodeAt(0));
    this.run = new WebAssembly.Instance(new WebAssembly.Module(binary)).exports as unknown as KernelExports;
  }

  /** Makes sure of `count` bytes. False where they cannot be had. */
  reserve(count: number): boolean {
    if (count <= this.bytes.length) return true;
    if (count > MOST_BYTES) return false;
    const { memory } = this.run;
    try {
      memory.grow(Math.ceil((count - memory.buffer.byteLength) / PAGE));
    } catch {
      return false;
    }
    this.bytes = new Uint8Array(memory.buffer);
    this.words = new Int32Array(memory.buffer);
    this.floats = new Float32Array(memory.buffer);
    return true;
  }
}

/** An instance of the kernels; nothing where the engine has no WebAssembly SIMD, or may not use it. */
export function loadKernels(): Kernels | undefined {
  try {
    return new Kernels();
  } catch {
    return undefined;
  }
}

let loaded: { readonly kernels: Kernels | undefined } | undefined;

/** This thread's instance, made with the first call. */
export function kernels(): Kernels | undefined {
  loaded ??= { kernels: loadKernels() };
  return loaded.kernels;
}
