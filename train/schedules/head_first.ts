/** The schedule of a run whose first epochs train the head alone. */

import type { Schedule } from "./schedule.ts";

/** The epochs in which the head alone is trained. */
export interface HeadEpochs {
  /** Their number. */
  readonly epochs: number;
  /** The steps of an epoch. */
  readonly stepsPerEpoch: number;
  /** The learning rate in them. */
  readonly rate: number;
}

/**
 * Gives the head's epochs one rate, and begins another schedule after them, which counts its steps and epochs from there.
 *
 * @example
 * ```ts
 * import { constantSchedule } from "@residua/residua";
 * import { headFirst } from "@residua/residua/train";
 * const schedule = headFirst(constantSchedule(0.1), { epochs: 2, stepsPerEpoch: 5, rate: 0.01 });
 * console.log(schedule.rate(9), schedule.rate(10)); // 0.01 0.1
 * ```
 */
export function headFirst(schedule: Schedule, { epochs, stepsPerEpoch, rate }: HeadEpochs): Schedule {
  const steps = epochs * stepsPerEpoch;
  let validated = 0;
  return {
    rate: (step) => step < steps ? rate : schedule.rate(step - steps),
    observe(validation) {
      if (validated < epochs) validated++;
      else schedule.observe?.(validation);
    },
    get listens() {
      return validated >= epochs && schedule.listens;
    },
    hear(training) {
      if (validated >= epochs) schedule.hear?.(training);
    },
    state: () => [validated, ...schedule.state()],
    restore([done, ...state]) {
      validated = done;
      schedule.restore(state);
    },
  };
}
