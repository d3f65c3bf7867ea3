/** A device that binds no more storage buffers than WebGPU guarantees, eight, trains like any other. */

import { assert, assertEquals } from "@std/assert";
import { batchNormReluGradient } from "../ops/mod.ts";
import { checkOp, WebGpuBackend } from "../core/mod.ts";
import { loadGpu } from "../cli/gpu/load_gpu.ts";
import { gpuTest, implementation } from "./_gpu.ts";
import { losses, SMALL } from "./_training.ts";

/** An implementation whose adapters have the least limit of storage buffers. */
function withLeastBuffers(gpu: GPU): GPU {
  const view = <T extends object>(target: T, own: Partial<Record<keyof T, unknown>>): T =>
    new Proxy(target, {
      get(_, name) {
        if (name in own) return own[name as keyof T];
        const value = target[name as keyof T];
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  return view(gpu, {
    async requestAdapter(options?: GPURequestAdapterOptions) {
      const adapter = await gpu.requestAdapter(options);
      return adapter && view(adapter, { limits: view(adapter.limits, { maxStorageBuffersPerShaderStage: 8 }) });
    },
  });
}

gpuTest("a device of eight storage buffers trains to the same bits as one of more", async (backend, t) => {
  const gpu = await loadGpu(implementation) ?? navigator.gpu;
  const least = await WebGpuBackend.create({ gpu: withLeastBuffers(gpu) });
  try {
    assertEquals(least.limits.maxStorageBuffersPerShaderStage, 8);
    assertEquals(await losses(least, SMALL, 3, 0.01), await losses(backend, SMALL, 3, 0.01));
    const { comparisons } = await checkOp(batchNormReluGradient, {
      backends: [least],
      seed: 3,
      rules: false,
      variants: "families",
      step: (name, run) => t.step(name, run),
    });
    assert(comparisons > 0);
  } finally {
    least.destroy();
  }
});
