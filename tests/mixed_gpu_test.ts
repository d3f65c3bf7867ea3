/** Mixed precision on WebGPU: beside float32, over overflows, through stops, and where it must be refused. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { CpuBackend, expectPrecision, UsageError, type WebGpuBackend } from "../core/mod.ts";
import { findFloat16Problem } from "../core/webgpu/float16_check.ts";
import { cifarResNet } from "../models/mod.ts";
import { encodeSafetensors } from "../weights/mod.ts";
import { adamwOptimizer, fit, rmspropOptimizer, Trainer, type TrainerOptions } from "../train/mod.ts";
import { loadModel } from "../inference/mod.ts";
import { gpuTest } from "./_gpu.ts";
import { info } from "./_load_model.ts";
import { randomImages, randomTensors, relativeDifference } from "./_random_model.ts";
import { checkResume } from "./_resume.ts";
import { colourSet } from "./_runs.ts";
import { losses, SMALL, SMALL_BATCH, smallBatch } from "./_training.ts";

const SCALE = "optimizer.lossScale.scale", GOOD = "optimizer.lossScale.goodSteps";

gpuTest("whyNoFloat16() computes the known answers, and says what is wrong", async (backend) => {
  assertEquals(await backend.whyNoFloat16(), undefined);
  const broken = (change: (value: number) => number): WebGpuBackend =>
    ({
      device: backend.device,
      pipelines: backend.pipelines,
      createBuffer: (...given: Parameters<WebGpuBackend["createBuffer"]>) => backend.createBuffer(...given),
      destroyBuffer: (buffer: GPUBuffer) => backend.destroyBuffer(buffer),
      readBuffer: async (...given: Parameters<WebGpuBackend["readBuffer"]>) =>
        (await backend.readBuffer(...given)).map(change),
    }) as unknown as WebGpuBackend;
  assertEquals(await findFloat16Problem(broken((value) => Math.abs(value) < 2 ** -14 ? 0 : value)), undefined);
  const saturated = await findFloat16Problem(broken((value) => Math.min(value, 65504)));
  assertEquals(saturated, "gets float16 wrong: rounding 65520 gave 65504 where Infinity was expected");
  const sum = await findFloat16Problem(broken((value) => value > 65504 && value < Infinity ? value + 1 : value));
  assert(sum?.startsWith("gets float16 wrong: multiplying and adding gave "), sum);
});

gpuTest("mixed precision is refused where the adapter has no float16 or gets it wrong", async (backend) => {
  const without = Object.create(backend, { hasFloat16: { value: false } });
  await assertRejects(
    () => expectPrecision(without, "mixed"),
    UsageError,
    "has no float16 (shader-f16); use `backend: ",
  );
  const wrong = Object.create(backend, {
    whyNoFloat16: { value: () => Promise.resolve("the adapter X gets it wrong") },
  });
  const refused = Trainer.create({ model: SMALL, backend: wrong, batch: 2, precision: "mixed" });
  await assertRejects(() => refused, UsageError, "Mixed precision cannot be had: the adapter X gets it wrong; use");
});

gpuTest(
  "a ResNet-8 in mixed precision keeps within 1 % of float32 for ten steps, and repeats to the bit",
  async (backend) => {
    const mixed = await losses(backend, SMALL, 10, 0.01, { precision: "mixed" });
    assertEquals(await losses(backend, SMALL, 10, 0.01, { precision: "mixed" }), mixed);
    const float32 = await losses(backend, SMALL, 10, 0.01);
    mixed.forEach((loss, k) => {
      assert(Math.abs(loss - float32[k]) < 0.01 * float32[k], `step ${k + 1}: ${loss}, ${float32[k]} in float32`);
    });
    assert(mixed.some((loss, k) => loss !== float32[k]) && mixed[9] < 0.6 * mixed[0], mixed.join(" "));
  },
);

gpuTest("fit() learns colours in mixed precision", async (backend) => {
  const set = colourSet(60, 18);
  const { last } = await fit({
    model: cifarResNet({ depth: 8, classes: 3, inputShape: set.shape }),
    backend,
    set,
    epochs: 4,
    batch: SMALL_BATCH,
    rate: 0.02,
    schedule: "constant",
    precision: "mixed",
  });
  assert(last!.trainLoss < 0.3 && last!.validation.top1 > 0.9, `${last!.trainLoss}, ${last!.validation.top1}`);
});

/** What a step leaves as it was, or not: everything but running statistics and the scale. */
async function trained({ variables }: Trainer): Promise<Map<string, unknown>> {
  const all = [...await variables.read(true)];
  return new Map(all.filter(([name]) => !/running_|optimizer\.lossScale|optimizer\.average/.test(name)));
}

