/**
 * What the live view of training costs: the rate of short runs with it and without it, in turn, and the share of their time that
 * is spent in it. It is drawn on the terminal that this is started on.
 *
 *     deno run -A --config deno.offline.json bench/live_view.ts [ROUNDS]
 */

import { openBackend } from "../core/mod.ts";
import { shapesSet } from "../data/mod.ts";
import { LiveView, standardError } from "../cli/live/view.ts";
import { modelByName } from "../models/mod.ts";
import { type Callback, fit } from "../train/mod.ts";

const set = shapesSet({ trainCount: 1280, validationCount: 0 }), model = modelByName("resnet20");
const BATCH = 32, STEPS = set.train.count / BATCH;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The milliseconds in which something goes on. */
class Spent {
  milliseconds = 0;
  #depth = 0;

  /** Does something, and counts its time; what goes on within it is counted once. */
  during<T>(work: () => T): T {
    const began = performance.now();
    this.#depth++;
    try {
      return work();
    } finally {
      if (--this.#depth === 0) this.milliseconds += performance.now() - began;
    }
  }
}

/** The seconds of a run's steps, without its start, and what of them the view took. */
async function run(withView: boolean): Promise<{ readonly seconds: number; readonly spent: number }> {
  const spent = new Spent(), terminal = standardError();
  // Drawings by its timer are told by what they write; making lines takes less than that.
  const view = new LiveView({ ...terminal, write: (text) => spent.during(() => terminal.write(text)) });
  using _ = view;
  view.describe({
    title: `${model.name} on ${set.name}`,
    work: "CPU",
    epochs: 1,
    stepsPerEpoch: STEPS,
    lines: [],
    hearsKey: false,
    signal: new AbortController().signal,
  });
  let began = 0, ended = 0;
  const times: Callback = {
    onStep: ({ step }) => {
      if (step === 1) began = performance.now();
      ended = performance.now();
    },
  };
  const shown: Callback = {
    onStart: (event) => spent.during(() => view.onStart(event)),
    onStep: (event) => spent.during(() => view.onStep(event)),
  };
  await fit({ model, backend, set, epochs: 1, batch: BATCH, callbacks: withView ? [shown, times] : [times] });
  return { seconds: (ended - began) / 1000, spent: spent.milliseconds / 1000 };
}

const rounds = Number(Deno.args[0] ?? 9), ratios: number[] = [], shares: number[] = [];
using backend = await openBackend("cpu");
await run(false);
for (let round = 0; round < rounds; round++) {
  const first = await run(round % 2 === 0), second = await run(round % 2 !== 0);
  const [shown, without] = round % 2 === 0 ? [first, second] : [second, first];
  ratios.push(without.seconds / shown.seconds - 1);
  shares.push(shown.spent / shown.seconds);
}
const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
console.log(`the rate with the view: ${percent(median(ratios))} (median of ${rounds} pairs of ${STEPS} steps)`);
console.log(`the time spent in it: ${percent(median(shares))}, at most ${percent(Math.max(...shares))}`);
