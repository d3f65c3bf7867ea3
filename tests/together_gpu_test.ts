/** Ranks in one process that train together on WebGPU. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Backend, type Collective, CpuBackend, localCollectives, StepProfiler } from "../core/mod.ts";
import { Trainer, trainingNeed } from "../train/mod.ts";
import { ALL } from "./_all.ts";
import { checkDdp } from "./_ddp.ts";
import { gpuTest } from "./_gpu.ts";
import { checkSyncBatchNorm, doubled, meanLosses, trainOne, trainTogether } from "./_together.ts";
import { SMALL, SMALL_BATCH, smallBatch } from "./_training.ts";

const BATCH = smallBatch(SMALL, SMALL_BATCH), OPTIONS = { model: SMALL, seed: 2 };

gpuTest("Trainer: two ranks with the same batch give the bits of one alone on WebGPU", async (backend) => {
  const expected = await trainOne({ ...OPTIONS, backend, batch: SMALL_BATCH }, [BATCH], 3, 0.05);
  for (const bucketBytes of [undefined, 40_000]) {
    const options = { ...OPTIONS, bucketBytes, batch: 2 * SMALL_BATCH };
    const ranks = await trainTogether([backend, backend], options, [doubled(BATCH)], 3, 0.05);
    for (const rank of ranks) assertEquals(rank, expected);
  }
});

if (ALL) {
  // CI has it on the CPU backend.
  gpuTest("Trainer: two ranks on WebGPU are PyTorch's DistributedDataParallel", (backend) => checkDdp(backend));

  // A rank on the CPU beside one on WebGPU, below, has such a batch norm too.
  gpuTest(
    "Trainer: two ranks with batch norm over both are one with all of their images on WebGPU",
    async (backend) => {
      await checkSyncBatchNorm([backend, backend], SMALL, 2 * SMALL_BATCH, 5);
    },
  );
}

gpuTest("Trainer: a rank on the CPU and one on WebGPU train together", async (gpu) => {
  using cpu = new CpuBackend();
  const options = { ...OPTIONS, batch: 2 * SMALL_BATCH, bucketBytes: 40_000, syncBatchNorm: true };
  const batch = smallBatch(SMALL, 2 * SMALL_BATCH),
    train = (backends: Backend[]) => trainTogether(backends, options, [batch], 3, 0.01);
  const [both, alike] = [meanLosses(await train([gpu, cpu])), meanLosses(await train([cpu, cpu]))];
  both.forEach((loss, step) => assert(Math.abs(loss - alike[step]) <= 1e-5 * alike[step], `${loss}, ${alike[step]}`));
});

gpuTest("Trainer: mixed precision with two ranks leaves a step out on both, or on none", async (backend) => {
  if (await backend.whyNoFloat16() !== undefined) return;
  const batches = [0, 1].map(() => smallBatch(SMALL, SMALL_BATCH));
  // Images of one rank alone overflow.
  batches[1].images.fill(1e30);
  const results = await Promise.all(
    localCollectives(2).map((collective, rank) =>
      trainOne(
        { ...OPTIONS, backend, batch: SMALL_BATCH, collective, precision: "mixed", clipNorm: 1 },
        [batches[0], batches[rank], batches[0]],
        3,
        0.05,
      )
    ),
  );
  const scales = results.map(({ results }) => results.map(({ lossScale }) => lossScale));
  assertEquals(scales, [[65536, 32768, 32768], [65536, 32768, 32768]]);
  const [first, second] = results.map(({ tensors }) => tensors.get("conv1.weight"));
  assertEquals(first, second);
});

// Each of the two alone is tried above.
if (ALL) {
  gpuTest(
    "Trainer: batch norm over both ranks under mixed precision is near one with all of their images",
    async (backend) => {
      if (await backend.whyNoFloat16() !== undefined) return;
      const batches = [smallBatch(SMALL, 2 * SMALL_BATCH)];
      const options = { ...OPTIONS, batch: 2 * SMALL_BATCH, precision: "mixed" } as const;
      const { results } = await trainOne({ ...options, backend }, batches, 3, 0.01);
      const ranks = await trainTogether([backend, backend], { ...options, syncBatchNorm: true }, batches, 3, 0.01);
      meanLosses(ranks).forEach((loss, step) => {
        // A significand of float16 has 11 bits.
        const expected = results[step].loss;
        assert(Math.abs(loss - expected) <= 2 ** -11 * expected, `step ${step}: ${loss}, expected ${expected}`);
      });
    },
  );
}

gpuTest(
  "Trainer: gradients that travel as float16 train as those of float32 do, but for their rounding",
  async (backend) => {
    if (await backend.whyNoFloat16() !== undefined) return;
    const batches = [smallBatch(SMALL, 2 * SMALL_BATCH)];
    const options = { ...OPTIONS, batch: 2 * SMALL_BATCH, precision: "mixed", bucketBytes: 1e9 } as const;
    const train = async (transport: "float32" | "float16") => {
      const ranks = await trainTogether([backend, backend], { ...options, transport }, batches, 3, 0.05);
      for (const { tensors } of ranks) assertEquals(tensors.get("fc.weight"), ranks[0].tensors.get("fc.weight"));
      return meanLosses(ranks);
    };
    const [whole, halves] = [await train("float32"), await train("float16")];
    // The first loss is of the first weights. A significand of float16 has 11 bits.
    assertEquals(halves[0], whole[0]);
    assert(halves[2] !== whole[2]);
    halves.forEach((loss, step) =>
      assert(Math.abs(loss - whole[step]) <= 2 ** -9 * whole[step], `${halves}, ${whole}`)
    );
  },
);

gpuTest("Trainer: sums over ranks take the memory that planning says, and profiles run them", async (backend) => {
  const [collective] = localCollectives(1), before = backend.liveBytes;
  const options = { ...OPTIONS, backend, batch: SMALL_BATCH, collective, bucketBytes: 30_000 };
  const expected = await trainOne(options, [BATCH], 2, 0.05), trainer = await Trainer.create(options);
  assertEquals(backend.liveBytes - before, trainingNeed(options).total);
  const profiler = new StepProfiler();
  for (let step = 0; step < 2; step++) await profiler.step("step", () => trainer.profile(profiler, BATCH, 0.05));
  assertEquals(await trainer.results(), expected.results);
  trainer.destroy();
});

gpuTest(
  "Trainer: a sum that fails ends the step on WebGPU with its error, as does the trainer's end",
  async (backend) => {
    let sums = 0;
    const failing: Collective = {
      rank: 0,
      size: 2,
      sum: () => ++sums === 2 ? Promise.reject(new Error("rank 1 has gone")) : new Promise(() => {}),
    };
    const options = { ...OPTIONS, backend, batch: SMALL_BATCH, bucketBytes: 40_000, collective: failing };
    const trainer = await Trainer.create(options);
    await assertRejects(async () => await trainer.step(BATCH, 0.1), Error, "rank 1 has gone");
    trainer.destroy();
    const [waiting] = localCollectives(2), other = await Trainer.create({ ...options, collective: waiting });
    const step = other.step(BATCH, 0.1);
    other.destroy();
    await assertRejects(async () => await step, Error, "was destroyed while a step");
  },
);
