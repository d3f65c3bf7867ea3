/** Choices of kernels at random: whichever a tuner makes, a program must compute the same. */

import { type Plan, Random, type TunedChoice, type WebGpuBackend } from "../core/mod.ts";

/** The first shape of each op in a program, by the key of what there is to choose. */
function firstOfEachOp({ tuner }: WebGpuBackend, plan: Plan): string[] {
  const keys = new Map<string, string>();
  for (const [key, { node: { op } }] of tuner.candidates(plan)) if (!keys.has(op.name)) keys.set(op.name, key);
  return [...keys.values()];
}

/**
 * Choices for all that there is to choose in a program: at random for one shape of each op, and else what runs anyhow, which a
 * software adapter has compiled for other tests.
 */
export function fewRandomChoices(backend: WebGpuBackend, plan: Plan, seed: number): Map<string, TunedChoice> {
  const choices = randomChoices(backend, plan, seed), few = new Set(firstOfEachOp(backend, plan));
  for (const [key, { node, variants, kernels }] of backend.tuner.candidates(plan)) {
    if (!few.has(key)) choices.set(key, { variant: variants[backend.policy.explain(node).index], kernels });
  }
  return choices;
}

/** A choice for all that there is to choose in a program. */
export function randomChoices({ tuner }: WebGpuBackend, plan: Plan, seed: number): Map<string, TunedChoice> {
  const random = new Random(seed, "choices");
  return new Map(
    [...tuner.candidates(plan)].map(([key, { variants, kernels }]) =>
      [key, { variant: variants[random.integer(variants.length)], kernels }] as const
    ),
  );
}
