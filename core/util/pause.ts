/** Pauses that let timers, signals and other listeners run, since a run on the CPU backend never waits by itself. */

/** Milliseconds of work between two pauses. */
const INTERVAL = 200;

/** Pauses at intervals. */
export class Pauses {
  readonly #interval: number;
  #last = performance.now();

  /**
   * Counts from now.
   *
   * @param interval Milliseconds between pauses. Defaults to 200.
   */
  constructor(interval: number = INTERVAL) {
    this.#interval = interval;
  }

  /** Pauses if the last pause was at least the interval ago. */
  async take(): Promise<void> {
    if (performance.now() - this.#last < this.#interval) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#last = performance.now();
  }
}
