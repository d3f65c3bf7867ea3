/** Checkpoints of short runs on WebGPU keep their bytes: those of ResNets, or with RESIDUA_TEST=all of MobileNets too. */

import { ALL } from "./_all.ts";
import { gpuTest } from "./_gpu.ts";
import { checkRun, RUNS } from "./_run_bytes.ts";

for (const run of Object.keys(RUNS).filter((run) => ALL || run.startsWith("resnet"))) {
  gpuTest(`a run of ${run} on WebGPU gives the recorded checkpoint, to the byte`, async ({ adapter }) => {
    console.log(await checkRun("webgpu", adapter.name, run));
  });
}
