/** Time for tests of what hangs: the seconds in which nothing comes pass at once. */

/** Milliseconds of the ticks by which stalls are found. */
const TICK = 1000;
/** Ticks in a row before others have their turn. */
const BURST = 100;

/**
 * Runs something, and once `hung` resolves, lets the seconds pass by which stalls are found, without waiting for them.
 *
 * @returns What it gives.
 */
export async function withFastTicks<T>(hung: Promise<unknown>, run: () => Promise<T>): Promise<T> {
  const { setInterval: set, clearInterval: clear } = globalThis, ticks = new Map<unknown, () => void>();
  let done = false;
  globalThis.setInterval = ((tick: () => void, delay: number) => {
    const id = set(tick, delay);
    if (delay === TICK) ticks.set(id, tick);
    return id;
  }) as typeof setInterval;
  globalThis.clearInterval = (id) => {
    ticks.delete(id);
    clear(id);
  };
  const pass = async () => {
    await hung;
    while (!done) {
      for (let k = 0; k < BURST; k++) for (const tick of [...ticks.values()]) tick();
      await new Promise((resolve) => setTimeout(resolve));
    }
  };
  void pass();
  try {
    return await run();
  } finally {
    done = true;
    Object.assign(globalThis, { setInterval: set, clearInterval: clear });
  }
}
