/** A backend over memory that is not shared, as one has on a page that is not isolated from other origins. */

import { CpuBackend, type CpuKernelBuild } from "../core/mod.ts";
import { compileKernels } from "../core/cpu/kernels.ts";
import { CpuMemory } from "../core/cpu/memory.ts";
import { Threads } from "../core/cpu/threads.ts";

/** The backend and its memory. */
export function unsharedBackend(build?: CpuKernelBuild): { backend: CpuBackend; memory: CpuMemory } {
  const memory = new CpuMemory(Infinity, false), kernels = compileKernels(build, false);
  return { backend: new CpuBackend(memory, new Threads(memory, kernels), kernels.build), memory };
}
