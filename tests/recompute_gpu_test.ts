/** Recomputation on WebGPU: the same bits in less memory. */

import { ALL } from "./_all.ts";
import { gpuTest } from "./_gpu.ts";
import { checkRecomputed, RECOMPUTED } from "./_recompute.ts";

// Two of them have all that is computed again.
const models = ALL ? RECOMPUTED : RECOMPUTED.filter(([name]) => /max pool|dropout/.test(name));

for (const [name, model, op] of models) {
  gpuTest(`recompute changes no bit of ${name} on WebGPU`, (backend) => checkRecomputed(backend, model, op));
}
