/** Batch norms that keep their statistics, and heads that are trained first, on WebGPU. */

import { CASES, checkFineTuning } from "./_fine_tuning.ts";
import { gpuTest } from "./_gpu.ts";
import { checkResume } from "./_resume.ts";

for (const [index, title] of CASES.entries()) {
  gpuTest(
    `${title}: losses, weights and statistics are PyTorch's on WebGPU`,
    (backend) => checkFineTuning(backend, index),
  );
}

gpuTest(
  "fit() goes on from the head's epoch with the same bits on WebGPU",
  (backend) => checkResume(backend, [3, 6, 8], { epochs: 2, headEpochs: 1, checkpoints: { steps: 3 }, ema: 0.8 }),
);
