import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError, Random } from "../core/mod.ts";
import { Batcher } from "./batcher.ts";
import { allocateImages, type BatchFiller } from "./batch_filler.ts";
import { epochOrder } from "./epoch_order.ts";
import { BatchLoader } from "./batch_loader.ts";
import { type Dataset, MemoryDataset } from "./dataset.ts";
import { ResidentImages } from "./resident_images.ts";

const shape = [1, 2, 3] as const, COUNT = 23, normalisation = { mean: [0.4], std: [0.3] };
const random = new Random(9);
const memory = new MemoryDataset(
  shape,
  Uint8Array.from({ length: COUNT * 6 }, () => random.integer(256)),
  Uint8Array.from({ length: COUNT }, (_, i) => i % 7),
);

Deno.test("BatchLoader.fetch() gives an epoch's batches in its order, at once from memory and in the same array", () => {
  const augmentation = { padding: 1, flip: true };
  const loader = new BatchLoader({
    dataset: memory,
    shape,
    normalisation,
    augmentation,
    seed: 3,
    batch: 4,
    shuffle: true,
  });
  assertEquals(loader.batchesPerEpoch, 5);
  const batcher = new Batcher({ split: memory, shape, normalisation, augmentation, seed: 3 });
  const expected = batcher.allocate(4), order = epochOrder(COUNT, 3, 2, true);
  let first: Float32Array | undefined;
  for (const index of [0, 1, 4, 2]) {
    const batch = loader.fetch(2, index);
    assert(!(batch instanceof Promise));
    batcher.fill(order.subarray(4 * index, 4 * index + 4), 2, expected);
    assertEquals(batch, expected);
    first ??= batch.images;
    assert(batch.images === first);
  }
});

Deno.test("BatchLoader without shuffling visits each image equally often over epochs, in the order of the set", async () => {
  const visited: number[] = [];
  const filler: BatchFiller = {
    ahead: 0,
    allocate: (count) => allocateImages(count, shape),
    fill: (indices) => void visited.push(...indices),
    close() {},
  };
  await using loader = new BatchLoader({ dataset: memory, shape, normalisation, batch: 4, filler });
  // After as many epochs as images, of which each leaves out three.
  for (let epoch = 0; epoch < COUNT; epoch++) {
    for (let index = 0; index < loader.batchesPerEpoch; index++) loader.fetch(epoch, index);
  }
  assertEquals(visited, Array.from({ length: 20 * COUNT }, (_, i) => i % COUNT));
});

Deno.test("every filler takes an index beyond the set for the same image in another place", async () => {
  const padded = { padding: 2, flip: true }, indices = Uint32Array.of(5, 5 + COUNT, 5, 5 + 9 * COUNT), made = [];
  const options = { shape, normalisation, augmentation: padded, seed: 3 };
  for (const dataset of [memory, slow()]) {
    await using loader = new BatchLoader({ ...options, dataset, batch: 4, order: () => indices });
    const { images, labels } = await loader.fetch(0, 0);
    assertEquals([...labels], [5, 5, 5, 5]);
    const [first, second, again, tenth] = [0, 6, 12, 18].map((from) => images.slice(from, from + 6).join());
    assertEquals(again, first);
    assert(first !== second || first !== tenth);
    made.push(images.slice());
  }
  assertEquals(made[1], made[0]);
  const resident = ResidentImages.of(memory, options, Infinity)!, views = resident.allocate(4);
  resident.fill(indices, 0, views);
  assertEquals([...views.labels], [5, 5, 5, 5]);
  assertEquals([0, 4, 8, 12].map((at) => views.views[at]), [5, 5, 5, 5]);
  const [first, second, again, tenth] = [0, 4, 8, 12].map((at) => views.views.slice(at, at + 4).join());
  assertEquals(again, first);
  assert(first !== second || first !== tenth);
});

/** Reads in time, and records how many images were asked for. */
function slow(): Dataset & { readonly reads: number[] } {
  const reads: number[] = [];
  return {
    count: COUNT,
    labels: memory.labels,
    reads,
    async read(index) {
      reads.push(index);
      await new Promise((resolve) => setTimeout(resolve, index % 3));
      return memory.read(index);
    },
  };
}

Deno.test("BatchLoader.fetch() gives the same batches where reading takes time, works ahead, and jumps", async () => {
  const dataset = slow(), options = { shape, normalisation, seed: 3, batch: 4, shuffle: true, epochs: 3 };
  const ahead = new BatchLoader({ dataset, ...options }), plain = new BatchLoader({ dataset: memory, ...options });
  for (const [epoch, index] of [[0, 0], [0, 1], [0, 4], [1, 0], [2, 3], [2, 4]]) {
    const batch = await ahead.fetch(epoch, index), same = await plain.fetch(epoch, index);
    assertEquals([batch.images, batch.labels], [same.images, same.labels]);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await ahead.close();
  // The first fetch and the jump to (0, 4) began three batches, their successors one more, and nothing follows (2, 4).
  assertEquals(dataset.reads.length, 4 * (3 + 1 + 3 + 1 + 2));
});

Deno.test("BatchLoader keeps no more than two batches in work", async () => {
  const dataset = slow(), loader = new BatchLoader({ dataset, shape, normalisation, batch: 4 });
  await loader.fetch(0, 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals(dataset.reads.length, 12);
  await loader.close();
});

Deno.test("BatchLoader.fetch() rejects for a batch that cannot be read, and not before it is wanted", async () => {
  const dataset: Dataset = {
    count: COUNT,
    labels: memory.labels,
    read: (index) =>
      index === 9 ? Promise.reject(new DataError("nine is broken")) : Promise.resolve(memory.read(index)),
  };
  const loader = new BatchLoader({ dataset, shape, normalisation, batch: 4, epochs: 1 });
  await loader.fetch(0, 0);
  await loader.fetch(0, 1);
  await assertRejects(async () => await loader.fetch(0, 2), DataError, "nine is broken");
  await loader.close();
});

Deno.test("BatchLoader has a set's own filler make and fill its batches, and closes it", async () => {
  const calls: string[] = [];
  const filler: BatchFiller = {
    ahead: 1,
    allocate: (count) => allocateImages(count, shape, { shared: true }),
    fill(indices, epoch, { images }) {
      calls.push(`${epoch}: ${indices}, ${images.buffer instanceof SharedArrayBuffer}`);
      return Promise.resolve();
    },
    close: () => void calls.push("closed"),
  };
  const dataset: Dataset = { count: 4, labels: memory.labels, read: () => memory.read(0), createFiller: () => filler };
  const loader = new BatchLoader({ dataset, shape, normalisation, batch: 2, epochs: 1 });
  await loader.fetch(0, 0);
  await loader.close();
  assertEquals(calls, ["0: 0,1, true", "0: 2,3, true", "closed"]);
});
