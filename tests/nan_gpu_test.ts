/** NaN on WebGPU. */

import { gpuTest } from "./_gpu.ts";
import { checkActivations, checkLoss, checkMaxPool } from "./_nan.ts";

gpuTest("NaN goes through activations and maxima on WebGPU", async (backend) => {
  await checkActivations(backend);
  await checkMaxPool(backend);
});

gpuTest("a NaN reaches the loss on WebGPU", checkLoss);
