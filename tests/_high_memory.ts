/** Backends whose memory lies at high addresses: a block that nobody touches takes what is below, and costs nothing. */

import { CpuBackend, type CpuKernelBuild } from "../core/mod.ts";
import { compileKernels } from "../core/cpu/kernels.ts";
import { CpuMemory } from "../core/cpu/memory.ts";
import { Threads } from "../core/cpu/threads.ts";

/** Beyond the addresses that a signed word holds. */
export const ABOVE_2_GIB = 2 ** 31 + 2 ** 20;
/** So that the last addresses of all are used. */
export const BELOW_4_GIB = 2 ** 32 - 48 * 2 ** 20;

/** A memory whose blocks lie from about an address on. */
export function highMemory(address: number): CpuMemory {
  const memory = new CpuMemory();
  memory.allocate(address);
  return memory;
}

/** A backend over a memory, or over one whose blocks lie from about an address on. */
export async function highBackend(
  memory: CpuMemory | number,
  { threads = 1, build }: { readonly threads?: number; readonly build?: CpuKernelBuild } = {},
): Promise<CpuBackend> {
  const kernels = compileKernels(build), high = typeof memory === "number" ? highMemory(memory) : memory;
  return new CpuBackend(high, await Threads.create(high, kernels, threads), kernels.build);
}
