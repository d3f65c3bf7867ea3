/** The share of a training set that is validated on where nothing else is given for it. */

import { Random, UsageError } from "../../core/mod.ts";

/** The accuracy on fewer images is known to no more than a few percent. */
const ENOUGH_TO_VALIDATE = 100, LEAST_SHARE = 0.1, MOST_SHARE = 0.2;

function usualShare(classes: ReadonlyMap<string, readonly string[]>): number {
  const count = [...classes.values()].reduce((sum, { length }) => sum + length, 0);
  return Math.min(MOST_SHARE, Math.max(LEAST_SHARE, ENOUGH_TO_VALIDATE / count));
}

/**
 * Draws a share of each class, rounded, but at least one image and not all; a class of one image keeps it.
 *
 * @param classes The paths of the images of each class.
 * @param fraction The share. Defaults to as much as gives a hundred images, from 0.1 to 0.2.
 * @param seed The seed by which they are drawn.
 * @returns What is trained on and what is validated on, in the order of the paths.
 */
export function holdOut(
  classes: ReadonlyMap<string, readonly string[]>,
  fraction: number | undefined,
  seed: number,
): [train: Map<string, string[]>, validation: Map<string, string[]>] {
  const share = fraction ?? usualShare(classes);
  const train = new Map<string, string[]>(), validation = new Map<string, string[]>();
  for (const [name, paths] of classes) {
    const wanted = Math.min(paths.length - 1, Math.max(1, Math.round(share * paths.length)));
    const chosen = new Set(new Random(seed, `split ${name}`).permutation(paths.length).subarray(0, wanted));
    train.set(name, paths.filter((_, i) => !chosen.has(i)));
    validation.set(name, paths.filter((_, i) => chosen.has(i)));
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
