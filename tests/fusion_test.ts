/** Fused forms on the CPU: the bits of the ops that they replace. */

import { CpuBackend } from "../core/mod.ts";
import { relu, relu6 } from "../ops/mod.ts";
import { checkKinks, checkTraining } from "./_fusion.ts";

for (const activation of [relu, relu6]) {
  Deno.test(`batch norm with ${activation.name} in one pass has the bits of two on the CPU`, async () => {
    for (const build of ["relaxed SIMD", "SIMD"] as const) {
      const backend = await CpuBackend.create({ threads: 2, build });
      await checkKinks(backend, activation);
      await checkTraining(backend, activation);
      backend.destroy();
    }
  });
}
