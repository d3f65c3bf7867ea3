/** Lets timers, signals and other listeners have their turn: a run on the CPU never waits, so they would not. */

/** Milliseconds of work between two pauses. */
const INTERVAL = 200;

/** Pauses now and then. */
export class Pauses {
  #last = performance.now();

  /** Pauses if the last time is long ago. */
  async take(): Promise<void> {
    if (performance.now() - this.#last < INTERVAL) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#last = performance.now();
  }
}
