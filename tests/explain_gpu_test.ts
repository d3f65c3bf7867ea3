/** Grad-CAM on WebGPU. */

import { assert, assertEquals } from "@std/assert";
import { type Backend, CpuBackend } from "../core/mod.ts";
import { GradCam } from "../inference/mod.ts";
import { ALL } from "./_all.ts";
import { gpuTest } from "./_gpu.ts";
import { checkGradCam, GOLDEN_EXPLANATIONS } from "./_explain.ts";
import { randomImages, randomTensors } from "./_random_model.ts";
import { SMALL } from "./_training.ts";

gpuTest("Grad-CAM has the CPU backend's maps on WebGPU", async (backend) => {
  const tensors = randomTensors(SMALL, 5), image = randomImages(SMALL, 1);
  const mapOn = async (backend: Backend) => {
    using explainer = await GradCam.create({ model: SMALL, backend, tensors });
    return await explainer.explain(image);
  };
  using cpu = new CpuBackend();
  const [map, expected] = [await mapOn(backend), await mapOn(cpu)], largest = Math.max(...expected.values);
  assertEquals([map.index, map.height, map.width], [expected.index, expected.height, expected.width]);
  assert(largest > 0, "the map is not empty");
  map.values.forEach((value, k) =>
    assert(Math.abs(value - expected.values[k]) < 1e-4 * largest, `${k}: ${value}, on the CPU ${expected.values[k]}`)
  );
});

for (const golden of ALL ? GOLDEN_EXPLANATIONS : []) {
  gpuTest(`${golden.name} explains its classes as PyTorch's Grad-CAM does on WebGPU`, async (backend) => {
    await checkGradCam(backend, golden);
  });
}
