/** Recomputation on WebGPU: the same bits in less memory. */

import { gpuTest } from "./_gpu.ts";
import { checkRecomputed, RECOMPUTED } from "./_recompute.ts";

for (const [name, model, op] of RECOMPUTED) {
  gpuTest(`recompute changes no bit of ${name} on WebGPU`, (backend) => checkRecomputed(backend, model, op));
}
