import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DataError, DeviceError, OutOfMemoryError } from "../core/mod.ts";
import { BadImages, FolderDataset, PathList } from "../data/mod.ts";
import { withTicks } from "../tests/_fast_ticks.ts";
import { memoryFolder } from "../tests/_memory_folder.ts";
import { WorkerFiller } from "./image_workers.ts";
import type { FillRequest, WorkerAnswer, WorkerRequest } from "./worker_messages.ts";
import { WorkerPool } from "./worker_pool.ts";

/** A worker that does what a test says. */
class ScriptedWorker extends EventTarget {
  static all: ScriptedWorker[] = [];
  readonly requests: WorkerRequest[] = [];
  terminated = false;
  onmessage: (event: { readonly data: unknown }) => void = () => {};
  onerror: (event: Event) => void = () => {};

  constructor() {
    super();
    ScriptedWorker.all.push(this);
  }

  /** The batches that it was asked for. */
  get batches(): FillRequest[] {
    return this.requests.filter((request) => request.kind === "fill");
  }

  postMessage(request: WorkerRequest): void {
    this.requests.push(request);
  }

  /** Answers for the batch that was asked for last, or another one. */
  answer(answer: Partial<WorkerAnswer> = {}): void {
    const { filler, id } = this.batches.at(-1)!;
    this.onmessage({ data: { filler, id, failures: [], ...answer } });
  }

  terminate(): void {
    this.terminated = true;
  }
}

/** A filler of workers that are scripted, and a batch that it fills. */
interface Filler {
  readonly fill: () => Promise<void>;
  readonly close: () => void;
}

/** A pool of two workers, which are scripted, and what opens fillers of it. */
async function withPool(
  run: (
    parts: { readonly open: () => Filler; readonly workers: ScriptedWorker[]; readonly bad: BadImages },
  ) => Promise<void>,
): Promise<void> {
  const original = globalThis.Worker, bad = new BadImages(0), workers: ScriptedWorker[] = ScriptedWorker.all = [];
  globalThis.Worker = ScriptedWorker as unknown as typeof Worker;
  const decode = () => Promise.reject(new Error("no image is decoded here"));
  const dataset = new FolderDataset(memoryFolder({}), PathList.from(["a.png"]), new Uint8Array(1), { decode }, bad);
  const options = { shape: [3, 4, 4], normalisation: { mean: [0, 0, 0], std: [1, 1, 1] } } as const;
  const pool = new WorkerPool({ workers: 2, stallTimeout: 5 }), opened: WorkerFiller[] = [];
  const open = () => {
    const filler = new WorkerFiller(dataset, options, pool, { maxBad: 0, decode: "full", maxMegapixels: 1 });
    opened.push(filler);
    return {
      fill: () => {
        const filled = filler.fill(new Uint32Array(3), 0, filler.allocate(3));
        // As a loader does, which hears of it later.
        filled.catch(() => {});
        return filled;
      },
      close: () => filler.close(),
    };
  };
  try {
    await run({ open, workers, bad });
    for (const filler of opened) filler.close();
  } finally {
    globalThis.Worker = original;
  }
}

/** A filler of two workers, which are scripted; and how a batch that it fills stands. */
function withFiller(
  run: (
    parts: { readonly fill: () => Promise<void>; readonly workers: ScriptedWorker[]; readonly bad: BadImages },
  ) => Promise<void>,
): Promise<void> {
  return withPool(({ open, ...parts }) => run({ ...parts, ...open() }));
}

