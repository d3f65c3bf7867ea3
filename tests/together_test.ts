/** Ranks in one process that train together on the CPU backend. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Collective, compile, CpuBackend, f32, Graph, localCollectives, UsageError } from "../core/mod.ts";
import { add, allReduce, relu } from "../ops/mod.ts";
import { Trainer } from "../train/mod.ts";
import { meanLosses, type RankResult, shareOf, trainOne, trainTogether } from "./_together.ts";
import { SMALL, smallBatch } from "./_training.ts";

/** Two ranks have the same variables, but for the statistics that each keeps of its own batches. */
function assertSameWeights(ranks: readonly RankResult[]): void {
  for (const [name, tensor] of ranks[0].tensors) {
    if (name.includes("running_")) continue;
    for (const other of ranks.slice(1)) assertEquals(other.tensors.get(name), tensor, name);
  }
}

Deno.test("Trainer: two ranks with the same batch give the bits of one alone", async () => {
  using backend = new CpuBackend();
  const half = smallBatch(SMALL, 6), options = { model: SMALL, seed: 2 };
  const alone = await trainOne({ ...options, backend, batch: 6 }, [half], 4, 0.05);
  // The halves and their sum are exact.
  const both = {
    images: Float32Array.of(...half.images, ...half.images),
    labels: Uint32Array.of(...half.labels, ...half.labels),
  };
  for (const extra of [{}, { clipNorm: 0.5, ema: 0.9 }, { accumulate: 3 }]) {
    const expected = Object.keys(extra).length === 0
      ? alone
      : await trainOne({ ...options, ...extra, backend, batch: 6 }, [half], 4, 0.05);
    for (const rank of await trainTogether([backend, backend], { ...options, ...extra, batch: 12 }, [both], 4, 0.05)) {
      assertEquals(rank, expected);
    }
  }
  assertEquals(backend.liveBytes, backend.liveBytes);
});

Deno.test("Trainer: buckets of any size give the same bits, and all ranks the same weights", async () => {
  using backend = new CpuBackend();
  const batch = smallBatch(SMALL, 12), results: RankResult[] = [];
  const lengths = new Map<number | undefined, number[]>();
  for (const bucketBytes of [undefined, 1, 50_000, 1e9]) {
    const sums: number[] = [];
    lengths.set(bucketBytes, sums);
    const ranks = await trainTogether(
      [backend, backend, backend],
      { model: SMALL, batch: 12, seed: 2, bucketBytes },
      [batch],
      3,
      0.05,
      (collective) => ({
        rank: collective.rank,
        size: collective.size,
        sum: (values) => {
          if (collective.rank === 0) sums.push(values.length);
          return collective.sum(values);
        },
      }),
    );
    assertSameWeights(ranks);
    results.push(ranks[0]);
  }
  for (const result of results.slice(1)) assertEquals(result, results[0]);
  const parameters = [...results[0].tensors.keys()].filter((name) => name.startsWith("optimizer.momentum.")).length;
  assertEquals(lengths.get(undefined)!.length, 3);
  assertEquals(lengths.get(1)!.length, 3 * parameters);
  const some = lengths.get(50_000)!.length / 3;
  assert(some > 1 && some < parameters, `${some} buckets`);
  assertEquals(lengths.get(1e9)!.length, 3);
});
