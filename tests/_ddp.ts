/** Holds two ranks to PyTorch's `DistributedDataParallel` over gloo (`tools/golden_ddp.py`). */

import { assert, assertEquals } from "@std/assert";
import { type Backend, localCollectives } from "../core/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { Trainer } from "../train/mod.ts";
import golden from "./golden/ddp.json" with { type: "json" };
import { fill, imagesOf } from "./_models_golden.ts";
import { shareOf } from "./_together.ts";

const MODEL = cifarResNet({ depth: 8, inputShape: [3, golden.size, golden.size] });

/** The variables of each rank in the end, of those that are small. */
const AFTER = golden.after as unknown as readonly Readonly<Record<string, readonly number[]>>[];

/** The batch of a step, of both ranks. */
function batchOf(step: number): { images: Float32Array; labels: Uint32Array } {
  const { batch, batches, size } = golden, index = step % batches;
  return {
    images: imagesOf({ name: `batch ${index}`, images: batch, size }),
    labels: Uint32Array.from({ length: batch }, (_, i) => (7 * i + index) % 10),
  };
}

/** How many times as far from PyTorch's float64 as its float32 is: roundings of other kernels differ. */
const TIMES = 2;

/**
 * Trains two ranks as PyTorch did: each rank's losses and parameters, and the first one's running statistics, are as far from
 * those of PyTorch in float64 as PyTorch in float32 is.
 */
export async function checkDdp(backend: Backend): Promise<void> {
  const ranks = localCollectives(golden.losses.length), measured = { losses: 0, distance: 0, name: "" };
  await Promise.all(ranks.map(async (collective, rank) => {
    const trainer = await Trainer.create({ model: MODEL, backend, batch: golden.batch / ranks.length, collective });
    try {
      const start = [...trainer.variables.storages].filter(([name]) => !name.startsWith("optimizer."));
      for (const [name, storage] of start) storage.write(fill(name, storage.spec.shape));
      for (let step = 0; step < golden.losses[rank].length; step++) {
        await trainer.step(shareOf(batchOf(step), rank, ranks.length), golden.rate);
      }
      const results = await trainer.results();
      assertEquals(results.length, golden.losses[rank].length);
      results.forEach(({ loss }, step) => {
        const expected = golden.losses[rank][step];
        measured.losses = Math.max(measured.losses, Math.abs(loss - expected) / expected);
      });
      for (const [name, expected] of Object.entries(AFTER[rank])) {
        const actual = await trainer.variables.storages.get(name)!.read();
        const largest = Math.max(...expected.map(Math.abs));
        assertEquals(actual.length, expected.length, name);
        expected.forEach((value, i) => {
          const distance = Math.abs(actual[i] - value) / largest;
          if (!(distance <= measured.distance)) Object.assign(measured, { distance, name });
        });
      }
    } finally {
      trainer.destroy();
    }
  }));
  const { losses, distance, name } = measured, { lossDistance, distance: variableDistance } = golden;
  assert(
    losses <= TIMES * lossDistance && distance <= TIMES * variableDistance,
    `losses are ${losses} from PyTorch's and ${name} ${distance}, whose float32 are ${lossDistance} and ${variableDistance}`,
  );
}
