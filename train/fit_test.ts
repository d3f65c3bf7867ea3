import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { CpuBackend, DataError, f32, type Graph, UsageError, type Value } from "../core/mod.ts";
import { MemoryDataset } from "../data/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { globalAveragePool, linear } from "../ops/mod.ts";
import { checkResume } from "../tests/_resume.ts";
import { MemoryStore, randomSet } from "../tests/_runs.ts";
import { assertSame } from "../tests/_same.ts";
import {
  adamwOptimizer,
  type Callback,
  fit,
  type FitOptions,
  type ProgressEvent,
  rmspropOptimizer,
  RunFolder,
} from "./mod.ts";

const set = randomSet(26);
const base: FitOptions = {
  model: cifarResNet({ depth: 8, classes: 3, inputShape: set.shape }),
  backend: new CpuBackend(),
  set,
  epochs: 2,
  batch: 6,
  rate: 0.01,
};

Deno.test("fit() goes on from stops with the same bits, whatever the schedule and the optimiser keep", async () => {
  const backend = base.backend;
  await checkResume(backend, [1, 6, 7, 17], { schedule: "plateau", patience: 0, monitor: "error", warmupSteps: 9 });
  await checkResume(backend, [5, 13], { schedule: "onecycle", optimizer: rmspropOptimizer(), accumulate: 2, ema: 0.5 });
  await checkResume(backend, [3, 11], {
    optimizer: adamwOptimizer(),
    rate: 0.002,
    accumulate: 3,
    clipNorm: 1,
    ema: 0.5,
  });
  await checkResume(backend, [4], { warmupError: 0.9, clipNorm: 0.5, nesterov: true, checkpoints: { steps: 2 } });
});

/** A run on noise at a rate at which its validation goes up and down. */
async function stubborn(earlyStop: number | undefined, folder: RunFolder, stop?: number) {
  const checkpoint = await folder.resume(), validations: { top1: number; loss: number }[] = [];
  const result = await fit({
    ...base,
    epochs: 12,
    rate: 0.3,
    earlyStop,
    folder,
    initial: checkpoint,
    progress: checkpoint?.info.progress,
    onEpoch: ({ validation: { top1, loss } }) => void validations.push({ top1, loss }),
    onStep: ({ step }) => step === stop ? "stop" : undefined,
  });
  return { result, validations };
}

Deno.test("fit() ends after so many epochs without a better validation, with the same bits if it was stopped before", async () => {
  const all = await stubborn(undefined, new RunFolder(new MemoryStore()));
  assertEquals([all.result.stoppedEarly, all.validations.length], [false, 12]);
  // Where a run with a patience of two epochs must end, by the validations of one that does not end early.
  const better = all.validations.map(({ top1, loss }, k) =>
    all.validations.slice(0, k).every((other) => top1 > other.top1 || (top1 === other.top1 && loss < other.loss))
  );
  const end = better.findIndex((_, k) => k > 1 && !better[k] && !better[k - 1]) + 1;
  assert(end > 2 && end < 12, `${better}`);

  const store = new MemoryStore(), whole = await stubborn(2, new RunFolder(store));
  assertEquals(whole.validations, all.validations.slice(0, end));
  const { stopped, stoppedEarly, staleEpochs, steps } = whole.result;
  assertEquals([stopped, stoppedEarly, staleEpochs, steps], [false, true, 2, 4 * end]);

  const parts = new MemoryStore();
  for (const stop of [4 * (end - 1), 4 * (end - 1) + 2]) await stubborn(2, new RunFolder(parts), stop);
  assertEquals((await stubborn(2, new RunFolder(parts))).result.steps, 4 * end);
  for (const name of ["last.safetensors", "best.safetensors"]) {
    assertEquals(parts.files.get(name), store.files.get(name), name);
  }
  // It is at its end, and goes on where it may wait longer.
  assertEquals((await stubborn(2, new RunFolder(parts))).validations, []);
  assertEquals((await stubborn(12, new RunFolder(parts))).result.steps, 48);
});

Deno.test("fit() refuses to end early by no epochs, and where nothing is validated", async () => {
  await assertRejects(
    () => fit({ ...base, earlyStop: 0 }),
    UsageError,
    "to be a number of epochs of at least 1 but it is 0",
  );
  const blind = { ...set, validation: new MemoryDataset(set.shape, new Uint8Array(), new Uint8Array()) };
  await assertRejects(() => fit({ ...base, set: blind, earlyStop: 3 }), UsageError, "no validation images");
});

