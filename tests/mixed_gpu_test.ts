/** Mixed precision on WebGPU. */

import { assertEquals } from "@std/assert";
import { gpuTest } from "./_gpu.ts";

gpuTest("halfProblem() finds the known answers", async (backend) => {
  assertEquals(await backend.halfProblem(), undefined);
});
