/** Schedules whose rate follows from the step alone. */

import { UsageError } from "../../core/mod.ts";
import type { Schedule } from "./schedule.ts";

function stateless(rate: (step: number) => number): Schedule {
  return { rate, state: () => [], restore() {} };
}

function expectSteps(schedule: string, steps: number): void {
  if (Number.isInteger(steps) && steps > 0) return;
  throw new UsageError(`${schedule}: expected steps to be a whole number of at least 1 but it is ${steps}`);
}

/**
 * The same rate always.
 *
 * @example
 * ```ts
 * import { constantSchedule } from "@residua/residua";
 * const schedule = constantSchedule(0.1);
 * console.log(schedule.rate(0), schedule.rate(1000)); // 0.1 0.1
 * ```
 */
export function constantSchedule(rate: number): Schedule {
  return stateless(() => rate);
}

/**
 * Multiplies the rate at milestones, as `torch.optim.lr_scheduler.MultiStepLR`.
 *
 * @param milestones The first steps of the run, from 0, with the next lower rate.
 *
 * @example
 * ```ts
 * import { stepSchedule } from "@residua/residua";
 * const schedule = stepSchedule(0.1, 0.1, [32000, 48000]);
 * console.log(schedule.rate(31999), schedule.rate(32000).toFixed(3)); // 0.1 0.010
 * ```
 */
export function stepSchedule(rate: number, factor: number, milestones: readonly number[]): Schedule {
  return stateless((step) => rate * factor ** milestones.filter((milestone) => step >= milestone).length);
}

/**
 * Multiplies the rate after every epoch, as `torch.optim.lr_scheduler.ExponentialLR` when it is stepped once an epoch.
 *
 * @throws {UsageError} If an epoch has no steps.
 *
 * @example
 * ```ts
 * import { exponentialSchedule } from "@residua/residua";
 * const schedule = exponentialSchedule(0.1, 0.5, 100);
 * console.log(schedule.rate(99), schedule.rate(100), schedule.rate(200)); // 0.1 0.05 0.025
 * ```
 */
export function exponentialSchedule(rate: number, factor: number, stepsPerEpoch: number): Schedule {
  expectSteps("exponential", stepsPerEpoch);
  return stateless((step) => rate * factor ** Math.floor(step / stepsPerEpoch));
}

/**
 * Half a cosine from the rate to the minimum (Loshchilov and Hutter 2017), as `CosineAnnealingLR(T_max=steps)`.
 *
 * @throws {UsageError} If there are no steps.
 *
 * @example
 * ```ts
 * import { cosineSchedule } from "@residua/residua";
 * const schedule = cosineSchedule(0.1, 100);
 * console.log(schedule.rate(0), schedule.rate(50).toFixed(3), schedule.rate(100)); // 0.1 0.050 0
 * ```
 */
export function cosineSchedule(rate: number, steps: number, minimum = 0): Schedule {
  expectSteps("cosine", steps);
  return stateless((step) => minimum + (rate - minimum) * (1 + Math.cos(Math.PI * step / steps)) / 2);
}

/** The share of the steps in which `onecycle` rises, what it starts from, and what it ends at, as PyTorch's defaults. */
const RISE = 0.3, START_DIVISOR = 25, END_DIVISOR = 1e4;

/**
 * Rises to the highest rate and falls to next to nothing, both along half a cosine (Smith and Topin 2018), as
 * `torch.optim.lr_scheduler.OneCycleLR` without its cycle of the momentum.
 *
 * @throws {UsageError} If there are no steps.
 *
 * @example
 * ```ts
 * import { oneCycleSchedule } from "@residua/residua";
 * const schedule = oneCycleSchedule(0.1, 100);
 * console.log(schedule.rate(0), schedule.rate(29), schedule.rate(99) < 1e-6); // 0.004 0.1 true
 * ```
 */
export function oneCycleSchedule(highest: number, steps: number): Schedule {
  expectSteps("onecycle", steps);
  const first = highest / START_DIVISOR, last = first / END_DIVISOR, top = RISE * steps - 1;
  const anneal = (from: number, to: number, share: number) => to + (from - to) / 2 * (1 + Math.cos(Math.PI * share));
  return stateless((step) =>
    step <= top
      ? anneal(first, highest, step / top)
      : anneal(highest, last, Math.min(1, (step - top) / (steps - 1 - top)))
  );
}
