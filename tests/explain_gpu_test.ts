/** Grad-CAM on WebGPU. */

import { gpuTest } from "./_gpu.ts";
import { checkGradCam, GOLDEN_EXPLANATIONS } from "./_explain.ts";

gpuTest("resnet18 explains its classes as PyTorch's Grad-CAM does on WebGPU", async (backend) => {
  await checkGradCam(backend, GOLDEN_EXPLANATIONS.find(({ name }) => name === "resnet18")!);
});
