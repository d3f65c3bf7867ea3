/** The share of a training set that is validated on where nothing else is given for it. */

import { Random, UsageError } from "../../core/mod.ts";

/** The accuracy on fewer images is known to no more than a few percent. */
const ENOUGH_TO_VALIDATE = 100, LEAST_SHARE = 0.1, MOST_SHARE = 0.2;

function usualShare(classes: ReadonlyMap<string, readonly unknown[]>): number {
  const count = [...classes.values()].reduce((sum, { length }) => sum + length, 0);
  return Math.min(MOST_SHARE, Math.max(LEAST_SHARE, ENOUGH_TO_VALIDATE / count));
}

/**
 * Draws a share of each class, rounded, but at least one image and not all; a class of one image keeps it.
 *
 * @param classes The images of each class, such as their paths.
 * @param fraction The share. Defaults to as much as gives a hundred images, from 0.1 to 0.2.
 * @param seed The seed by which they are drawn.
 * @returns What is trained on and what is validated on, in the order of the images.
 */
export function holdOut<T>(
  classes: ReadonlyMap<string, readonly T[]>,
  fraction: number | undefined,
  seed: number,
): [train: Map<string, T[]>, validation: Map<string, T[]>] {
  const share = fraction ?? usualShare(classes);
  const train = new Map<string, T[]>(), validation = new Map<string, T[]>();
  for (const [name, images] of classes) {
    const wanted = Math.min(images.length - 1, Math.max(1, Math.round(share * images.length)));
    const chosen = new Set(new Random(seed, `split ${name}`).permutation(images.length).subarray(0, wanted));
    train.set(name, images.filter((_, i) => !chosen.has(i)));
    validation.set(name, images.filter((_, i) => chosen.has(i)));
  }
  return [train, validation];
}

/**
 * Checks a share that is to be held out.
 *
 * @param source What it is a share of, for the message.
 * @throws {UsageError} If it is not between 0 and 1.
 */
export function expectFraction(fraction: number | undefined, source: string): void {
  if (fraction === undefined || (fraction > 0 && fraction < 1)) return;
  throw new UsageError(`${source}: expected a validation fraction between 0 and 1 but it is ${fraction}`);
}
