/** Holds every op of the package for npm to its float64 reference on the CPU, and prints how much was checked. */

import { checkOp, CpuBackend, listOps } from "residua/core";
import "residua/ops";

const backends = [new CpuBackend(), await CpuBackend.create({ threads: 3, build: "SIMD" })];
const sums = { ops: 0, refusals: 0, comparisons: 0, derivatives: 0 };
for (const op of listOps()) {
  const report = await checkOp(op, { backends, seed: 1 });
  sums.ops++;
  for (const name of ["refusals", "comparisons", "derivatives"]) sums[name] += report[name];
}
for (const backend of backends) backend.destroy();
console.log(JSON.stringify(sums));
