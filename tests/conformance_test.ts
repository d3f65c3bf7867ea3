/**
 * Every registered op, on the CPU, against float64 and central differences: both builds, one thread and several, at low
 * addresses and at high ones.
 */

import { checkOp, CpuBackend, listOps } from "../core/mod.ts";
import "../ops/mod.ts";
import { assert } from "@std/assert";
import { ABOVE_2_GIB, BELOW_4_GIB, highBackend } from "./_high_memory.ts";

const backends = [
  new CpuBackend(),
  await highBackend(ABOVE_2_GIB, { threads: 3 }),
  await highBackend(BELOW_4_GIB, { threads: 2, build: "SIMD" }),
];

for (const op of listOps()) {
  Deno.test(`${op.name} conforms on the CPU`, async (t) => {
    const report = await checkOp(op, { backends, seed: 1, step: (name, run) => t.step(name, run) });
    assert(report.comparisons > 0 && report.refusals > 0);
    assert(op.gradient === undefined || report.derivatives > 0);
  });
}

Deno.test.afterAll(() => {
  for (const backend of backends) backend.destroy();
});
