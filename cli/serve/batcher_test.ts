import { assertEquals, assertRejects } from "@std/assert";
import type { Prediction } from "../../inference/mod.ts";
import { Batcher, QueueFullError } from "./batcher.ts";

const signal = new AbortController().signal, image = (value: number) => Float32Array.of(value, -value);

/** A batcher whose batches run until they are let go, and the images of each batch. */
function held(options: { readonly batch: number; readonly wait?: number; readonly most?: number }) {
  const batches: number[][] = [], gates: PromiseWithResolvers<void>[] = [];
  const batcher = new Batcher({
    wait: 0,
    most: 100,
    ...options,
    async run(tensor) {
      const values = Array.from(tensor).filter((_, k) => k % 2 === 0), gate = Promise.withResolvers<void>();
      batches.push(values);
      gates.push(gate);
      await gate.promise;
      return values.map((value): Prediction => ({ top: [], logits: Float32Array.of(value) }));
    },
  });
  const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
  return { batcher, batches, gates, settle };
}

const valuesOf = async (predictions: Promise<readonly Prediction[]>) =>
  (await predictions).map(({ logits }) => logits[0]);

Deno.test("Batcher joins what comes while a batch runs, in its order, and gives each request its own", async () => {
  const { batcher, batches, gates, settle } = held({ batch: 3 });
  const first = batcher.classify([image(1)], signal);
  await settle();
  const others = [[2, 3], [4], [5]].map((values) => batcher.classify(values.map(image), signal));
  assertEquals([batches, batcher.waiting], [[[1]], 4]);
  gates[0].resolve();
  await settle();
  assertEquals([batches, batcher.waiting], [[[1], [2, 3, 4]], 1]);
  gates[1].resolve();
  await settle();
  gates[2].resolve();
  assertEquals(batches, [[1], [2, 3, 4], [5]]);
  assertEquals(await Promise.all([first, ...others].map(valuesOf)), [[1], [2, 3], [4], [5]]);
});

Deno.test("Batcher waits for a full batch as long as it is told, and no longer once it is full", async () => {
  const { batcher, batches, gates, settle } = held({ batch: 2, wait: 60_000 });
  const one = batcher.classify([image(1)], signal);
  await settle();
  assertEquals(batches, []);
  const two = batcher.classify([image(2)], signal);
  await settle();
  assertEquals(batches, [[1, 2]]);
  gates[0].resolve();
  assertEquals(await Promise.all([one, two].map(valuesOf)), [[1], [2]]);
  const short = held({ batch: 2, wait: 1 }), alone = short.batcher.classify([image(7)], signal);
  await short.settle();
  await short.settle();
  short.gates[0].resolve();
  assertEquals(await valuesOf(alone), [7]);
});

Deno.test("Batcher takes all images of a request or none, leaves out what was given up, and goes on after a failure", async () => {
  const { batcher, batches, gates, settle } = held({ batch: 2, most: 3 });
  const running = batcher.classify([image(1)], signal), left = new AbortController();
  await settle();
  const gone = batcher.classify([image(2)], left.signal), waiting = batcher.classify([image(3)], signal);
  await assertRejects(
    () => batcher.classify([image(4), image(5)], signal),
    QueueFullError,
    "2 images wait already, of 3",
  );
  assertEquals(batcher.waiting, 2);
  left.abort(new Error("the client has gone"));
  await assertRejects(() => gone, Error, "the client has gone");
  gates[0].reject(new Error("the device is lost"));
  await assertRejects(() => running, Error, "the device is lost");
  await settle();
  gates[1].resolve();
  assertEquals([await valuesOf(waiting), batches], [[3], [[1], [3]]]);
});
