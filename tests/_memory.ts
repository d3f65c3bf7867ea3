/** What both backends must say of memory before they take it. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Backend, compile, f32, Graph, OutOfMemoryError, plan, type ResiduaError } from "../core/mod.ts";
import { cifarResNet, imageNetResNet } from "../models/mod.ts";
import { fit, type StartEvent, traceStep, Trainer, type TrainerOptions, trainingNeed } from "../train/mod.ts";
import { randomSet } from "./_runs.ts";
import { assertSame } from "./_same.ts";
import { INVERTED, SMALL, SMALL_BATCH } from "./_training.ts";

/** Holds what is planned against what is allocated. */
export async function checkMemoryNeed(backend: Backend): Promise<void> {
  const cases = [
    { model: SMALL, batch: SMALL_BATCH },
    { model: SMALL, batch: 6, accumulate: 3, clipNorm: 1, ema: 0.9 },
    { model: SMALL, batch: 7, recompute: true },
    { model: INVERTED, batch: 3 },
  ];
  for (const options of cases) {
    const need = trainingNeed({ ...options, backend }), before = backend.liveBytes;
    const trainer = await Trainer.create({ ...options, backend });
    assertEquals(backend.liveBytes - before, need.total);
    trainer.destroy();
    assertEquals(backend.liveBytes, before);
  }
  const graph = new Graph();
  const logits = SMALL.forward(graph, graph.input("image", f32([3, ...SMALL.inputShape])));
  const variables = new Map(
    graph.parameters.concat(graph.values.filter(({ kind }) => kind === "state"))
      .map(({ name, spec }) => [name, backend.allocate(spec)]),
  );
  const before = backend.liveBytes;
  const program = await compile(graph, backend, { outputs: { logits }, variables });
  const need = backend.memoryNeed(plan(graph, new Map([["logits", logits]])), { scalars: [] });
  assertEquals(backend.liveBytes - before, need.total);
  // The largest tensor may be a variable, which the total does not count.
  const largest = Math.max(...[...variables.values()].map(({ spec }) => backend.allocatedBytes(spec)));
  assert(need.tensor >= largest && need.tensor <= Math.max(largest, need.total));
  program.destroy();
  for (const storage of variables.values()) storage.destroy();
}

/**
 * A batch in parts takes no more than a whole one beside the mean gradients, which it has to keep: even where weights take
 * nearly all memory, and the parts of a batch leave nothing to be saved.
 */
// deno-lint-ignore require-await -- tests of devices are asynchronous.
export async function checkAccumulation(backend: Backend): Promise<void> {
  const model = imageNetResNet({ depth: 18, inputShape: [3, 64, 64] });
  const { parameters } = traceStep({ model, batch: 1 }).graph;
  const weights = parameters.reduce((sum, { spec }) => sum + backend.allocatedBytes(spec), 0);
  for (const recompute of [false, true]) {
    const [whole, ...parts] = [1, 2, 4, 8].map((accumulate) =>
      trainingNeed({ model, backend, batch: 16, accumulate, recompute }).total
    );
    for (const part of parts) assert(part <= whole + weights, `${part} bytes of ${whole} and ${weights}`);
  }
  const [whole, half] = [1, 2].map((accumulate) =>
    trainingNeed({ model: MODEL, backend, batch: 64, accumulate }).total
  );
  assert(half < 0.6 * whole, `${half} bytes of ${whole}`);
}

const MODEL = cifarResNet({ depth: 8, classes: 3, inputShape: [3, 24, 24] });

/** A backend with a limit of so many bytes beside what it takes itself. */
export type OpenLimited = (bytes: number) => Promise<Backend>;

/** What a program, a step or a run that does not fit says and leaves behind. */
export async function checkRefusal(open: OpenLimited): Promise<void> {
  const unlimited = await open(Infinity), batch = 16;
  const need = (changes: Partial<TrainerOptions>) =>
    trainingNeed({ model: MODEL, backend: unlimited, batch, ...changes }).total;
  const limit = need({ batch: 11 }) + 4096;
  assert(limit < need({ batch: 12 }));
  unlimited.destroy();

  const backend = await open(limit), options = { model: MODEL, backend, batch }, before = backend.liveBytes;
  const error = await assertRejects(() => Trainer.create(options), OutOfMemoryError);
  assertStringIncludes(error.message, "resnet8 cannot be trained on a batch of 16: it takes");
  assertStringIncludes(error.message, "the largest that fits is 11, so use `batch: 11` or `accumulate: ");
  assertEquals(backend.liveBytes, before);
  await useAdvice(error, options);
  await assertRejects(() => Trainer.create({ ...options, batch: 12 }), OutOfMemoryError, "the largest that fits is 11");
  const parts = { ...options, batch: 48, accumulate: 2 };
  const divided = await assertRejects(() => Trainer.create(parts), OutOfMemoryError, "a part of 24 images: it takes");
  await useAdvice(divided, parts);
  assertEquals(backend.liveBytes, before);
  await backend.finish();
  backend.destroy();

  const tiny = await open(need({ batch: 1 }) >> 3);
  await assertRejects(() => Trainer.create({ ...options, backend: tiny }), OutOfMemoryError, "not even one image fits");
  tiny.destroy();
}

/** Does each of the things that an error proposes; the next larger batch and the next fewer parts do not fit. */
async function useAdvice({ advice }: ResiduaError, options: TrainerOptions): Promise<void> {
  const number = (name: string) => advice.find(({ argument }) => argument === name)!.value as number;
  const { batch, accumulate = 1 } = options, parts = number("accumulate"), largest = number("batch");
  for (const { argument, value } of advice) {
    const changes = { [argument]: value };
    (await Trainer.create({ ...options, ...changes })).destroy();
  }
  const fewer = Array.from({ length: parts }, (_, k) => k).findLast((k) => k > 0 && batch % k === 0)!;
  for (const changes of [{ batch: largest + accumulate }, { accumulate: fewer }]) {
    await assertRejects(() => Trainer.create({ ...options, ...changes }), OutOfMemoryError);
  }
}

/** A run divides its batches into as few parts as fit, with the numbers of a run that was told to. */
export async function checkDivision(open: OpenLimited): Promise<void> {
  const set = randomSet(40), runs = [], model = cifarResNet({ depth: 8, classes: 3, inputShape: set.shape });
  const base = { model, set, epochs: 2, batch: 3 * SMALL_BATCH, rate: 0.01 };
  let least = 0;
  for (const accumulate of [3, "auto"] as const) {
    const backend = await open(accumulate === "auto" ? least : Infinity), events: StartEvent[] = [];
    const before = backend.liveBytes;
    const { tensors, last } = await fit({ ...base, backend, accumulate, onStart: (event) => void events.push(event) });
    const [{ parts, memory }] = events;
    assertEquals(memory.total, memory.step + memory.variables + memory.validation);
    assertEquals(parts, 3);
    least = memory.total + 4096;
    runs.push({ tensors, loss: last!.trainLoss });
    assertEquals(backend.liveBytes, before);
    if (accumulate === "auto") {
      await assertRejects(() => fit({ ...base, backend }), OutOfMemoryError, "`accumulate: 3`");
    }
    backend.destroy();
  }
  assertSame(runs[1], runs[0]);
}
