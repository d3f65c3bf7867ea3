/** Explanations on the CPU: Grad-CAM and occlusion as PyTorch computes them. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { CpuBackend, UsageError } from "../core/mod.ts";
import { explainByOcclusion, GradCam, loadModel, resizeMap } from "../inference/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { Trainer } from "../train/mod.ts";
import { ALL } from "./_all.ts";
import { checkGradCam, checkOcclusion, GOLDEN_EXPLANATIONS } from "./_explain.ts";

/** ResNet-50 takes as long as the others together. */
const TRIED = GOLDEN_EXPLANATIONS.filter(({ name }) => ALL || name !== "resnet50");

for (const golden of TRIED) {
  Deno.test(`${golden.name} explains its classes as PyTorch's Grad-CAM does on the CPU`, async () => {
    using backend = await CpuBackend.create();
    await checkGradCam(backend, golden);
  });
}

Deno.test("explainByOcclusion() gives PyTorch's falls of the probability", async () => {
  const told = TRIED.filter(({ occlusion }) => occlusion !== undefined);
  assert(told.length >= 1);
  using backend = await CpuBackend.create();
  for (const golden of told) await checkOcclusion(backend, golden);
});

Deno.test("explainByOcclusion() refuses squares and classes that there are not", async () => {
  using backend = new CpuBackend();
  const model = cifarResNet({ depth: 8, inputShape: [1, 9, 11], classes: 3 });
  const trainer = await Trainer.create({ model, backend, batch: 1 }), tensors = await trainer.variables.read(false);
  using loaded = await loadModel({ tensors }, { model, backend, normalisation: { mean: [0], std: [1] } });
  const wrong = [
    [{ patch: 10 }, "Expected the patch to be a whole number from 1 to 9 pixels but it is 10"],
    [{ patch: 0.5 }, "but it is 0.5"],
    [{ patch: 4, stride: 5 }, "Expected the stride to be a whole number from 1 to 4 pixels but it is 5"],
    [{ index: 3 }, "Expected the index of one of 3 classes, from 0, but it is 3"],
  ] as const;
  for (const [options, message] of wrong) {
    await assertRejects(() => explainByOcclusion(loaded, new Float32Array(99), options), UsageError, message);
  }
  trainer.destroy();
});

Deno.test("GradCam refuses a class that there is not, and goes on", async () => {
  using backend = new CpuBackend();
  const model = cifarResNet({ depth: 8, inputShape: [1, 9, 11], classes: 3 });
  const trainer = await Trainer.create({ model, backend, batch: 1 });
  using explainer = await GradCam.create({ model, backend, tensors: await trainer.variables.read(false) });
  const image = Float32Array.from({ length: 99 }, (_, k) => Math.sin(k));
  for (const index of [3, -1, 0.5]) {
    await assertRejects(
      () => explainer.explain(image, index),
      UsageError,
      `one of 3 classes, from 0, but it is ${index}`,
    );
  }
  const { height, width, index } = await explainer.explain(image, 2);
  assertEquals([height, width, index], [3, 3, 2]);
  trainer.destroy();
});

Deno.test("resizeMap() resizes as PyTorch's bilinear interpolation, up and down", () => {
  const map = { values: Float32Array.of(0, 1, 2, 3, 5, 8), height: 2, width: 3, index: 0 };
  assertEquals([...resizeMap(map, [1, 1]).values], [3]);
  // interpolate(torch.tensor([[[[0., 1, 2], [3, 5, 8]]]]), (3, 4), mode="bilinear")
  // deno-fmt-ignore
  const expected = [0, 0.625, 1.375, 2, 1.5, 2.4375, 3.75, 5, 3, 4.25, 6.125, 8];
  const actual = resizeMap(map, [3, 4]);
  assertEquals([actual.height, actual.width], [3, 4]);
  actual.values.forEach((value, k) => assertEquals(Math.fround(value), Math.fround(expected[k]), `${k}`));
});
