/** Ranks in one process that train together on WebGPU. */

import { assertEquals } from "@std/assert";
import { gpuTest } from "./_gpu.ts";
import { trainOne, trainTogether } from "./_together.ts";
import { SMALL, smallBatch } from "./_training.ts";

gpuTest("Trainer: two ranks with the same batch give the bits of one alone on WebGPU", async (backend) => {
  const half = smallBatch(SMALL, 6), options = { model: SMALL, seed: 2 };
  const expected = await trainOne({ ...options, backend, batch: 6 }, [half], 3, 0.05);
  const both = {
    images: Float32Array.of(...half.images, ...half.images),
    labels: Uint32Array.of(...half.labels, ...half.labels),
  };
  for (const bucketBytes of [undefined, 40_000]) {
    const ranks = await trainTogether([backend, backend], { ...options, bucketBytes, batch: 12 }, [both], 3, 0.05);
    for (const rank of ranks) assertEquals(rank, expected);
  }
});
