/** What becomes of a run that diverges where no later step's loss could tell: on any backend, an error, and no file of it. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type Backend, NumericError } from "../core/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { fit, type FitOptions, RunFolder, type Schedule } from "../train/mod.ts";
import type { NamedTensor } from "../weights/mod.ts";
import { MemoryStore, randomSet } from "./_runs.ts";

const set = randomSet(26);

/** Two epochs of four steps. */
export const RUN = {
  model: cifarResNet({ depth: 8, classes: 3, inputShape: set.shape }),
  set,
  epochs: 2,
  batch: 6,
} as const;

/** A schedule whose rate ruins the weights in one step, from 1. */
export function ruinousSchedule(step: number): Schedule {
  return { rate: (k) => k === step - 1 ? Infinity : 0.01, state: () => [], restore: () => {} };
}

/** Trains, expects divergence, and gives the error's message and what the folder holds. */
export async function diverge(options: Omit<FitOptions, "model" | "set" | "epochs" | "batch">) {
  const folder = new RunFolder(new MemoryStore());
  const { message } = await assertRejects(() => fit({ ...RUN, ...options, folder }), NumericError);
  const last = await folder.load("last"), best = await folder.load("best");
  for (const { tensors } of [last, best].filter((file) => file !== undefined)) assert(areFinite(tensors));
  return { message, last, best, metrics: await folder.readMetrics() };
}

function areFinite(tensors: ReadonlyMap<string, NamedTensor>): boolean {
  return [...tensors.values()].every(({ data }) => data.every((value) => Number.isFinite(value)));
}

/** Runs that diverge in the last step, before a checkpoint, and where only a running statistic shows it. */
export async function checkDivergence(backend: Backend): Promise<void> {
  const epochs: number[] = [], onEpoch = ({ epoch }: { readonly epoch: number }) => void epochs.push(epoch);
  const end = await diverge({ backend, schedule: ruinousSchedule(8), onEpoch });
  assertMatch(
    end.message,
    /^The validation loss became \S+ at step 8, in epoch 2, with a learning rate of Infinity; start again with a lower `rate`$/,
  );
  assertEquals([epochs, end.last?.info?.progress?.epochs, end.best !== undefined], [[0], 1, true]);
  assertEquals(end.metrics.filter(({ kind }) => kind === "step").length, 8);
  assertEquals(end.metrics.filter(({ kind }) => kind === "epoch").length, 1);

  const saving = await diverge({ backend, schedule: ruinousSchedule(6), checkpoints: { steps: 6 } });
  assertMatch(saving.message, /^The tensor \S+ became \S+ at step 6, in epoch 2, with a learning rate of Infinity; /);
  assertEquals(saving.last?.info?.progress?.steps, 4);

  // Training takes the statistics of the batch, and a variance without bounds makes zeros of a channel in validation.
  const { tensors } = await fit({ ...RUN, backend, epochs: 1, rate: 0.01 });
  tensors.get("bn1.running_var")!.data[0] = Infinity;
  const hidden = await diverge({ backend, rate: 0.01, initial: { tensors, source: "the test" } });
  assertMatch(hidden.message, /^The tensor bn1.running_var became Infinity at step 4, in epoch 1, /);
  assertEquals([hidden.best, hidden.last], [undefined, undefined]);
}
