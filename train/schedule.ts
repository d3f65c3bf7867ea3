/** Learning-rate schedules: how the rate of each epoch follows from the epochs before it. */

import { UsageError } from "../core/mod.ts";

/** A learning rate for each epoch. */
export interface Schedule {
  /** The rate of an epoch, from 0. */
  rate(epoch: number): number;
  /** Hears the validation loss at the end of an epoch. */
  observe(validationLoss: number): void;
  /** What a resumed run must know. */
  state(): readonly number[];
  /** Takes up a state. */
  restore(state: readonly number[]): void;
}

/** The names of the schedules. */
export const SCHEDULES = ["step", "plateau", "cosine", "constant"] as const;

/** The options of {@link createSchedule}. */
export interface ScheduleOptions {
  /** `step` divides at milestones, `plateau` when the validation loss stops falling, `cosine` falls to 0. */
  readonly schedule: (typeof SCHEDULES)[number];
  /** The first rate. */
  readonly rate: number;
  /** The number of epochs. */
  readonly epochs: number;
  /** What the rate is multiplied by; 0.1 unless given. */
  readonly factor?: number;
  /** Epochs without improvement before `plateau` acts; 5 unless given. */
  readonly patience?: number;
  /** Fractions of the epochs at which `step` acts, rounded down to whole epochs, never before the second; 0.5 and 0.75 unless given. */
  readonly milestones?: readonly number[];
}

function stateless(rate: (epoch: number) => number): Schedule {
  return { rate, observe() {}, state: () => [], restore() {} };
}

/**
 * Makes a schedule.
 *
 * @throws {UsageError} If there is none of that name.
 *
 * @example
 * ```ts
 * import { createSchedule } from "./mod.ts";
 * const schedule = createSchedule({ schedule: "step", rate: 0.1, epochs: 10 });
 * console.log(schedule.rate(0), schedule.rate(5).toFixed(3)); // 0.1 0.010
 * ```
 */
export function createSchedule(options: ScheduleOptions): Schedule {
  const { schedule, rate, epochs, factor = 0.1, patience = 5, milestones = [0.5, 0.75] } = options;
  switch (schedule) {
    case "constant":
      return stateless(() => rate);
    case "cosine":
      return stateless((epoch) => rate * (1 + Math.cos(Math.PI * epoch / epochs)) / 2);
    case "step": {
      const drops = milestones.map((fraction) => Math.max(1, Math.floor(fraction * epochs)));
      return stateless((epoch) => rate * factor ** drops.filter((drop) => epoch >= drop).length);
    }
    case "plateau":
      return plateau(rate, factor, patience);
    default:
      throw new UsageError(`There is no schedule named "${schedule}"; there are ${SCHEDULES.join(", ")}`);
  }
}

/** `torch.optim.lr_scheduler.ReduceLROnPlateau` with its defaults: an improvement is one of more than 0.01 %. */
function plateau(rate: number, factor: number, patience: number): Schedule {
  let current = rate, best = Infinity, bad = 0;
  return {
    rate: () => current,
    observe(loss) {
      if (loss < best * (1 - 1e-4)) {
        best = loss;
        bad = 0;
      } else if (++bad > patience) {
        current *= factor;
        bad = 0;
      }
    },
    state: () => [current, best === Infinity ? -1 : best, bad],
    restore(state) {
      current = state[0];
      best = state[1] < 0 ? Infinity : state[1];
      bad = state[2];
    },
  };
}
