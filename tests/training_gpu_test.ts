/** Whole models on WebGPU: against the CPU backend, repeated to the bit, and memory over many steps. */

import { assert, assertEquals } from "@std/assert";
import { CpuBackend } from "../core/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { Trainer } from "../train/mod.ts";
import { gpuTest } from "./_gpu.ts";
import { losses, smallBatch } from "./_training.ts";

const model = cifarResNet({ depth: 8, inputShape: [3, 12, 12] });

gpuTest("a ResNet-8 follows the CPU backend on WebGPU, and repeats to the bit", async (backend) => {
  const first = await losses(backend, model, 10, 0.01);
  assertEquals(await losses(backend, model, 10, 0.01), first);
  const cpu = await losses(new CpuBackend(), model, 10, 0.01);
  first.forEach((loss, k) => assert(Math.abs(loss - cpu[k]) < 1e-3 * cpu[k], `step ${k + 1}: ${loss} and ${cpu[k]}`));
});

gpuTest("steps allocate nothing on WebGPU", async (backend) => {
  const { images, labels } = smallBatch(model, 2);
  const trainer = await Trainer.create({ model, backend, batch: 2 });
  const run = async (steps: number) => {
    for (let k = 0; k < steps; k++) {
      trainer.step(images, labels, 0.001);
      if (k % 16 === 15) await trainer.results();
    }
    await trainer.results();
    return backend.liveBytes;
  };
  assertEquals(await run(40), await run(120));
  trainer.destroy();
});
