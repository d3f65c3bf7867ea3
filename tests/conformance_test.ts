/**
 * Every registered op, on the CPU, against float64 and central differences: both builds, one thread and several, at low
 * addresses and at high ones.
 */

import { checkOp, CpuBackend, listOps } from "../core/mod.ts";
import "../ops/mod.ts";
import { assert } from "@std/assert";
import { ABOVE_2_GIB, BELOW_4_GIB, highBackend } from "./_high_memory.ts";

for (const op of listOps()) {
  Deno.test(`${op.name} conforms on the CPU`, async () => {
    const backends = [
      new CpuBackend(),
      await highBackend(ABOVE_2_GIB, { threads: 3 }),
      await highBackend(BELOW_4_GIB, { threads: 2, build: "SIMD" }),
    ];
    const report = await checkOp(op, { backends, seed: 1 });
    for (const backend of backends) backend.destroy();
    assert(report.comparisons > 0 && report.refusals > 0);
    assert(op.gradient === undefined || report.derivatives > 0);
  });
}
