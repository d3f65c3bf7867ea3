/** Convolutions of random shapes on the CPU, by the default build and by SIMD without its relaxed instructions. */

import { assert } from "@std/assert";
import { CpuBackend } from "../core/mod.ts";
import { CpuMemory } from "../core/cpu/memory.ts";
import { highBackend } from "./_high_memory.ts";
import { checkRandomConvolutions, seedOfDay } from "./_random_convolutions.ts";

Deno.test(`random convolutions and their gradients conform on the CPU (RESIDUA_SEED=${seedOfDay()})`, async () => {
  const backends = [new CpuBackend(), await highBackend(new CpuMemory(), { threads: 3, build: "SIMD" })];
  const checked = await checkRandomConvolutions(backends, { count: 25, seconds: 20, choosers: () => [undefined] });
  assert(checked > 0);
  for (const backend of backends) backend.destroy();
});
