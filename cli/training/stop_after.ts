/** The option --stop-after: a run stops after some of its epochs, as by an interruption. */

import type { Callback, EpochEvent } from "../../train/mod.ts";

/** Hears of a run's epochs, and stops it. */
export class StopAfter implements Callback {
  readonly #wanted: number;
  readonly #controller = new AbortController();

  /**
   * @param wanted After how many epochs of the whole run.
   * @param epochs The epochs of the whole run, which ends after the last of them without being stopped.
   */
  constructor(wanted: number | undefined, epochs: number) {
    this.#wanted = wanted === undefined || wanted >= epochs ? Infinity : wanted;
  }

  /** Aborted when the run is to stop. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Counts an epoch. */
  onEpoch({ epoch }: EpochEvent): void {
    if (epoch + 1 >= this.#wanted) this.#controller.abort();
  }
}
