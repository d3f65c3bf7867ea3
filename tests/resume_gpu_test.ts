/** Runs that stop and go on, on WebGPU. */

import { gpuTest } from "./_gpu.ts";
import { checkResume } from "./_resume.ts";

gpuTest(
  "fit() goes on from a stop within an epoch with the same bits on WebGPU",
  (backend) =>
    checkResume(backend, [3], {
      epochs: 2,
      checkpoints: { steps: 3 },
      schedule: "plateau",
      patience: 0,
      threshold: 0.1,
      ema: 0.8,
    }),
);
