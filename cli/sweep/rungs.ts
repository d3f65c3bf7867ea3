/** Successive halving (Jamieson and Talwalkar 2016): all runs train a little, the better ones more, and so on. */

import type { Halving } from "./sweep_file.ts";

/** A part of a sweep, after which some runs are given up. */
export interface Rung {
  /** The epochs that each of its runs has in the end. */
  readonly epochs: number;
  /** How many runs train in it, the best ones of the rung before. */
  readonly runs: number;
}

/**
 * The rungs of a sweep: one without halving.
 *
 * @param runs All runs.
 * @param epochs The epochs of a whole run.
 */
export function rungsOf(runs: number, epochs: number, halving?: Halving): Rung[] {
  const rungs: Rung[] = [];
  if (halving !== undefined) {
    const { keep = 0.5 } = halving;
    for (let least = halving.epochs, left = runs; least < epochs && left > 1; least = Math.ceil(least / keep)) {
      rungs.push({ epochs: least, runs: left });
      left = Math.max(1, Math.floor(left * keep));
    }
  }
  const before = rungs.at(-1), { keep = 0.5 } = halving ?? {};
  return [...rungs, { epochs, runs: before === undefined ? runs : Math.max(1, Math.floor(before.runs * keep)) }];
}

/** How a run did: of its best epoch so far. */
export interface Score {
  /** The share of validation images that were right; nothing of a run that failed. */
  readonly top1?: number;
  /** The loss of that epoch. */
  readonly loss: number;
}

/** Compares runs: the better one first; of equals, that of the lower loss. */
export function compareScores(a: Score, b: Score): number {
  return (b.top1 ?? -1) - (a.top1 ?? -1) || a.loss - b.loss;
}
