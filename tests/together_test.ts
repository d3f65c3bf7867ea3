/** Ranks in one process that train together on the CPU backend. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type Collective,
  compile,
  CpuBackend,
  DeviceError,
  f32,
  Graph,
  localCollectives,
  plan,
  StepProfiler,
  UsageError,
} from "../core/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { add, allReduce, relu } from "../ops/mod.ts";
import { Trainer, trainingNeed } from "../train/mod.ts";
import { checkDdp } from "./_ddp.ts";
import { checkSyncBatchNorm, doubled, meanLosses, type RankResult, trainOne, trainTogether } from "./_together.ts";
import { SMALL, smallBatch } from "./_training.ts";
import { unsharedBackend } from "./_unshared.ts";

/** Ranks have the same variables, but for the statistics that each keeps of its own batches. */
function assertSameWeights(ranks: readonly RankResult[]): void {
  for (const [name, tensor] of ranks[0].tensors) {
    if (name.includes("running_")) continue;
    for (const other of ranks.slice(1)) assertEquals(other.tensors.get(name), tensor, name);
  }
}

/** A collective that tells of each sum. */
function watched({ rank, size, sum }: Collective, tell: (length: number) => void): Collective {
  return {
    rank,
    size,
    sum(values) {
      tell(values.length);
      return sum(values);
    },
  };
}

Deno.test("Trainer: two ranks with the same batch give the bits of one alone", async () => {
  using backend = new CpuBackend();
  const half = smallBatch(SMALL, 6), options = { model: SMALL, seed: 2 }, before = backend.liveBytes;
  for (const extra of [{}, { clipNorm: 0.5, ema: 0.9 }, { accumulate: 3 }, { recompute: true }]) {
    const alone = await trainOne({ ...options, ...extra, backend, batch: 6 }, [half], 4, 0.05);
    const backends = [backend, backend];
    const ranks = await trainTogether(backends, { ...options, ...extra, batch: 12 }, [doubled(half)], 4, 0.05);
    for (const { results, tensors } of [alone, ...ranks]) {
      assertEquals(results, alone.results);
      for (const [name, tensor] of tensors) {
        // What parts add up to is each rank's share.
        if (!name.startsWith("optimizer.transient.")) assertEquals(tensor, alone.tensors.get(name), name);
      }
    }
  }
  assertEquals(backend.liveBytes, before);
});

Deno.test("Trainer: buckets of any size give the same bits, and all ranks the same weights", async () => {
  using backend = new CpuBackend();
  const batch = smallBatch(SMALL, 12), results: RankResult[] = [], counts: number[] = [];
  for (const bucketBytes of [undefined, 1, 50_000, 1e9]) {
    let sums = 0;
    const ranks = await trainTogether(
      [backend, backend, backend],
      { model: SMALL, batch: 12, seed: 2, bucketBytes },
      [batch],
      3,
      0.05,
      (collective) => watched(collective, () => sums += collective.rank === 0 ? 1 : 0),
    );
    assertSameWeights(ranks);
    results.push(ranks[0]);
    counts.push(sums / 3);
  }
  for (const result of results.slice(1)) assertEquals(result, results[0]);
  const parameters = [...results[0].tensors.keys()].filter((name) => name.startsWith("optimizer.momentum.")).length;
  const [byDefault, each, some, all] = counts;
  assertEquals([each, all], [parameters, 1]);
  for (const number of [byDefault, some]) assert(number > 1 && number < parameters, `${number} buckets`);
  assert(byDefault <= 5, `${byDefault} buckets by default`);
});

Deno.test("Trainer: sums begin in the backward pass, and are waited for where the update begins", async () => {
  using backend = new CpuBackend();
  const events: string[] = [],
    collective: Collective = {
      rank: 0,
      size: 1,
      sum: () => {
        events.push("begin");
        return Promise.resolve().then(() => void events.push("done"));
      },
    };
  const trainer = await Trainer.create({ model: SMALL, backend, batch: 6, collective, bucketBytes: 100_000 });
  const { nodes } = trainer.program.plan, names = nodes.map(({ op }) => op.name);
  const sums = names.flatMap((name, index) => name === "allReduce" ? [index] : []);
  const gradient = names.lastIndexOf("conv2dWeightGradient");
  assert(sums.length > 2 && sums[0] < gradient && names.indexOf("sgdUpdate") > sums.at(-1)!, names.join());
  await trainer.step(smallBatch(SMALL, 6), 0.1);
  // None was waited for before all had begun.
  assertEquals(events, [...sums.map(() => "begin"), ...sums.map(() => "done")]);
  trainer.destroy();
});