/** What a promise has come to by now. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  const state = promise.then(() => "filled", (error: Error) => error.message);
  await new Promise((resolve) => setTimeout(resolve));
  return await Promise.race([state, Promise.resolve("waiting")]);
}

Deno.test("WorkerFiller waits for every worker, though one answers twice, or for a batch that is done", () =>
  withFiller(async ({ fill, workers: [one, other] }) => {
    for (let k = 0; k < 2; k++) {
      let done = false;
      const filled = fill().then(() => done = true);
      one.answer();
      one.answer();
      one.answer({ id: 77 });
      await new Promise((resolve) => setTimeout(resolve));
      assertEquals(done, false);
      other.answer();
      await filled;
    }
  }));

Deno.test("WorkerFiller tells of a lack of memory, and takes no image for damaged", () =>
  withFiller(async ({ fill, workers: [one, other], bad }) => {
    const filled = assertRejects(fill, OutOfMemoryError, "a.png: no memory; use fewer `workers`");
    one.answer({ error: ["a.png: no memory"], lacksMemory: true });
    other.answer();
    await filled;
    assertEquals(bad.paths, []);
    const refused = assertRejects(fill, DataError, "too many");
    one.answer();
    other.answer({ error: ["too many"] });
    await refused;
  }));

Deno.test("WorkerFiller gives up workers that do nothing, and not those that take images or answer", () =>
  withTicks((tick) =>
    withFiller(async ({ fill, workers: [one, other] }) => {
      const first = fill(), second = fill();
      const refused = [first, second].map((each) =>
        assertRejects(() => each, DeviceError, "have done nothing for 5 seconds, so one has died")
      );
      for (let k = 0; k < 3; k++) {
        tick(4);
        Atomics.add(one.batches[0].next, 0, 1);
      }
      tick(4);
      other.answer();
      tick(4);
      const settled = Promise.race([first, second].map((each) => each.then(() => "filled", () => "refused")));
      assertEquals(await Promise.race([settled, Promise.resolve("waiting")]), "waiting");
      tick(3);
      await Promise.all(refused);
      await assertRejects(fill, DeviceError, "have done nothing");
    })
  ));

Deno.test("WorkerPool starts workers with its first filler, has others find them, and ends them with the last", () =>
  withPool(async ({ open, workers }) => {
    const training = open();
    assertEquals(workers.length, 2);
    for (let k = 0; k < 3; k++) {
      const validation = open(), filled = validation.fill();
      for (const worker of workers) worker.answer();
      await filled;
      validation.close();
      validation.close();
      assertEquals(workers.map(({ terminated }) => terminated), [false, false]);
      assertEquals(workers.map(({ requests }) => requests.at(-1)), new Array(2).fill({ kind: "close", filler: 1 + k }));
    }
    const last = training.fill();
    for (const worker of workers) worker.answer();
    await last;
    training.close();
    assertEquals(workers.map(({ terminated }) => terminated), [true, true]);
    const another = open(), filled = another.fill();
    assertEquals(workers.map(({ terminated }) => terminated), [true, true, false, false]);
    for (const worker of workers.slice(2)) worker.answer();
    await filled;
  }));

Deno.test("WorkerFiller hears what is for it alone, whatever the order in which fillers ask and are answered", () =>
  withPool(async ({ open, workers }) => {
    const fillers = [open(), open()], filled = fillers.map(({ fill }) => fill());
    // Both are the first batch of their filler.
    assertEquals(workers[0].batches.map(({ filler, id }) => [filler, id]), [[0, 0], [1, 0]]);
    for (const worker of workers) {
      worker.answer({ filler: 1, error: worker === workers[0] ? ["of the second"] : undefined });
    }
    await assertRejects(() => filled[1], DataError, "of the second");
    assertEquals(await stateOf(filled[0]), "waiting");
    for (const worker of workers) worker.answer({ filler: 0 });
    await filled[0];
  }));

Deno.test("WorkerFiller.close() gives up its batches, whose images no worker takes any more, and no other's", () =>
  withTicks((tick) =>
    withPool(async ({ open, workers }) => {
      const closed = open(), other = open(), given = [closed.fill(), closed.fill()], kept = other.fill();
      const [first, second, third] = workers[0].batches;
      Atomics.add(first.next, 0, 1);
      closed.close();
      for (const each of given) {
        assertEquals(await stateOf(each), "The workers that prepare images were ended while a batch was in work");
      }
      for (const { next } of [first, second]) {
        assert(Atomics.add(next, 0, 1) >= 3);
      }
      assertEquals([Atomics.load(third.next, 0), await stateOf(kept)], [0, "waiting"]);
      await assertRejects(closed.fill, DataError, "were ended");
      // What workers still say of it disturbs nobody.
      for (const worker of workers) worker.answer({ filler: 0, id: 0, failures: [[0, ["not read"]]] });
      for (const worker of workers) worker.answer({ filler: 1 });
      await kept;
      // Nothing is waited for, so that nothing hangs.
      tick(100);
      const filled = other.fill();
      for (const worker of workers) worker.answer();
      await filled;
    })
  ));

Deno.test("WorkerPool: a worker that dies fails every filler, and the next filler has new workers", () =>
  withPool(async ({ open, workers }) => {
    const fillers = [open(), open()], filled = fillers.map(({ fill }) => fill());
    workers[1].onerror(new ErrorEvent("error", { message: "out of memory", cancelable: true }));
    const says =
      "A worker that prepares images has stopped (out of memory); if that happens again, use fewer `workers`";
    for (const each of filled) assertEquals(await stateOf(each), says);
    for (const { fill } of fillers) await assertRejects(fill, DeviceError, says);
    assertEquals(workers.map(({ terminated }) => terminated), [true, true]);
    const next = open(), again = next.fill();
    assertEquals(workers.length, 4);
    // The old ones are closed as whoever waited for them hears of it, and may say something until they are gone.
    for (const { close } of fillers) close();
    for (const worker of workers.slice(0, 2)) worker.answer();
    workers[0].onerror(new ErrorEvent("error", { message: "once more", cancelable: true }));
    assertEquals(await stateOf(again), "waiting");
    assertEquals(workers.map(({ terminated }) => terminated), [true, true, false, false]);
    for (const worker of workers.slice(2)) worker.answer();
    await again;
  }));

Deno.test("WorkerPool: what any of its fillers gets done is progress, and where none does all hear that workers hang", () =>
  withTicks((tick) =>
    withPool(async ({ open, workers }) => {
      const idle = open(), waiting = open(), busy = open();
      const filled = [waiting.fill(), busy.fill()];
      for (let k = 0; k < 3; k++) {
        tick(4);
        Atomics.add(workers[0].batches[1].next, 0, 1);
      }
      tick(4);
      for (const worker of workers) worker.answer();
      assertEquals(await stateOf(filled[1]), "filled");
      // The first tick sees that they have answered.
      tick(5);
      assertEquals(await stateOf(filled[0]), "waiting");
      tick(1);
      assertStringIncludes(await stateOf(filled[0]), "have done nothing for 5 seconds, so one has died");
      await assertRejects(idle.fill, DeviceError, "have done nothing for 5 seconds");
      assertEquals(workers.map(({ terminated }) => terminated), [true, true]);
    })
  ));
