/** Chooses a backend and gives the reason. */

import type { Backend } from "./backend.ts";
import { CpuBackend } from "./cpu/backend.ts";
import { UsageError } from "./util/errors.ts";
import { WebGpuBackend } from "./webgpu/backend.ts";
import { type GpuOptions, reportAdapter, requestAdapter } from "./webgpu/device.ts";
import type { KernelTable } from "./webgpu/tuning/tables.ts";

/** A backend, or `auto`. */
export type BackendChoice = "auto" | "webgpu" | "cpu";

/** A choice and its reason. */
export interface BackendDecision {
  /** The backend. */
  readonly backend: "webgpu" | "cpu";
  /** The reason, as a sentence. */
  readonly reason: string;
}

/**
 * The backend that a choice means on this machine: `auto` takes a hardware GPU if there is one, else the CPU.
 *
 * @param choice The backend, or `auto`.
 * @param options `gpu`: the implementation of WebGPU to ask. Defaults to the engine's own.
 */
export async function decideBackend(choice: BackendChoice, options: GpuOptions = {}): Promise<BackendDecision> {
  if (choice === "cpu" || choice === "webgpu") return { backend: choice, reason: "It was asked for." };
  if (choice !== "auto") throw new UsageError(`Expected the backend to be auto, webgpu or cpu but it is ${choice}`);
  const adapter = await requestAdapter(options);
  if (adapter === undefined) return { backend: "cpu", reason: "There is no WebGPU adapter." };
  const { name, software } = reportAdapter(adapter);
  return software
    ? {
      backend: "cpu",
      reason: `The only WebGPU adapter, ${name}, is a software one, and slower than the CPU backend.`,
    }
    : { backend: "webgpu", reason: `${name} is a hardware GPU.` };
}

/**
 * Opens a backend.
 *
 * @param choice The backend. Defaults to a hardware GPU if there is one, else the CPU.
 * @param options `threads`: the threads of the CPU backend. Defaults to one a core. `memory`: the most bytes that the backend
 * may allocate. Defaults to no limit of its own. `tables`: WebGPU kernels for devices of a kind, as `parseKernelTable` reads
 * them; they are asked before those that come with the library. `gpu`: an implementation of WebGPU, such as Dawn's by npm's
 * `webgpu`. Defaults to the engine's own, `navigator.gpu`. `stallTimeout`: the seconds without any progress after which the
 * device or a thread is taken to hang. Defaults to some minutes.
 *
 * @throws {DeviceError} If WebGPU was asked for and there is no adapter.
 * @throws {UsageError} If there is no such backend, or an option is out of its range.
 *
 * @example
 * ```ts
 * import { openBackend } from "@residua/residua";
 * const backend = await openBackend("cpu");
 * console.log(backend.name); // cpu
 * backend.destroy();
 * ```
 */
export async function openBackend(
  choice: BackendChoice = "auto",
  options: {
    readonly threads?: number;
    readonly memory?: number;
    readonly tables?: readonly KernelTable[];
    readonly gpu?: GPU;
    readonly stallTimeout?: number;
  } = {},
): Promise<Backend> {
  const { backend } = await decideBackend(choice, options);
  return backend === "cpu" ? await CpuBackend.create(options) : await WebGpuBackend.create(options);
}
