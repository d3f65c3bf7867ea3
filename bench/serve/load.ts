/** Clients that ask a server without a pause, and what they see of it. */

/** What the clients saw. */
export interface LoadFigures {
  /** Answers a second. */
  readonly rate: number;
  /** The seconds in which half of the requests were answered, and 99 of 100. */
  readonly p50: number;
  readonly p99: number;
  /** Answers that were no success. */
  readonly failures: number;
}

/**
 * The value below which a share of the values lies: the nearest rank.
 *
 * @param sorted The values, the least first.
 */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/**
 * Asks by a number of clients, each of which waits for its answer before it asks again.
 *
 * @param ask Asks once; tells whether the answer was a success.
 * @param options The clients, and the seconds for which they ask. Those before count only as warming up.
 */
export async function measureLoad(
  ask: () => Promise<boolean>,
  { clients, seconds, warmUp = 1 }: { readonly clients: number; readonly seconds: number; readonly warmUp?: number },
): Promise<LoadFigures> {
  const times: number[] = [], begin = performance.now() + 1000 * warmUp, end = begin + 1000 * seconds;
  let failures = 0;
  const client = async () => {
    for (;;) {
      const started = performance.now();
      if (started >= end) return;
      const isRight = await ask(), ended = performance.now();
      if (started < begin || ended > end) continue;
      times.push((ended - started) / 1000);
      if (!isRight) failures++;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  times.sort((a, b) => a - b);
  return { rate: times.length / seconds, p50: quantile(times, 0.5), p99: quantile(times, 0.99), failures };
}
