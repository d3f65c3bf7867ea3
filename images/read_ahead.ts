/** Works ahead of what is consumed, so that decoding goes on while the device computes. */

/** Lets N tasks run at once; the others wait. */
class Gate {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(slots: number) {
    this.#free = slots;
  }

  async run<R>(task: () => Promise<R>): Promise<R> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

/**
 * What a task makes of each item, in the items' order.
 *
 * @param items The items.
 * @param ahead How many results may wait, or be in the making.
 * @param atOnce How many tasks may run at once.
 * @param task The task. Its errors are raised where its result would come.
 */
export async function* readAhead<T, R>(
  items: readonly T[],
  { ahead, atOnce }: { readonly ahead: number; readonly atOnce: number },
  task: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const gate = new Gate(atOnce), results: Promise<R>[] = [];
  for (let next = 0, done = 0; done < items.length; done++) {
    while (next < items.length && next - done < ahead) {
      const item = items[next++], result = gate.run(() => task(item));
      result.catch(() => {});
      results.push(result);
    }
    yield await results.shift()!;
  }
}
