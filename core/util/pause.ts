/** Pauses that let timers, signals and other listeners run, since a run on the CPU backend never waits by itself. */

/** Milliseconds of work between two pauses. */
const INTERVAL = 200;

/** Pauses at intervals. */
export class Pauses {
  #last = performance.now();

  /** Pauses if the last pause was at least 200 ms ago. */
  async take(): Promise<void> {
    if (performance.now() - this.#last < INTERVAL) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#last = performance.now();
  }
}
