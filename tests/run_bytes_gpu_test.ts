/** Checkpoints of short runs on WebGPU keep their bytes. */

import { gpuTest } from "./_gpu.ts";
import { checkRun, RUNS } from "./_run_bytes.ts";

for (const run of Object.keys(RUNS)) {
  gpuTest(`a run of ${run} on WebGPU gives the recorded checkpoint, to the byte`, async ({ adapter }) => {
    console.log(await checkRun("webgpu", adapter.name, run));
  });
}
