/** Recomputation on WebGPU: the same bits in less memory. */

import { ALL } from "./_all.ts";
import { gpuTest } from "./_gpu.ts";
import { checkRecomputed, RECOMPUTED } from "./_recompute.ts";

// The last one has every kind of block, and all but poolings computed again.
const models = ALL ? RECOMPUTED : RECOMPUTED.slice(-1);

for (const [name, model, op] of models) {
  gpuTest(`recompute changes no bit of ${name} on WebGPU`, (backend) => checkRecomputed(backend, model, op));
}
