/** Runs of several ranks, in one process. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Collective, CpuBackend, localCollectives, UsageError } from "../core/mod.ts";
import { shapesSet } from "../data/mod.ts";
import { compileInference, evaluateSplit } from "../inference/mod.ts";
import { modelByName } from "../models/mod.ts";
import { fit, type FitOptions, type FitResult, RunFolder } from "../train/mod.ts";
import { decodeCheckpoint, Variables } from "../weights/mod.ts";
import { ALL } from "./_all.ts";
import { colourSet, MemoryStore, randomSet, shortRun } from "./_runs.ts";

const set = randomSet(40), options = { ...shortRun(set), checkpoints: { steps: 4 } };

/** Trains on as many ranks, of which the first has the store. */
function fitTogether(
  size: number,
  store: MemoryStore,
  given: Partial<FitOptions> | ((rank: number) => Partial<FitOptions>) = {},
): Promise<FitResult[]> {
  return Promise.all(
    localCollectives(size).map(async (collective) => {
      using backend = new CpuBackend();
      const folder = collective.rank === 0 ? new RunFolder(store) : undefined;
      const own = typeof given === "function" ? given(collective.rank) : given;
      return await fit({ ...options, backend, folder, collective, ...own });
    }),
  );
}

/** What a run that goes on is given. */
async function resumed(store: MemoryStore): Promise<Pick<FitOptions, "initial" | "progress">> {
  const checkpoint = await new RunFolder(store).resume();
  return { initial: checkpoint, progress: checkpoint!.info.progress };
}

/** What does not depend on time. */
function steps(store: MemoryStore): unknown[] {
  return store.text("metrics.jsonl").trim().split("\n").map((line) => {
    const { imagesPerSecond: _, seconds: __, ...rest } = JSON.parse(line);
    return rest;
  });
}

Deno.test("fit(): ranks have the same metrics and weights, and one of them the files", async () => {
  const store = new MemoryStore(), heard: number[][] = [[], []];
  const results = await fitTogether(2, store, (rank) => ({ onStep: ({ loss }) => void heard[rank].push(loss) }));
  assertEquals(results[0], { ...results[1], last: { ...results[1].last!, seconds: results[0].last!.seconds } });
  assertEquals(results[0].steps, 18);
  assertEquals(heard[0].length, 18);
  assertEquals(heard[0], heard[1]);
  assertEquals([...store.files.keys()].sort(), [
    "best.safetensors",
    "last.safetensors",
    "metrics.jsonl",
    "previous.safetensors",
    "validation.json",
  ]);
  const { info } = decodeCheckpoint(store.files.get("last.safetensors")!, "last");
  assertEquals([info?.progress?.batch, info?.progress?.steps], [6, 18]);
});

Deno.test("fit(): ranks that are stopped at any step go on to the bits of those that were not", async () => {
  const whole = new MemoryStore();
  await fitTogether(2, whole);
  for (const stopAt of [1, 5, 6, 13]) {
    const store = new MemoryStore();
    // One rank alone hears of it.
    const controller = new AbortController();
    const stopping = (rank: number) =>
      rank === 0 ? {} : {
        signal: controller.signal,
        onStep: ({ step }: { readonly step: number }) => step === stopAt ? controller.abort() : undefined,
      };
    const stopped = await fitTogether(2, store, stopping);
    for (const result of stopped) assertEquals(result.stopped, true);
    assertEquals(stopped[0].steps, stopped[1].steps);
    assert(stopped[0].steps >= stopAt && stopped[0].steps <= stopAt + 2, `${stopped[0].steps} after ${stopAt}`);
    // The others need neither the file nor its weights: they come from the first rank.
    const again = await resumed(store);
    await fitTogether(2, store, (rank) => rank === 0 ? again : { progress: again.progress });
    assertEquals(store.files.get("last.safetensors"), whole.files.get("last.safetensors"));
    assertEquals(steps(store), steps(whole));
  }
});

Deno.test("fit(): a run goes on with another number of ranks, by the same batches", async () => {
  const store = new MemoryStore();
  await fitTogether(3, store, { steps: 4 });
  const again = await resumed(store);
  const [{ steps: done }] = await fitTogether(2, store, again);
  assertEquals(done, 18);
});

Deno.test("fit() refuses a batch that the ranks cannot divide", async () => {
  const refused = fitTogether(4, new MemoryStore());
  await assertRejects(() => refused, UsageError, "Expected a batch that 4 ranks can divide but `batch` is 6");
});

