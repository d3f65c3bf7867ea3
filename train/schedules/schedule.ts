/** Learning-rate schedules: what one is, and how the named ones are made. */

import { UsageError } from "../../core/mod.ts";
import { type PlateauOptions, plateauSchedule } from "./plateau.ts";
import {
  constantSchedule,
  cosineSchedule,
  exponentialSchedule,
  oneCycleSchedule,
  stepSchedule,
} from "./step_schedules.ts";
import { linearWarmUp, warmUpUntil } from "./warm_up.ts";

/** A learning rate for each step of a run. */
export interface Schedule {
  /** The rate of a step of the whole run, from 0. */
  rate(step: number): number;
  /** Hears of the validation at the end of an epoch. */
  observe?(validation: { readonly loss: number; readonly error: number }): void;
  /** Whether it must hear of each step before it gives the next rate; the device then has one step at a time. */
  readonly listens?: boolean;
  /** Hears of each training step: the share of its images that were wrong. */
  hear?(training: { readonly error: number }): void;
  /** What a resumed run must know. */
  state(): readonly number[];
  /** Takes up a state. */
  restore(state: readonly number[]): void;
}

/** The names of the schedules. */
export const SCHEDULES = ["step", "plateau", "cosine", "onecycle", "exponential", "constant"] as const;

/** The name of a schedule. */
export type ScheduleName = (typeof SCHEDULES)[number];

/** The options of {@link createSchedule}. */
export interface ScheduleOptions extends PlateauOptions {
  /**
   * `step` multiplies by the factor at milestones, `plateau` when validation stops improving, `exponential` after every
   * epoch; `cosine` falls to the minimum; `onecycle` rises to the rate and falls to next to nothing.
   */
  readonly schedule: ScheduleName;
  /** The first rate, or the highest one of `onecycle`. */
  readonly rate: number;
  /** The number of epochs. */
  readonly epochs: number;
  /** The steps of an epoch. Defaults to 1. */
  readonly stepsPerEpoch?: number;
  /** The steps of the whole run. Defaults to all of its epochs. */
  readonly steps?: number;
  /** What the rate is multiplied by. Defaults to 0.1. */
  readonly factor?: number;
  /** The rate below which `plateau` and `cosine` do not go. Defaults to 0. */
  readonly minimum?: number;
  /**
   * Where `step` acts. Up to 1: fractions of the epochs, rounded down to whole epochs, never before the second. Above 1:
   * steps of the run. Defaults to 0.5 and 0.75.
   */
  readonly milestones?: readonly number[];
  /** Steps in which the rate rises linearly to that of the schedule. Defaults to 0. */
  readonly warmupSteps?: number;
  /** Trains at `warmupRate` until the training error is below this share (He et al. 2015, section 4.2: 0.8). */
  readonly warmupError?: number;
  /** The rate until the training error is below `warmupError`. Defaults to a tenth of the first rate. */
  readonly warmupRate?: number;
}

/**
 * Makes a schedule.
 *
 * @throws {UsageError} If there is none of that name, or a value is out of its range.
 *
 * @example
 * ```ts
 * import { createSchedule } from "@residua/residua/train";
 * const schedule = createSchedule({ schedule: "step", rate: 0.1, epochs: 10 });
 * console.log(schedule.rate(0), schedule.rate(5).toFixed(3)); // 0.1 0.010
 * ```
 */
export function createSchedule(options: ScheduleOptions): Schedule {
  const { rate, warmupSteps = 0, warmupError, warmupRate = rate / 10 } = options;
  let schedule = mainSchedule(options);
  if (warmupSteps > 0) schedule = linearWarmUp(schedule, warmupSteps);
  if (warmupError !== undefined) schedule = warmUpUntil(schedule, warmupError, warmupRate);
  return schedule;
}

function mainSchedule(options: ScheduleOptions): Schedule {
  const { schedule, rate, epochs, stepsPerEpoch = 1, factor = 0.1, milestones = [0.5, 0.75], minimum = 0 } = options;
  const steps = options.steps ?? epochs * stepsPerEpoch;
  switch (schedule) {
    case "constant":
      return constantSchedule(rate);
    case "cosine":
      return cosineSchedule(rate, steps, minimum);
    case "onecycle":
      return oneCycleSchedule(rate, steps);
    case "exponential":
      return exponentialSchedule(rate, factor, stepsPerEpoch);
    case "step":
      return stepSchedule(rate, factor, milestones.map((milestone) => milestoneStep(milestone, epochs, stepsPerEpoch)));
    case "plateau":
      return plateauSchedule({ ...options, factor });
    default:
      throw new UsageError(`There is no schedule named "${schedule}"; there are ${SCHEDULES.join(", ")}`);
  }
}

function milestoneStep(milestone: number, epochs: number, stepsPerEpoch: number): number {
  if (milestone <= 1) return stepsPerEpoch * Math.max(1, Math.floor(milestone * epochs));
  if (Number.isInteger(milestone)) return milestone;
  throw new UsageError(
    `milestones: expected a fraction of the epochs up to 1, or a whole number of steps, but ${milestone} came`,
  );
}
