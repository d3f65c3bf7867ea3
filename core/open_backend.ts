/** Chooses a backend, and says why. */

import type { Backend } from "./backend.ts";
import { CpuBackend } from "./cpu/backend.ts";
import { UsageError } from "./util/errors.ts";
import { WebGpuBackend } from "./webgpu/backend.ts";
import { reportAdapter, requestAdapter } from "./webgpu/device.ts";

/** What a user may ask for. */
export type BackendChoice = "auto" | "webgpu" | "cpu";

/** A choice and its reason. */
export interface BackendDecision {
  /** The backend. */
  readonly backend: "webgpu" | "cpu";
  /** Why, as a sentence. */
  readonly reason: string;
}

/** Decides which backend a choice means on this machine: `auto` takes a hardware GPU where there is one, else the CPU. */
export async function decideBackend(choice: BackendChoice): Promise<BackendDecision> {
  if (choice === "cpu" || choice === "webgpu") return { backend: choice, reason: "It was asked for." };
  if (choice !== "auto") throw new UsageError(`Expected the backend to be auto, webgpu or cpu but it is ${choice}`);
  const adapter = await requestAdapter();
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
 * @param choice Which; a hardware GPU where there is one, else the CPU, unless given.
 * @param options `threads`: how many the CPU backend uses; one a core unless given. `memory`: the most bytes that the backend
 * may allocate; as many as there are unless given.
 *
 * @throws {DeviceError} If WebGPU was asked for and there is no adapter.
 *
 * @example
 * ```ts
 * import { openBackend } from "./mod.ts";
 * const backend = await openBackend("cpu");
 * console.log(backend.name); // cpu
 * backend.destroy();
 * ```
 */
export async function openBackend(
  choice: BackendChoice = "auto",
  options: { readonly threads?: number; readonly memory?: number } = {},
): Promise<Backend> {
  const { backend } = await decideBackend(choice);
  return backend === "cpu" ? await CpuBackend.create(options) : await WebGpuBackend.create(options);
}