Deno.test("Trainer: a collective of one rank gives the bits of none, and memory is known by planning", async () => {
  using backend = new CpuBackend();
  const batch = smallBatch(SMALL, 6), options = { model: SMALL, backend, batch: 6, seed: 2, bucketBytes: 30_000 };
  const alone = await trainOne(options, [batch], 3, 0.05), [collective] = localCollectives(1);
  for (const syncBatchNorm of [false, true]) {
    assertEquals(await trainOne({ ...options, collective, syncBatchNorm }, [batch], 3, 0.05), alone);
  }
  for (const accumulate of [1, 3]) {
    const before = backend.liveBytes, planned = { ...options, accumulate, collective };
    const trainer = await Trainer.create(planned);
    assertEquals(backend.liveBytes - before, trainingNeed(planned).total);
    assert(trainingNeed(planned).total > trainingNeed({ ...planned, collective: undefined }).total);
    trainer.destroy();
    assertEquals(backend.liveBytes, before);
  }
});

Deno.test("Trainer: profiles of steps tell of sums over ranks, and change no bit", async () => {
  using backend = new CpuBackend();
  const [collective] = localCollectives(1), batch = smallBatch(SMALL, 6);
  const options = { model: SMALL, backend, batch: 6, seed: 2, collective, bucketBytes: 1e9 };
  const { results } = await trainOne(options, [batch], 2, 0.05);
  const trainer = await Trainer.create(options), profiler = new StepProfiler();
  for (let step = 0; step < 2; step++) await profiler.step("step", () => trainer.profile(profiler, batch, 0.05));
  assertEquals(await trainer.results(), results);
  const sums = profiler.steps[1].kernels.filter(({ op }) => op === "allReduce");
  assertEquals(sums.map(({ variant }) => variant), ["begin", "wait"]);
  assert(sums.every(({ seconds }) => seconds >= 0));
  trainer.destroy();
});

for (const ranks of [2, 3]) {
  Deno.test(`Trainer: ${ranks} ranks with batch norm over all are one with all of their images`, async () => {
    using backend = new CpuBackend();
    await checkSyncBatchNorm(Array(ranks).fill(backend), cifarResNet({ depth: 8, inputShape: [3, 16, 16] }), 24, 20);
  });
}

Deno.test("Trainer: batch norm over all ranks takes parts, recomputation and frozen statistics", async () => {
  using backend = new CpuBackend();
  const batches = [smallBatch(SMALL, 12)], options = { model: SMALL, batch: 12, seed: 3, syncBatchNorm: true };
  const train = (extra: object) => trainTogether([backend, backend], { ...options, ...extra }, batches, 3, 0.05);
  const plain = await train({}), again = await train({ recompute: true });
  assertEquals(again, plain);
  // Statistics of all ranks are the same on all.
  assertEquals(plain[1].tensors, plain[0].tensors);
  const frozen = await train({ freeze: ["layer2.*"], freezeStatistics: true });
  assertEquals(frozen[0].tensors.get("layer2.0.bn1.running_mean"), new Float32Array(32));
  assert(frozen[0].tensors.get("layer1.0.bn1.running_mean")!.some((value) => value !== 0));
  // A part of a rank's batch and the same part of the other's are a batch of their own.
  const whole = await trainOne({ ...options, backend, accumulate: 2 }, [interleaved(batches[0])], 3, 0.05);
  const parts = await train({ accumulate: 2 });
  meanLosses(parts).forEach((loss, step) => {
    const expected = whole.results[step].loss;
    assert(Math.abs(loss - expected) < 1e-5 * expected, `step ${step}: ${loss}, expected ${expected}`);
  });
});

/** The parts of both halves in turn: as one rank takes them that has the first part of each, then the second. */
function interleaved({ images, labels }: ReturnType<typeof smallBatch>): ReturnType<typeof smallBatch> {
  const quarters = <T extends Float32Array | Uint32Array>(all: T): T => {
    const size = all.length / 4, result = all.slice() as T;
    [0, 2, 1, 3].forEach((from, to) => result.set(all.subarray(from * size, (from + 1) * size), to * size));
    return result;
  };
  return { images: quarters(images), labels: quarters(labels) };
}

Deno.test("Trainer: two ranks on the CPU are PyTorch's DistributedDataParallel", async () => {
  using backend = new CpuBackend();
  await checkDdp(backend);
});

