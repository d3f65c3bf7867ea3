/** Kernels whose sizes are in a uniform, as on hardware, against float64: a layer's shader computes another one's too. */

import { assert } from "@std/assert";
import { checkOp, getOp, KernelPolicy, WebGpuBackend } from "../core/mod.ts";
import "../ops/mod.ts";
import { WHOLE } from "./_all.ts";
import { gpuTest } from "./_gpu.ts";

/** Ops with products in workgroup memory; those that a person's run tries, first. */
const OPS = ["linear", "conv2dWeightGradient", ...(WHOLE ? ["conv2d", "conv2dInputGradient"] : [])];

for (const name of OPS) {
  gpuTest(`${name} conforms with sizes in a uniform on WebGPU`, async (_, t) => {
    const backend = await WebGpuBackend.create();
    try {
      Object.defineProperty(backend, "policy", { value: new KernelPolicy({ ...backend.profile, kind: "hardware" }) });
      assert(backend.policy.mergeShape.uniform);
      const { comparisons } = await checkOp(getOp(name), {
        backends: [backend],
        seed: 3,
        rules: false,
        variants: "families",
        step: (name, run) => t.step(name, run),
      });
      assert(comparisons > 0);
    } finally {
      backend.destroy();
    }
  });
}
