/** Every registered op and every variant of its kernels, on WebGPU, against float64. */

import { checkOp, listOps } from "../core/mod.ts";
import "../ops/mod.ts";
import { assert } from "@std/assert";
import { gpuTest } from "./_gpu.ts";

for (const op of listOps()) {
  gpuTest(`${op.name} conforms on WebGPU`, async (backend) => {
    const report = await checkOp(op, { backends: [backend], seed: 2 });
    assert(report.comparisons > 0);
  });
}
