/** Time for tests of what hangs: the seconds pass at once by which stalls are found. */

/** Milliseconds of the ticks by which stalls are found. */
const TICK = 1000;
/** Ticks in a row before others have their turn. */
const BURST = 100;

/** Notes the timers that tick once a second, until it is disposed of. */
class Ticks implements Disposable {
  readonly #own = { setInterval: globalThis.setInterval, clearInterval: globalThis.clearInterval };
  readonly #ticks = new Map<unknown, () => void>();

  constructor() {
    const { setInterval, clearInterval } = this.#own;
    globalThis.setInterval = ((tick: () => void, delay: number) => {
      const id = setInterval(tick, delay);
      if (delay === TICK) this.#ticks.set(id, tick);
      return id;
    }) as typeof setInterval;
    globalThis.clearInterval = (id) => {
      this.#ticks.delete(id);
      clearInterval(id);
    };
  }

  /** Lets seconds pass. */
  pass(seconds: number): void {
    for (let k = 0; k < seconds; k++) for (const tick of [...this.#ticks.values()]) tick();
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#own);
  }
}

/** Runs something with what lets seconds pass. */
export async function withTicks(run: (pass: (seconds: number) => void) => void | Promise<void>): Promise<void> {
  using ticks = new Ticks();
  await run((seconds) => ticks.pass(seconds));
}

/**
 * Runs something, and once `hung` resolves lets seconds pass until it ends, without waiting for them.
 *
 * @returns What it gives.
 */
export async function withFastTicks<T>(hung: Promise<unknown>, run: () => Promise<T>): Promise<T> {
  using ticks = new Ticks();
  let done = false;
  const pass = async () => {
    await hung;
    while (!done) {
      ticks.pass(BURST);
      await new Promise((resolve) => setTimeout(resolve));
    }
  };
  void pass();
  try {
    return await run();
  } finally {
    done = true;
  }
}