Deno.test("fit() goes on from a checkpoint of before it knew the loss beside the best accuracy", async () => {
  const folder = new RunFolder(new MemoryStore());
  await fit({ ...base, folder, epochs: 1 });
  const checkpoint = (await folder.resume())!, { bestLoss, staleEpochs, ...older } = checkpoint.info.progress;
  assertEquals([Number.isFinite(bestLoss), staleEpochs], [true, 0]);
  const options = { ...base, initial: checkpoint };
  const [now, then] = [
    await fit({ ...options, progress: checkpoint.info.progress }),
    await fit({ ...options, progress: older }),
  ];
  assertSame(then.tensors, now.tensors);
});

Deno.test("fit() tells its listeners of the start, every step and every epoch, and stops when one asks", async () => {
  const heard: string[] = [];
  const listener: Callback = {
    onStart: ({ steps, totalSteps }) => void heard.push(`start ${steps}/${totalSteps}`),
    onStep: ({ step, epoch }) => void heard.push(`step ${step} of ${epoch}`),
    onEpoch: ({ epoch }) => {
      heard.push(`epoch ${epoch}`);
      return Promise.resolve("stop");
    },
  };
  const { stopped, steps, last } = await fit({ ...base, callbacks: [listener] });
  assertEquals(heard, ["start 0/8", "step 1 of 0", "step 2 of 0", "step 3 of 0", "step 4 of 0", "epoch 0"]);
  assertEquals([stopped, steps, last?.epoch], [true, 4, 0]);
});

Deno.test("fit() tells of each epoch whether its weights are kept as the best, before and after they are", async () => {
  const store = new MemoryStore(), told: boolean[] = [];
  let heard: boolean | undefined;
  const kept = () => store.text("validation.json") === "" ? undefined : JSON.parse(store.text("validation.json")).epoch;
  await fit({
    ...base,
    // So many that accuracies on noise differ by more than chance is taken to be.
    set: { ...set, validation: randomSet(60).train },
    epochs: 40,
    rate: 0.3,
    folder: new RunFolder(store),
    onValidation: ({ epoch, isBest }) => {
      assert(kept() !== epoch);
      heard = isBest;
    },
    onEpoch: ({ epoch, isBest }) => {
      assertEquals([isBest, heard], [kept() === epoch, isBest]);
      told.push(isBest);
      return told.includes(true) && !isBest ? "stop" : undefined;
    },
  });
  assert(told.includes(true) && told.includes(false), `${told}`);
});

Deno.test("fit() stops at an aborted signal after the step in flight, and before the first", async () => {
  const controller = new AbortController(), store = new MemoryStore(), folder = new RunFolder(store);
  const interrupted = await fit({ ...base, folder, signal: controller.signal, onStep: () => controller.abort() });
  assertEquals([interrupted.stopped, interrupted.steps, interrupted.last], [true, 1, undefined]);
  assertEquals((await folder.resume())?.info.progress.steps, 1);

  assertEquals((await fit({ ...base, signal: AbortSignal.abort() })).steps, 0);

  // A run whose steps end within an epoch is at its end after the validation, whoever asks to stop.
  const end = await fit({ ...base, steps: 6, onStep: ({ step }) => step === 6 ? "stop" : undefined });
  assertEquals([end.stopped, end.steps, end.last?.epoch], [false, 6, 1]);
  // One that is stopped after the last step of an epoch has its validation left.
  const last = new RunFolder(new MemoryStore());
  const left = await fit({ ...base, folder: last, onStep: ({ step }) => step === 8 ? "stop" : undefined });
  assertEquals([left.stopped, left.steps, left.last?.epoch], [true, 8, 0]);
  const checkpoint = (await last.resume())!;
  const rest = await fit({ ...base, folder: last, initial: checkpoint, progress: checkpoint.info.progress });
  assertEquals([rest.stopped, rest.steps, rest.last?.epoch], [false, 8, 1]);
});

Deno.test("fit() refuses to go on with another batch, and with another optimiser", async () => {
  const folder = new RunFolder(new MemoryStore());
  await fit({ ...base, folder, epochs: 1 });
  const checkpoint = (await folder.resume())!, progress = checkpoint.info.progress;
  await assertRejects(() => fit({ ...base, initial: checkpoint, progress, batch: 5 }), UsageError, "a batch of 6");
  await assertRejects(
    () => fit({ ...base, initial: checkpoint, progress, optimizer: rmspropOptimizer() }),
    UsageError,
    "trained with another optimiser",
  );
});