async function stepWith(trainer: Trainer, scale: number, good: number, batch = SMALL_BATCH) {
  const { images, labels } = smallBatch(SMALL, batch), { storages } = trainer.variables;
  storages.get(SCALE)!.write(Float32Array.of(scale));
  storages.get(GOOD)!.write(Float32Array.of(good));
  const before = await trained(trainer);
  trainer.step({ images, labels }, 0.01);
  const [{ loss }] = await trainer.results(), [after] = await storages.get(SCALE)!.read();
  const [goodAfter] = await storages.get(GOOD)!.read();
  return { loss, before, after: await trained(trainer), scale: after, good: goodAfter };
}

const KINDS: Readonly<Record<string, Partial<TrainerOptions>>> = {
  "SGD": { ema: 0.5 },
  "clipped RMSProp": { optimizer: rmspropOptimizer(), clipNorm: 0.5 },
  "AdamW": { optimizer: adamwOptimizer() },
  "parts of a batch": { batch: 2 * SMALL_BATCH, accumulate: 2 },
};

for (const [name, options] of Object.entries(KINDS)) {
  gpuTest(`an overflow leaves out the update and halves the loss's scale: ${name}`, async (backend) => {
    const batch = options.batch ?? SMALL_BATCH,
      settings = { model: SMALL, backend, precision: "mixed", ...options } as const;
    const trainer = await Trainer.create({ ...settings, batch });
    const first = await stepWith(trainer, 2 ** 8, 3, batch);
    assertEquals([first.scale, first.good], [2 ** 8, 4]);
    for (const [name, value] of first.before) {
      if (/weight$/.test(name)) assert(JSON.stringify(first.after.get(name)) !== JSON.stringify(value), name);
    }
    const overflow = await stepWith(trainer, 2 ** 40, 1999, batch);
    assert(Number.isFinite(overflow.loss), `${overflow.loss}`);
    assertEquals(overflow.after, overflow.before);
    assertEquals([overflow.scale, overflow.good], [2 ** 39, 0]);
    const next = await stepWith(trainer, 2 ** 8, 1999, batch);
    assertEquals([next.scale, next.good], [2 ** 9, 0]);
    const finite = [...next.after.values()].every((tensor) =>
      (tensor as { data: Float32Array }).data.every(Number.isFinite)
    );
    assert(finite && JSON.stringify([...next.after]) !== JSON.stringify([...next.before]));
    trainer.destroy();
  });
}

gpuTest("the scale of the loss changes no update", async (backend) => {
  const updates = [];
  for (const scale of [2 ** 6, 2 ** 9]) {
    const trainer = await Trainer.create({ model: SMALL, backend, batch: SMALL_BATCH, precision: "mixed" });
    updates.push((await stepWith(trainer, scale, 0)).after);
    trainer.destroy();
  }
  const [low, high] = updates.map((update) =>
    (update.get("optimizer.momentum.fc.weight") as { data: Float32Array }).data
  );
  const difference = relativeDifference(low, high);
  // The gradients of f16 differ where they are below its normal numbers under one of the scales.
  assert(difference < 2 ** -10, `${difference}`);
});

gpuTest(
  "fit() goes on from a stop with the same bits in mixed precision",
  (backend) => checkResume(backend, [3], { epochs: 1, checkpoints: { steps: 3 }, precision: "mixed" }),
);

gpuTest("a loaded model predicts in mixed precision about what it does in float32", async (backend) => {
  const images = randomImages(SMALL, SMALL_BATCH), logits: Float32Array[] = [];
  const bytes = encodeSafetensors(randomTensors(SMALL, 6)),
    { normalisation } = info,
    settings = { model: SMALL, batch: SMALL_BATCH, normalisation };
  const ways = [
    { backend: new CpuBackend() },
    ...[true, false].map((fold) => ({ backend, precision: "mixed", fold } as const)),
  ];
  for (const way of ways) {
    const loaded = await loadModel(bytes, { ...settings, ...way });
    const predictions = await loaded.predictTensor(images);
    logits.push(Float32Array.from(predictions.flatMap((prediction) => [...prediction.logits])));
    loaded.destroy();
  }
  for (const mixed of logits.slice(1)) {
    const difference = relativeDifference(mixed, logits[0]);
    // Each of ten layers rounds what it reads and writes to 11 bits.
    assert(difference > 0 && difference < 20 * 2 ** -11, `${difference}`);
  }
});
