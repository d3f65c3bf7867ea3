/** Checkpoints of short runs on the CPU keep their bytes. */

import { CpuBackend } from "../core/mod.ts";
import { checkRun, RUNS } from "./_run_bytes.ts";

/** The threads do not count: results do not depend on them. */
const device = new CpuBackend().description.replace(/, \d+ threads?$/, "");

for (const run of Object.keys(RUNS)) {
  Deno.test(`a run of ${run} on the CPU gives the recorded checkpoint, to the byte`, async () => {
    console.log(await checkRun("cpu", device, run));
  });
}
