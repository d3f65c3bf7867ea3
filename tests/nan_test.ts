/** NaN on the CPU. */

import { CpuBackend } from "../core/mod.ts";
import { checkActivations, checkLoss, checkMaxPool } from "./_nan.ts";

for (const build of ["relaxed SIMD", "SIMD"] as const) {
  Deno.test(`NaN goes through activations and maxima, and to the loss, on the CPU with ${build}`, async () => {
    const backend = await CpuBackend.create({ threads: 2, build });
    await checkActivations(backend);
    await checkMaxPool(backend);
    await checkLoss(backend);
    backend.destroy();
  });
}
