/** Warm-up: what goes before another schedule. */

import { UsageError } from "../../core/mod.ts";
import type { Schedule } from "./schedule.ts";

/**
 * Rises linearly to the rate of a schedule: step k of the first `steps` gets (k + 1) / steps of it (Goyal et al. 2017,
 * section 2.2).
 *
 * @throws {UsageError} If the steps are no positive whole number.
 *
 * @example
 * ```ts
 * import { constantSchedule, linearWarmUp } from "@residua/residua";
 * console.log(linearWarmUp(constantSchedule(1), 4).rate(0)); // 0.25
 * ```
 */
export function linearWarmUp(schedule: Schedule, steps: number): Schedule {
  if (!Number.isInteger(steps) || steps < 1) {
    throw new UsageError(`warm-up: expected a whole number of steps of at least 1 but it is ${steps}`);
  }
  return {
    rate: (step) => schedule.rate(step) * Math.min(1, (step + 1) / steps),
    observe: (validation) => schedule.observe?.(validation),
    get listens() {
      return schedule.listens;
    },
    hear: (training) => schedule.hear?.(training),
    state: () => schedule.state(),
    restore: (state) => schedule.restore(state),
  };
}

/** The steps over which the training error is taken: one batch says too little. */
const WINDOW = 50;

/**
 * Trains at a low rate until the training error is below a share, then by the schedule, whose steps count from the start of
 * the run all the same. ResNet-110 needs it: 0.01 until the error is under 80 %, then 0.1 (He et al. 2015, section 4.2). The
 * error is the mean over 50 steps.
 *
 * @param error The share of wrong answers.
 * @param rate The rate until then.
 * @throws {UsageError} If the share is not between 0 and 1.
 */
export function warmUpUntil(schedule: Schedule, error: number, rate: number): Schedule {
  if (!(error > 0 && error < 1)) {
    throw new UsageError(`warm-up: expected an error between 0 and 1 to train down to but it is ${error}`);
  }
  let done = false, sum = 0, count = 0;
  return {
    rate: (step) => done ? schedule.rate(step) : rate,
    observe: (validation) => schedule.observe?.(validation),
    get listens() {
      return !done || schedule.listens;
    },
    hear(training) {
      schedule.hear?.(training);
      if (done) return;
      sum += training.error;
      if (++count < WINDOW) return;
      done = sum / count < error;
      sum = count = 0;
    },
    state: () => [Number(done), sum, count, ...schedule.state()],
    restore([over, errors, steps, ...state]) {
      done = over === 1;
      sum = errors;
      count = steps;
      schedule.restore(state);
    },
  };
}
