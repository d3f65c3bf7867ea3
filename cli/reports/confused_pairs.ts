/** Which classes a network takes for each other, by what it said of each image. */

import type { ValidationAnswers } from "../../train/mod.ts";

/** A class that was taken for another. */
export interface ConfusedPair {
  /** The class of the images, from 0. */
  readonly label: number;
  /** What they were taken for. */
  readonly predicted: number;
  /** How many they are. */
  readonly images: number;
  /** How many of its class were asked about. */
  readonly of: number;
}

/**
 * The pairs of classes that were confused, those of the most images first.
 *
 * @param answers What the network said.
 * @param most How many pairs at most.
 */
export function confusedPairs({ classes, images }: ValidationAnswers, most: number): ConfusedPair[] {
  const counts = new Map<number, number>(), totals = new Map<number, number>();
  const add = (map: Map<number, number>, key: number) => map.set(key, (map.get(key) ?? 0) + 1);
  for (const { label, predicted } of images) {
    add(totals, label);
    if (label !== predicted) add(counts, label * classes.length + predicted);
  }
  return [...counts].sort(([a, one], [b, other]) => other - one || a - b).slice(0, most).map(([key, count]) => {
    const label = Math.floor(key / classes.length);
    return { label, predicted: key % classes.length, images: count, of: totals.get(label)! };
  });
}
