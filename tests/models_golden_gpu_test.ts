/** The smallest of torchvision's networks on WebGPU. */

import { checkGradients, checkLogits, GOLDEN_MODELS } from "./_models_golden.ts";
import { ALL } from "./_all.ts";
import { gpuTest } from "./_gpu.ts";

const golden = GOLDEN_MODELS.find(({ name }) => name === "mobilenet_v2_0.5")!;

gpuTest("mobilenet_v2_0.5 has torchvision's logits on WebGPU", (backend) => checkLogits(backend, golden));

// A run of such a network keeps its bytes in CI.
if (ALL) {
  gpuTest("mobilenet_v2_0.5 has torchvision's loss and gradients on WebGPU", async (backend) => {
    // Adapters round each in their own way, so a ReLU may be on the other side of its kink.
    await checkGradients(backend, golden, 0.02);
  });
}
