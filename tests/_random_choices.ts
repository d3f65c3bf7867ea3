/** Choices of kernels at random: whichever a tuner makes, a program must compute the same. */

import { type Plan, Random, type TunedChoice, type WebGpuBackend } from "../core/mod.ts";

/** A choice for all that there is to choose in a program. */
export function randomChoices({ tuner }: WebGpuBackend, plan: Plan, seed: number): Map<string, TunedChoice> {
  const random = new Random(seed, "choices");
  return new Map(
    [...tuner.candidates(plan)].map(([key, { variants, kernels }]) =>
      [key, { variant: variants[random.integer(variants.length)], kernels }] as const
    ),
  );
}
