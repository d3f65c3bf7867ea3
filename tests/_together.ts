/** Ranks that train together in one process. */

import { type Backend, type Collective, localCollectives } from "../core/mod.ts";
import { type StepResult, Trainer, type TrainerOptions } from "../train/mod.ts";

/** A batch as uploaded inputs take it. */
export interface UploadedBatch {
  readonly images: Float32Array;
  readonly labels: Uint32Array;
}

/** What a rank, or one alone, came to. */
export interface RankResult {
  readonly results: StepResult[];
  readonly tensors: Map<string, Float32Array>;
}

/** The share of a batch that a rank takes: adjacent images. */
export function shareOf({ images, labels }: UploadedBatch, rank: number, ranks: number): UploadedBatch {
  const part = <T extends Float32Array | Uint32Array>(all: T) => {
    const length = all.length / ranks;
    return all.slice(rank * length, (rank + 1) * length) as T;
  };
  return { images: part(images), labels: part(labels) };
}

/** Trains on the same batches in turn, step by step, and reads all variables. */
export async function trainOne(
  options: TrainerOptions,
  batches: readonly UploadedBatch[],
  steps: number,
  rate: number,
): Promise<RankResult> {
  const trainer = await Trainer.create(options);
  try {
    for (let step = 0; step < steps; step++) await trainer.step(batches[step % batches.length], rate);
    const results = await trainer.results(), tensors = new Map<string, Float32Array>();
    for (const [name, storage] of trainer.variables.storages) tensors.set(name, await storage.read() as Float32Array);
    return { results, tensors };
  } finally {
    trainer.destroy();
  }
}

/** Trains ranks together, each on its share of the batches, on a backend each or one for all. */
export async function trainTogether(
  backends: readonly Backend[],
  options: Omit<TrainerOptions, "backend" | "collective">,
  batches: readonly UploadedBatch[],
  steps: number,
  rate: number,
  wrap: (collective: Collective) => Collective = (collective) => collective,
): Promise<RankResult[]> {
  const ranks = backends.length;
  return await Promise.all(
    localCollectives(ranks).map((collective, rank) => {
      const shares = batches.map((batch) => shareOf(batch, rank, ranks));
      const together = {
        ...options,
        backend: backends[rank],
        batch: options.batch / ranks,
        collective: wrap(collective),
      };
      return trainOne(together, shares, steps, rate);
    }),
  );
}

/** The mean loss of all ranks at each step. */
export function meanLosses(ranks: readonly RankResult[]): number[] {
  return ranks[0].results.map((_, step) =>
    ranks.reduce((sum, { results }) => sum + results[step].loss, 0) / ranks.length
  );
}
