/** Every registered op, on the CPU, against float64 and central differences. */

import { checkOp, CpuBackend, listOps } from "../core/mod.ts";
import "../ops/mod.ts";
import { assert } from "@std/assert";

for (const op of listOps()) {
  Deno.test(`${op.name} conforms on the CPU`, async () => {
    const report = await checkOp(op, { backends: [new CpuBackend()], seed: 1 });
    assert(report.comparisons > 0 && report.refusals > 0);
    assert(op.gradient === undefined || report.derivatives > 0);
  });
}
