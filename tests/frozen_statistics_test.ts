/** Batch norms that keep their statistics, and heads that are trained first, on the CPU. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { CpuBackend, plan, UsageError } from "../core/mod.ts";
import { cifarResNet, type Model } from "../models/mod.ts";
import { fit, headStep, parameterNames, type RunMemory, traceStep, Trainer, trainingNeed } from "../train/mod.ts";
import { CASES, checkFineTuning } from "./_fine_tuning.ts";
import { checkResume } from "./_resume.ts";
import { randomSet } from "./_runs.ts";
import { assertSame } from "./_same.ts";

for (const [index, title] of CASES.entries()) {
  Deno.test(`${title}: losses, weights and statistics are PyTorch's`, () => checkFineTuning(new CpuBackend(), index));
}

const model = cifarResNet({ depth: 8, classes: 3, inputShape: [3, 9, 9] });

Deno.test("a step that trains the head alone has no backward pass through the rest, and takes little memory", () => {
  const { graph, scalars } = traceStep({ model, batch: 6, ...headStep(model) });
  const ops = plan(graph, new Map(Object.entries(scalars))).nodes.map(({ op }) => op.name);
  assertEquals(ops.filter((name) => /^batchNorm/.test(name) && !name.startsWith("batchNormInference")), []);
  assertEquals(ops.filter((name) => /conv2d.*Gradient|batchNorm.*Gradient/.test(name)), []);
  const options = { model, backend: new CpuBackend(), batch: 6, validation: true }, alone = trainingNeed(options);
  const both = trainingNeed({ ...options, head: headStep(model) });
  assert(both.total > alone.total && both.total < 1.7 * alone.total, `${alone.total} and ${both.total}`);
});

Deno.test("the memory of a run whose head is trained first is known by planning, to the byte", async () => {
  const backend = new CpuBackend(), options = { model, backend, batch: 6 }, taken: number[] = [];
  const onStart = ({ memory }: { readonly memory: RunMemory }) => void taken.push(memory.total);
  for (const headEpochs of [1, 0]) await fit({ ...options, set: randomSet(12), epochs: 2, headEpochs, onStart });
  const needs = [headStep(model), undefined].map((head) => trainingNeed({ ...options, head, validation: true }).total);
  assertEquals(taken, needs);
});

Deno.test("fit() leaves all but the head as it was in the head's epochs, and trains all after them", async () => {
  const set = randomSet(24), backend = new CpuBackend();
  const start = await Trainer.create({ model, backend, batch: 6, seed: 4 });
  const initial = await start.variables.read(false);
  const train = async (epochs: number, headEpochs: number) => {
    const rates: number[] = [];
    const onEpoch = ({ rate }: { readonly rate: number }) => void rates.push(rate);
    const options = { model, backend, set, batch: 6, rate: 0.05, seed: 4, schedule: "step", milestones: [5] } as const;
    const { tensors } = await fit({ ...options, epochs, headEpochs, onEpoch });
    return { tensors, rates };
  };
  const head = await train(1, 1), all = await train(3, 1);
  for (const name of initial.keys()) {
    const before = initial.get(name)!.data.join();
    assertEquals([name, head.tensors.get(name)!.data.join() === before], [name, !name.startsWith("fc.")]);
    assert(all.tensors.get(name)!.data.join() !== before, name);
  }
  // The milestone counts from the first step after the head's four.
  assertEquals(all.rates.map((rate) => Number(rate.toFixed(6))), [0.05, 0.05, 0.005]);
  start.destroy();
});

Deno.test("activations that are computed again, and batches in parts, keep frozen statistics too", async () => {
  const options = { model, backend: new CpuBackend(), set: randomSet(24), batch: 6, epochs: 2, headEpochs: 1 } as const;
  const frozen = { ...options, freeze: ["layer2.*"], freezeStatistics: true };
  const [kept, again, parts] = [
    await fit(frozen),
    await fit({ ...frozen, recompute: true }),
    await fit({ ...frozen, accumulate: 3 }),
  ];
  assertSame(again.tensors, kept.tensors);
  for (const [name, { data }] of kept.tensors) {
    if (!name.startsWith("layer2") || !name.includes("running")) continue;
    assertEquals(data, new Float32Array(data.length).fill(name.endsWith("var") ? 1 : 0));
    assertSame(parts.tensors.get(name)!.data, data);
  }
});

for (const precise of [{ accumulate: 2, ema: 0.8 }, { schedule: "plateau", patience: 0, threshold: 0.1 }] as const) {
  Deno.test(`fit() goes on in the head's epochs, at their end and after them with the same bits: ${Object.keys(precise)}`, () =>
    checkResume(new CpuBackend(), [3, 6, 10, 12, 15], {
      epochs: 4,
      headEpochs: 2,
      checkpoints: { steps: 1 },
      ...precise,
    }));
}

Deno.test("fit() and headStep() name what they cannot do", async () => {
  for (const headEpochs of [-1, 0.5]) {
    const options = { model, backend: new CpuBackend(), set: randomSet(9), batch: 3, epochs: 1, headEpochs };
    await assertRejects(() => fit(options), UsageError, `\`headEpochs\` is ${headEpochs}`);
  }
  const { layers: _, ...bare } = model;
  assertThrows(() => headStep(bare as Model), UsageError, "is no list of layers");
  assertThrows(() => headStep(model, ["fc.*"]), UsageError, "All of the head, fc.*, is frozen");
  assertEquals(headStep(model, ["fc.bias"]).freeze, parameterNames(model).filter((name) => name !== "fc.weight"));
});
