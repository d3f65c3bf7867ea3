/**
 * Every registered op on WebGPU against float64: a covering set of the variants of its kernels, which has each family and
 * configuration on some sample and each sample by some variant, or with RESIDUA_TEST=all every variant of every sample. What
 * no device has a part in, `conformance_test.ts` checks.
 */

import { checkOp, listOps } from "../core/mod.ts";
import "../ops/mod.ts";
import { assert } from "@std/assert";
import { ALL } from "./_all.ts";
import { gpuTest } from "./_gpu.ts";

for (const op of listOps()) {
  gpuTest(`${op.name} conforms on WebGPU`, async (backend, t) => {
    const report = await checkOp(op, {
      backends: [backend],
      seed: 2,
      rules: false,
      // Kernels of a fused convolution are those of a convolution with other stores.
      variants: ALL ? "all" : op.name.endsWith("Fused") ? "families" : "covering",
      step: (name, run) => t.step(name, run),
    });
    assert(report.comparisons > 0);
  });
}
