/** PyTorch's values on WebGPU. */

import { checkGolden, GOLDEN } from "./_golden.ts";
import { gpuTest } from "./_gpu.ts";

for (const golden of GOLDEN) {
  gpuTest(`${golden.op} agrees with PyTorch on WebGPU`, (backend) => checkGolden(backend, golden));
}
