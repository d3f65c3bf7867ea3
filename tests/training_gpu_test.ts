/** Whole models on WebGPU: against the CPU backend, repeated to the bit, and memory over many steps. */

import { assert, assertEquals } from "@std/assert";
import { CpuBackend, type TunedChoice, type WebGpuBackend } from "../core/mod.ts";
import { Trainer } from "../train/mod.ts";
import { ALL } from "./_all.ts";
import { gpuTest } from "./_gpu.ts";
import { randomChoices } from "./_random_choices.ts";
import { losses, SMALL, SMALL_BATCH, smallBatch } from "./_training.ts";

/** Choices that the tuner might make for a training step, at random. */
async function anyChoices(backend: WebGpuBackend, seed: number): Promise<Map<string, TunedChoice>> {
  const trainer = await Trainer.create({ model: SMALL, backend, batch: SMALL_BATCH });
  const store = randomChoices(backend, trainer.program.plan, seed);
  trainer.destroy();
  return store;
}

/** Leaves every shape to the tuner. A software adapter compiles each variant of each. */
async function allTimed(backend: WebGpuBackend): Promise<Timed> {
  const timed = [...(await anyChoices(backend, 1)).keys()];
  return { tune: { store: new Map() }, timed, size: timed.length };
}

/** How kernels are chosen, and what of it is timed. */
interface Timed {
  readonly tune: { readonly store: Map<string, TunedChoice>; readonly measure?: boolean };
  /** The keys of what is timed. */
  readonly timed: readonly string[];
  /** How many there are to choose. */
  readonly size: number;
}

/** How kernels are chosen: the command line's --tune off and --deterministic, full, and whatever else may come of timing. */
const TUNING: Record<string, (backend: WebGpuBackend) => Promise<Timed | undefined>> = {
  "that are preferred": () => Promise.resolve(undefined),
  "at random": async (backend) => untimed(await anyChoices(backend, 1)),
  ...(ALL
    ? { "at random again": async (backend) => untimed(await anyChoices(backend, 2)), "that are timed": allTimed }
    : {}),
};

function untimed(store: Map<string, TunedChoice>): Timed {
  return { tune: { store, measure: false }, timed: [], size: store.size };
}

for (const [which, choose] of Object.entries(TUNING)) {
  gpuTest(
    `a ResNet-8 with kernels ${which} follows the CPU backend on WebGPU, and repeats to the bit`,
    async (backend) => {
      const chosen = await choose(backend), tune = chosen?.tune;
      const first = await losses(backend, SMALL, 10, 0.01, { tune });
      if (chosen !== undefined) {
        const { tune: { store }, timed, size } = chosen;
        assertEquals(store.size, size);
        assert(timed.every((key) => store.has(key)), "not all was timed");
      }
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
  assertEquals(await run(16), await run(48));
  trainer.destroy();
});
