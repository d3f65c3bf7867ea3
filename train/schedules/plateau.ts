/** A schedule that reduces the rate when validation stops improving. */

import { UsageError } from "../../core/mod.ts";
import type { Schedule } from "./schedule.ts";

/** The options of {@link plateauSchedule}. */
export interface PlateauOptions {
  /** The first rate. */
  readonly rate: number;
  /** What the rate is multiplied by. Defaults to 0.1. */
  readonly factor?: number;
  /** Epochs without improvement before `plateau` acts. Defaults to 5. */
  readonly patience?: number;
  /** The relative improvement below which an epoch counts as none for `plateau`. Defaults to 1e-4. */
  readonly threshold?: number;
  /** Epochs after a reduction in which `plateau` counts nothing. Defaults to 0. */
  readonly cooldown?: number;
  /** The rate below which it does not go. Defaults to 0. */
  readonly minimum?: number;
  /** What `plateau` watches of the validation. Defaults to its loss. */
  readonly monitor?: "loss" | "error";
}

/** A change of the rate smaller than this is not made, as in PyTorch. */
const LEAST_CHANGE = 1e-8;

/**
 * Multiplies the rate by a factor when the validation loss or error has not improved for `patience` epochs, as
 * `torch.optim.lr_scheduler.ReduceLROnPlateau` in its relative mode (He et al. 2015, section 3.4: "when the error plateaus").
 *
 * @throws {UsageError} If the factor is not between 0 and 1.
 *
 * @example
 * ```ts
 * import { plateauSchedule } from "@residua/residua";
 * const schedule = plateauSchedule({ rate: 0.1, patience: 0 });
 * for (const loss of [2, 1, 1]) schedule.observe!({ loss, error: 0.5 });
 * console.log(schedule.rate(0).toFixed(3)); // 0.010
 * ```
 */
export function plateauSchedule(options: PlateauOptions): Schedule {
  const { rate, factor = 0.1, patience = 5, threshold = 1e-4, cooldown = 0, minimum = 0, monitor = "loss" } = options;
  if (!(factor > 0 && factor < 1)) {
    throw new UsageError(`plateau: expected factor to be between 0 and 1 but it is ${factor}`);
  }
  let current = rate, best = Infinity, bad = 0, cooling = 0;
  return {
    rate: () => current,
    observe(validation) {
      const value = validation[monitor];
      if (value < best * (1 - threshold)) {
        best = value;
        bad = 0;
      } else bad++;
      if (cooling > 0) {
        cooling--;
        bad = 0;
      }
      if (bad <= patience) return;
      const reduced = Math.max(current * factor, minimum);
      if (current - reduced > LEAST_CHANGE) current = reduced;
      cooling = cooldown;
      bad = 0;
    },
    // JSON has no infinity.
    state: () => [current, best === Infinity ? -1 : best, bad, cooling],
    restore(state) {
      [current, best, bad, cooling] = state;
      if (best < 0) best = Infinity;
    },
  };
}
