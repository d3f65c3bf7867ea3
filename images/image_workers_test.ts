import { assertEquals, assertRejects } from "@std/assert";
import { DataError, DeviceError, OutOfMemoryError } from "../core/mod.ts";
import { BadImages, FolderDataset, PathList } from "../data/mod.ts";
import { withTicks } from "../tests/_fast_ticks.ts";
import { memoryFolder } from "../tests/_memory_folder.ts";
import { type FillRequest, WorkerFiller } from "./image_workers.ts";

/** A worker that does what a test says. */
class ScriptedWorker extends EventTarget {
  static all: ScriptedWorker[] = [];
  readonly requests: FillRequest[] = [];
  onmessage: (event: { readonly data: unknown }) => void = () => {};
  onerror: (event: Event) => void = () => {};

  constructor() {
    super();
    ScriptedWorker.all.push(this);
  }

  postMessage(request: FillRequest): void {
    if ("next" in request) this.requests.push(request);
  }

  answer(answer: Record<string, unknown> = {}): void {
    this.onmessage({ data: { id: this.requests.at(-1)!.id, failures: [], ...answer } });
  }

  terminate(): void {}
}

/** A filler of two workers, which are scripted; and how a batch that it fills stands. */
async function withFiller(
  run: (
    parts: { readonly fill: () => Promise<void>; readonly workers: ScriptedWorker[]; readonly bad: BadImages },
  ) => Promise<void>,
): Promise<void> {
  const original = globalThis.Worker, bad = new BadImages(0);
  ScriptedWorker.all = [];
  globalThis.Worker = ScriptedWorker as unknown as typeof Worker;
  const decode = () => Promise.reject(new Error("no image is decoded here"));
  const dataset = new FolderDataset(memoryFolder({}), PathList.from(["a.png"]), new Uint8Array(1), { decode }, bad);
  const options = { shape: [3, 4, 4], normalisation: { mean: [0, 0, 0], std: [1, 1, 1] } } as const;
  try {
    const reading = { workers: 2, maxBad: 0, decode: "full", maxMegapixels: 1, stallTimeout: 5 } as const;
    const filler = new WorkerFiller(dataset, options, reading);
    await run({ fill: () => filler.fill(new Uint32Array(3), 0, filler.allocate(3)), workers: ScriptedWorker.all, bad });
    filler.close();
  } finally {
    globalThis.Worker = original;
  }
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
        Atomics.add(one.requests[0].next, 0, 1);
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