Deno.test("fit() names a rank that has other data or options, on all of them", async () => {
  const refusals = async (given: (rank: number) => Partial<FitOptions>) => {
    const messages = localCollectives(3).map(async (collective) => {
      using backend = new CpuBackend();
      const error = await assertRejects(() => fit({ ...options, backend, collective, ...given(collective.rank) }));
      return (error as Error).message;
    });
    return new Set(await Promise.all(messages));
  };
  const other = randomSet(40);
  other.train.pixels[1234] ^= 1;
  const remedy = "than rank 0; give all ranks the same, and start again";
  assertEquals(
    await refusals((rank) => rank === 2 ? { set: other } : {}),
    new Set([`Rank 2 has other data ${remedy}`]),
  );
  assertEquals(
    await refusals((rank) => rank > 0 ? { rate: 0.03 } : {}),
    new Set([`The ranks 1, 2 have other options ${remedy}`]),
  );
});

Deno.test("evaluateSplit() divides the images among ranks, and gives each the results of one", async () => {
  const { validation: split, shape } = colourSet(0, 23), { model } = shortRun(set);
  const images = { split, shape, normalisation: { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.2] } };
  const evaluate = async (collective?: Collective) => {
    const program = await compileInference(model, new CpuBackend(), 4, new Variables());
    return await evaluateSplit(program, { ...images, collective, classMap: [2, 0, 1] }, 4, 3);
  };
  const alone = await evaluate();
  for (const size of [1, 2, 5, 7]) {
    for (const rank of await Promise.all(localCollectives(size).map(evaluate))) assertEquals(rank, alone);
  }
});

/** Trains a ResNet-20 to that step, without what makes a run random; gives the losses of the steps that it took. */
async function trainTo(steps: number, store?: MemoryStore, collective?: Collective): Promise<number[]> {
  using backend = new CpuBackend();
  const losses: number[] = [], onStep = ({ loss }: { readonly loss: number }) => void losses.push(loss);
  const data = shapesSet({ trainCount: 128, validationCount: 32 }), model = modelByName("resnet20");
  const plain = { rate: 0.01, schedule: "constant", momentum: 0.9, weightDecay: 1e-4, syncBatchNorm: true } as const;
  const from = store && store.files.size > 0 ? await resumed(store) : undefined;
  const folder = store && (collective?.rank ?? 0) === 0 ? new RunFolder(store) : undefined;
  await fit({ model, backend, set: data, batch: 32, epochs: 5, steps, collective, folder, ...plain, ...from, onStep });
  return losses;
}

function copyOf({ files }: MemoryStore): MemoryStore {
  const copy = new MemoryStore();
  for (const [name, bytes] of files) copy.files.set(name, bytes);
  return copy;
}

/** The largest difference of losses from expected ones, relative to these. */
function distance(losses: readonly number[], expected: readonly number[]): number {
  assertEquals(losses.length, expected.length);
  return Math.max(...losses.map((loss, step) => Math.abs(loss / expected[step] - 1)));
}

// Over many steps in one go their rounding grows as PyTorch's own does: docs/scaling.md.
Deno.test({
  name: "fit(): in each of 20 steps of a ResNet-20, ranks take the step that one takes from the same weights",
  ignore: !ALL,
  async fn() {
    const store = new MemoryStore(), expected = await trainTo(20);
    for (let step = 0; step < 19; step++) {
      // The second loss is of the weights that the first step gave.
      for (const size of [2, 4]) {
        const ranks = localCollectives(size).map((ranks) => trainTo(step + 2, copyOf(store), ranks));
        for (const losses of await Promise.all(ranks)) {
          const own = distance(losses, expected.slice(step, step + 2));
          assert(own < 1e-4, `${size} ranks, from step ${step}: ${own}`);
        }
      }
      assertEquals(await trainTo(step + 1, store), expected.slice(step, step + 1));
    }
  },
});

Deno.test("fit() refuses ranks that compute on different backends", async () => {
  const messages = localCollectives(2).map(async (collective) => {
    using cpu = new CpuBackend();
    // It is asked for nothing but its kind.
    const backend = collective.rank === 0 ? cpu : new Proxy(cpu, {
      get: (target, name) => {
        if (name === "name") return "webgpu";
        const value = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const error = await assertRejects(() => fit({ ...options, backend, collective }));
    return (error as Error).message;
  });
  const message = "Rank 1 has other hardware than rank 0; give all ranks the same, and start again";
  assertEquals(await Promise.all(messages), [message, message]);
});
