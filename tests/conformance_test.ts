/** Every registered op, on the CPU, against float64 and central differences: both builds, one thread and several. */

import { checkOp, CpuBackend, listOps } from "../core/mod.ts";
import "../ops/mod.ts";
import { assert } from "@std/assert";

const backends = [
  new CpuBackend(),
  await CpuBackend.create({ threads: 3 }),
  await CpuBackend.create({ threads: 2, build: "SIMD" }),
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