Deno.test("Trainer: a sum that fails ends the step with its error, and memory is given back once nobody writes it", async () => {
  using backend = new CpuBackend();
  const before = backend.liveBytes, pending = Promise.withResolvers<void>();
  let sums = 0, late: Float32Array | undefined;
  const collective: Collective = {
    rank: 0,
    size: 2,
    sum(values) {
      if (sums++ === 0) return Promise.reject(new Error("rank 1 has gone"));
      late ??= values;
      return pending.promise;
    },
  };
  // Everything is in one bucket of a rank's, but batch norm sums in the forward pass.
  for (const options of [{ bucketBytes: 1000 }, { syncBatchNorm: true }]) {
    sums = 0;
    const trainer = await Trainer.create({ model: SMALL, backend, batch: 6, collective, ...options });
    await assertRejects(async () => await trainer.step(smallBatch(SMALL, 6), 0.1), Error, "rank 1 has gone");
    assertEquals(await trainer.results(), []);
    trainer.destroy();
  }
  assert(late !== undefined && backend.liveBytes > before, "memory that is still summed in is given back");
  pending.resolve();
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(backend.liveBytes, before);
});

Deno.test("Trainer: a step that does not wait for the one before is refused, and one that waits ends with its trainer", async () => {
  using backend = new CpuBackend();
  const [first] = localCollectives(2), options = { model: SMALL, backend, batch: 6, collective: first };
  const trainer = await Trainer.create(options), batch = smallBatch(SMALL, 6);
  const step = trainer.step(batch, 0.1);
  await assertRejects(async () => await trainer.step(batch, 0.1), UsageError, "await it before the next one");
  trainer.destroy();
  await assertRejects(async () => await step, DeviceError, "was destroyed while a step");
  await assertRejects(() => Trainer.create({ ...options, bucketBytes: 0 }), UsageError, "bucketBytes");
  await assertRejects(() => Trainer.create({ ...options, transport: "float16" }), UsageError, '`precision: "mixed"`');
});

Deno.test("Trainer: sums outlast memory that grows where it is shared, and are known to be lost where it is not", async () => {
  for (const shared of [true, false]) {
    const backend = shared ? new CpuBackend() : unsharedBackend().backend;
    let resolve = () => {};
    const collective: Collective = { rank: 0, size: 1, sum: () => new Promise<void>((done) => resolve = done) };
    const trainer = await Trainer.create({ model: SMALL, backend, batch: 6, collective, bucketBytes: 1e9 });
    const step = trainer.step(smallBatch(SMALL, 6), 0.1), large = backend.allocate(f32([1 << 20]));
    resolve();
    if (shared) await step;
    else await assertRejects(async () => await step, DeviceError, "Memory grew while ranks summed in it");
    trainer.destroy();
    large.destroy();
  }
});

Deno.test("allReduce: what is read elsewhere too, is given, or is a sum already, is summed as well", async () => {
  using backend = new CpuBackend();
  const outputs = await Promise.all(
    localCollectives(2).map(async (collective) => {
      const graph = new Graph(), x = graph.input("x", f32([5])), [positive] = relu.apply(graph, [x]);
      const [sum, given, twice] = allReduce.apply(graph, [positive, x, positive]);
      const [again] = allReduce.apply(graph, [sum]), [joined] = add.apply(graph, [again, positive]);
      const values = { sum, given, twice, again, joined, positive };
      const program = await compile(graph, backend, { outputs: values, collective });
      assertThrows(() => program.run(), UsageError, "runTogether()");
      program.write("x", Float32Array.of(-1, 2, 3, 4, 5).map((value) => value * (collective.rank + 1)));
      for (let step = 0; step < 2; step++) await program.runTogether();
      const read = await Promise.all(Object.keys(values).map((name) => program.read(name)));
      program.destroy();
      return read.map((array) => [...array]);
    }),
  );
  const sum = [0, 6, 9, 12, 15], own = [[0, 2, 3, 4, 5], [0, 4, 6, 8, 10]], again = sum.map((value) => 2 * value);
  outputs.forEach((read, rank) => {
    const joined = again.map((value, i) => value + own[rank][i]);
    assertEquals(read, [sum, [-3, ...sum.slice(1)], sum, again, joined, own[rank]]);
  });
});

Deno.test("plan(): a sum over ranks begins where what it sums is there, and after an update of it", () => {
  const graph = new Graph({ training: true }), x = graph.input("x", f32([3]));
  const [first] = relu.apply(graph, [x]), [second] = relu.apply(graph, [first]), [third] = relu.apply(graph, [second]);
  const sums = [third, first, second].map((value) => allReduce.apply(graph, [value])[0]);
  const outputs = new Map(sums.map((value, index) => [`${index}`, value]));
  const order = plan(graph, outputs).nodes.map(({ op, arguments: [value] }) => `${op.name} ${value.id}`);
  assertEquals(order, ["relu 0", "allReduce 1", "relu 1", "allReduce 2", "relu 2", "allReduce 3"]);
});
