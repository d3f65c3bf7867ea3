/** The compiled WebAssembly kernels: which build the engine takes, and the kernels' numbers. */

import { DeviceError } from "../util/errors.ts";
import { type CpuKernelName, KERNEL_NAMES } from "./wasm/kernel_names.ts";
import { BYTES as RELAXED_SIMD } from "./wasm/relaxed_simd_bytes.ts";
import { BYTES as SIMD } from "./wasm/simd_bytes.ts";

/** A build of the kernels. They round differently: relaxed SIMD fuses multiplication and addition. */
export type CpuKernelBuild = "relaxed SIMD" | "SIMD";

/** The builds, the fastest first. */
const BUILDS: readonly { readonly build: CpuKernelBuild; readonly bytes: string }[] = [
  { build: "relaxed SIMD", bytes: RELAXED_SIMD },
  { build: "SIMD", bytes: SIMD },
];

/** A compiled module. */
export interface CpuKernels {
  /** The build. */
  readonly build: CpuKernelBuild;
  /** The module, which every thread instantiates over the same memory. */
  readonly module: WebAssembly.Module;
}

/** The exports of an instance of the module; see `wasm/assembly/control.ts`. */
export interface KernelExports {
  /** Runs one thread's share of the stages; 0 if a thread has failed. */
  readonly work: (control: number, thread: number) => number;
  /** Starts the other threads and works with them; 0 if a thread has failed. */
  readonly lead: (control: number) => number;
  /** Runs a worker's share of each program; returns after a program of no stages or a failure. */
  readonly follow: (control: number, thread: number) => void;
}

/** The number of a kernel. */
export function kernelNumber(name: CpuKernelName): number {
  const number = KERNEL_NAMES.indexOf(name);
  if (number < 0) throw new DeviceError(`There is no WebAssembly kernel named "${name}"`);
  return number;
}

/**
 * Compiles the kernels.
 *
 * @param wanted The build. Defaults to the fastest that the engine takes.
 * @throws {DeviceError} If the engine has no WebAssembly SIMD.
 */
export function compileKernels(wanted?: CpuKernelBuild): CpuKernels {
  for (const { build, bytes } of BUILDS) {
    if (wanted !== undefined && wanted !== build) continue;
    const binary = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
    if (WebAssembly.validate(binary)) return { build, module: new WebAssembly.Module(binary) };
  }
  throw new DeviceError(`This engine has no WebAssembly ${wanted ?? "SIMD"}, which the CPU backend needs`);
}
