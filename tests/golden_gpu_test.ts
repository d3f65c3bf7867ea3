/** PyTorch's values on WebGPU. */

import { checkGolden, GOLDEN, goldenName } from "./_golden.ts";
import { gpuTest } from "./_gpu.ts";

for (const golden of GOLDEN.filter(({ webgpu = true }) => webgpu)) {
  gpuTest(`${goldenName(golden)} agrees with PyTorch on WebGPU`, (backend) => checkGolden(backend, golden));
}
