/**
 * Which variants of an op's samples are checked where not all are: each family and configuration on some sample, and each
 * sample by some variant.
 */

import type { WebGpuVariant } from "./webgpu/tuning/family.ts";

/** What coverage counts of a variant: its family, and its configuration or the kind that this is of. */
export function coverageKey(
  { family, configuration, coverage }: Pick<WebGpuVariant, "family" | "configuration" | "coverage">,
): string {
  return `${family} ${coverage ?? JSON.stringify(configuration)}`;
}

/** A variant of a sample, as coverage sees it. */
export interface Candidate {
  /** What it covers beside its sample, as {@link coverageKey} gives it. */
  readonly key: string;
  /** What checking it costs, in any unit. */
  readonly cost: number;
}

/**
 * A small set that covers every key and every sample, by the greedy rule: the candidate that covers most comes next. The
 * cheaper of two that cover as much is taken, and the earlier of two as cheap, so that the same candidates give the same set.
 *
 * @param candidates The variants of each sample.
 * @returns The variants to check of each sample, as indices in rising order.
 */
export function coveringSet(candidates: readonly (readonly Candidate[])[]): number[][] {
  const chosen = candidates.map((): number[] => []), met = new Set<string>();
  const all = candidates.flatMap((variants, sample) =>
    variants.map((variant, index) => ({ ...variant, sample, index }))
  )
    .sort((a, b) => a.cost - b.cost || a.sample - b.sample || a.index - b.index);
  const take = (covers: (isNewKey: boolean, isNewSample: boolean) => boolean) => {
    for (const { key, sample, index } of all) {
      if (!covers(!met.has(key), chosen[sample].length === 0)) continue;
      met.add(key);
      chosen[sample].push(index);
    }
  };
  // A candidate covers two things at most, so that greed is two rounds: those that cover both, then either.
  take((isNewKey, isNewSample) => isNewKey && isNewSample);
  take((isNewKey, isNewSample) => isNewKey || isNewSample);
  return chosen.map((indices) => indices.sort((a, b) => a - b));
}
