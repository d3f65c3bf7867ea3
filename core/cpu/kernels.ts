/** The compiled WebAssembly kernels: which build the engine takes, and the kernels' numbers. */

import { DeviceError } from "../util/errors.ts";
import { canShareMemory } from "./cores.ts";
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

/** Where the kernels import their memory from. */
const MEMORY_IMPORT = [3, ...new TextEncoder().encode("env"), 6, ...new TextEncoder().encode("memory"), 2];
/** The limits of a shared memory with a maximum, and of one that is not shared, as the import states them. */
const SHARED = 3, UNSHARED = 1;

/**
 * The same kernels over a memory that is not shared. All that differs is a flag of the import: atomic instructions are allowed
 * there too, and one thread never waits.
 */
function withoutSharing(binary: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const last = binary.length - MEMORY_IMPORT.length - 1;
  for (let at = 0; at <= last; at++) {
    if (!MEMORY_IMPORT.every((byte, k) => binary[at + k] === byte)) continue;
    const flag = at + MEMORY_IMPORT.length;
    if (binary[flag] !== SHARED) break;
    const changed = binary.slice();
    changed[flag] = UNSHARED;
    return changed;
  }
  throw new DeviceError(
    "The WebAssembly kernels do not import a shared memory; compile them anew (deno task build:wasm)",
  );
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
 * @param shared Whether the memory that they work on is shared.
 * @throws {DeviceError} If the engine has no WebAssembly SIMD.
 */
export function compileKernels(wanted?: CpuKernelBuild, shared: boolean = canShareMemory()): CpuKernels {
  for (const { build, bytes } of BUILDS) {
    if (wanted !== undefined && wanted !== build) continue;
    const compiled = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
    const binary = shared ? compiled : withoutSharing(compiled);
    if (WebAssembly.validate(binary)) return { build, module: new WebAssembly.Module(binary) };
  }
  throw new DeviceError(`This engine has no WebAssembly ${wanted ?? "SIMD"}, which the CPU backend needs`);
}
