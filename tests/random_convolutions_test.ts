/** Convolutions of many shapes on the CPU, by the default build and by SIMD without its relaxed instructions. */

import { assert } from "@std/assert";
import { CpuBackend, Random } from "../core/mod.ts";
import { CpuMemory } from "../core/cpu/memory.ts";
import { highBackend } from "./_high_memory.ts";
import { checkConvolution, checkRandomConvolutions, seedOfDay } from "./_random_convolutions.ts";

Deno.test(`random convolutions and their gradients conform on the CPU (RESIDUA_SEED=${seedOfDay()})`, async () => {
  const backends = [new CpuBackend(), await highBackend(new CpuMemory(), { threads: 3, build: "SIMD" })];
  const checked = await checkRandomConvolutions(backends, { count: 25, seconds: 20, choosers: () => [undefined] });
  assert(checked > 0);
  for (const backend of backends) backend.destroy();
});

Deno.test("depthwise convolutions of 3x3 kernels conform on the CPU however tiles divide their planes", async () => {
  const backends = [new CpuBackend(), await highBackend(new CpuMemory(), { threads: 2, build: "SIMD" })];
  const random = new Random(5, "planes"), widths = [4, 5, 6, 7, 8, 9, 10, 12, 13, 16, 17, 24, 25, 130];
  for (const height of [4, 5, 6, 7, 8, 9, 10, 13, 17, 35]) {
    for (const width of widths) {
      const multiplier = 1 + random.integer(2), channels = 1 + random.integer(5);
      const input = [1 + random.integer(3), channels, height, width], weight = [channels * multiplier, 1, 3, 3];
      const attributes = { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: channels } as const;
      await checkConvolution(backends, { input, weight, attributes }, random, `${height} by ${width}`);
    }
  }
  for (const backend of backends) backend.destroy();
});