Deno.test("fit() evaluates averaged weights where there are any, and saves them as the model", async () => {
  const store = new MemoryStore(), folder = new RunFolder(store);
  const { tensors } = await fit({ ...base, folder, epochs: 1, ema: 0.5 });
  const last = (await folder.load("last"))!.tensors, best = (await folder.load("best"))!.tensors;
  assertSame(best, tensors);
  assertEquals(best.get("fc.weight"), last.get("optimizer.average.fc.weight"));
  assert(best.get("fc.weight")!.data.some((value, i) => value !== last.get("fc.weight")!.data[i]));
  assert(best.has("bn1.running_var"));
});

Deno.test("a batch in parts gives the loss of the whole batch and its gradient, where there is no batch norm", async () => {
  const model = {
    ...base.model,
    forward(graph: Graph, image: Value) {
      const [features] = globalAveragePool.apply(graph, [image]);
      const weight = graph.parameter("weight", f32([3, 3]), { kind: "fanInUniform", fanIn: 3 });
      const bias = graph.parameter("bias", f32([3]), { kind: "constant", value: 0 });
      return linear.apply(graph, [features, weight, bias])[0];
    },
  };
  // Clipped to less than the gradient's norm, which must be that of the mean over the parts.
  const options = { ...base, model, epochs: 1, clipNorm: 0.1, rate: 1 };
  const whole = await fit(options), parts = await fit({ ...options, accumulate: 3 });
  assertAlmostEquals(parts.last!.trainLoss, whole.last!.trainLoss, 1e-6);
  assertEquals(parts.last!.trainTop1, whole.last!.trainTop1);
  for (const [name, { data }] of whole.tensors) {
    data.forEach((value, i) => assertAlmostEquals(parts.tensors.get(name)!.data[i], value, 1e-6));
  }
  await assertRejects(() => fit({ ...base, accumulate: 4 }), UsageError, "does not fall into 4 equal parts");
});

/** A set whose images are read one by one, and what is told of each reading. */
function streamedSet(read: (index: number) => void): FitOptions["set"] {
  const { train } = set;
  const streamed = {
    count: train.count,
    labels: train.labels,
    async read(index: number) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      read(index);
      return await train.read(index);
    },
  };
  return { ...set, train: streamed };
}

Deno.test("fit() makes the programs while images that are read are measured, with the same bits", async () => {
  const events: string[] = [], backend = new CpuBackend(), compile = backend.compile.bind(backend);
  backend.compile = (...plan) => {
    events.push("compile");
    return compile(...plan);
  };
  const options = { ...base, backend, epochs: 1, shuffle: false };
  const streamed = await fit({ ...options, set: streamedSet(() => events.push("read")) });
  // All images are measured before the first is trained on.
  assert(events.slice(0, set.train.count).includes("compile"));
  const kept = await fit(options);
  assertSame([streamed.normalisation, streamed.tensors], [kept.normalisation, kept.tensors]);
  backend.destroy();
});

Deno.test("fit() tells of images that cannot be measured before it tells of programs, and gives both back", async () => {
  const broken = streamedSet(() => {
    throw new DataError("the first image is damaged");
  });
  const backend = new CpuBackend(), before = backend.liveBytes;
  await assertRejects(() => fit({ ...base, backend, set: broken }), DataError, "damaged");
  await assertRejects(() => fit({ ...base, backend, set: broken, accumulate: 4 }), DataError, "damaged");
  const whole = streamedSet(() => {});
  await assertRejects(() => fit({ ...base, backend, set: whole, accumulate: 4 }), UsageError, "4 equal parts");
  assertEquals(backend.liveBytes, before);
  backend.destroy();
});

Deno.test("fit() tells its listeners how far measuring and validating are", async () => {
  const heard: string[] = [], others: string[] = [];
  const text = ({ activity, done, total }: ProgressEvent) => `${activity} ${done}/${total}`;
  await fit({
    ...base,
    set: streamedSet(() => {}),
    epochs: 1,
    onProgress: (event) => heard.push(text(event)),
    callbacks: [{ onProgress: (event) => others.push(text(event)) }],
  });
  const { train: { count }, validation } = set,
    sizes = (most: number, step: number) =>
      Array.from({ length: Math.ceil(most / step) }, (_, k) => Math.min(most, (k + 1) * step));
  assertEquals(heard, [
    ...sizes(count, Math.min(32, count)).map((done) => `statistics ${done}/${count}`),
    ...sizes(validation.count, 6).map((done) => `validation ${done}/${validation.count}`),
  ]);
  assertEquals(others, heard);
});
