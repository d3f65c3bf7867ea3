/** Fused forms on WebGPU: the bits of the ops that they replace. */

import { relu, relu6 } from "../ops/mod.ts";
import { checkKinks, checkTraining } from "./_fusion.ts";
import { gpuTest } from "./_gpu.ts";

for (const activation of [relu, relu6]) {
  gpuTest(`batch norm with ${activation.name} in one pass has the bits of two on WebGPU`, async (backend) => {
    await checkKinks(backend, activation);
    await checkTraining(backend, activation);
  });
}
