/** Whole models on WebGPU: against the CPU backend, repeated to the bit, and memory over many steps. */

import { assert, assertEquals } from "@std/assert";
import { CpuBackend, type TunedChoice, type TuneOptions, type WebGpuBackend } from "../core/mod.ts";
import { Trainer } from "../train/mod.ts";
import { gpuTest } from "./_gpu.ts";
import { randomChoices } from "./_random_choices.ts";
import { losses, SMALL, SMALL_BATCH, smallBatch } from "./_training.ts";

/** Choices that the tuner might make for a training step, at random. */
async function anyChoices(backend: WebGpuBackend, seed: number): Promise<TuneOptions> {
  const trainer = await Trainer.create({ model: SMALL, backend, batch: SMALL_BATCH });
  const store = randomChoices(backend, trainer.program.plan, seed);
  trainer.destroy();
  return { store, measure: false };
}

/** How kernels are chosen: the command line's --tune off and --deterministic, full, and whatever else may come of timing. */
const TUNING: Record<string, (backend: WebGpuBackend) => Promise<TuneOptions | undefined>> = {
  "that are preferred": () => Promise.resolve(undefined),
  "that are timed": () => Promise.resolve({ store: new Map<string, TunedChoice>() }),
  "at random": (backend) => anyChoices(backend, 1),
  "at random again": (backend) => anyChoices(backend, 2),
};

for (const [which, choose] of Object.entries(TUNING)) {
  gpuTest(
    `a ResNet-8 with kernels ${which} follows the CPU backend on WebGPU, and repeats to the bit`,
    async (backend) => {
      const tune = await choose(backend), first = await losses(backend, SMALL, 10, 0.01, { tune });
      assertEquals(await losses(backend, SMALL, 10, 0.01, { tune }), first);
      const cpu = await losses(new CpuBackend(), SMALL, 10, 0.01);
      first.forEach((loss, k) =>
        assert(Math.abs(loss - cpu[k]) < 1e-3 * cpu[k], `step ${k + 1}: ${loss} and ${cpu[k]}`)
      );
    },
  );
}

gpuTest("steps allocate nothing on WebGPU", async (backend) => {
  const { images, labels } = smallBatch(SMALL, SMALL_BATCH);
  const trainer = await Trainer.create({ model: SMALL, backend, batch: SMALL_BATCH });
  const run = async (steps: number) => {
    for (let k = 0; k < steps; k++) {
      trainer.step({ images, labels }, 0.001);
      if (k % 16 === 15) await trainer.results();
    }
    await trainer.results();
    return backend.liveBytes;
  };
  assertEquals(await run(40), await run(120));
  trainer.destroy();
});
