/** Ranks that train together in one process. */

import { assert } from "@std/assert";
import { type Backend, type Collective, localCollectives } from "../core/mod.ts";
import type { Model } from "../models/mod.ts";
import { type StepResult, Trainer, type TrainerOptions } from "../train/mod.ts";
import { smallBatch } from "./_training.ts";

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

/** A batch twice, of which two ranks take one each. */
export function doubled({ images, labels }: UploadedBatch): UploadedBatch {
  return { images: Float32Array.of(...images, ...images), labels: Uint32Array.of(...labels, ...labels) };
}

/** The relative tolerance of losses, and the steps after which weights are compared: later, a ReLU may have opened by rounding. */
const TOLERANCE = 1e-4, COMPARED_STEPS = 3, WEIGHT_TOLERANCE = 1e-5;

/** Ranks that take batch norm's statistics over all train as one rank does on all of their images. */
export async function checkSyncBatchNorm(
  backends: readonly Backend[],
  model: Model,
  batch: number,
  steps: number,
): Promise<void> {
  const batches = [smallBatch(model, batch)], options = { model, batch, seed: 2 }, rate = 0.01;
  const one = (steps: number) => trainOne({ ...options, backend: backends[0] }, batches, steps, rate);
  const all = (steps: number) => trainTogether(backends, { ...options, syncBatchNorm: true }, batches, steps, rate);
  const { results } = await one(steps);
  meanLosses(await all(steps)).forEach((loss, step) => {
    const expected = results[step].loss;
    assert(Math.abs(loss - expected) <= TOLERANCE * expected, `step ${step}: ${loss}, expected ${expected}`);
  });
  const { tensors } = await one(COMPARED_STEPS), ranks = await all(COMPARED_STEPS);
  for (const [name, expected] of tensors) {
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (const { tensors } of ranks) {
      const actual = tensors.get(name)!;
      const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(actual[i] - value)), 0);
      assert(worst <= WEIGHT_TOLERANCE * largest, `${name}: ${worst} of ${largest}`);
    }
  }
}
