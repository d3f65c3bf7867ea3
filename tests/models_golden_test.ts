/** Torchvision's networks on the CPU. */

import { CpuBackend } from "../core/mod.ts";
import { checkGradients, checkLogits, GOLDEN_MODELS } from "./_models_golden.ts";

for (const golden of GOLDEN_MODELS) {
  Deno.test(`${golden.name} has torchvision's tensors, logits, loss and gradients on the CPU`, async () => {
    const backend = await CpuBackend.create();
    try {
      await checkLogits(backend, golden);
      await checkGradients(backend, golden);
    } finally {
      backend.destroy();
    }
  });
}
