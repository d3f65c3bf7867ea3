/** What a long run shows: its speed and its memory in each tenth, and whether both stayed as they were. */

/** A moment of a run: how much it had done, and what it took. */
export interface Sample {
  /** Seconds since the start. */
  readonly seconds: number;
  /** Training images so far. */
  readonly images: number;
  /** The resident memory in bytes. */
  readonly memory: number;
}

/** A tenth of a run. */
export interface Tenth {
  /** Training images a second, with all that is done between steps. */
  readonly rate: number;
  /** The least resident memory, in bytes: what stays when garbage has been collected. */
  readonly memory: number;
}

/** The end may be so much slower than the beginning, and take so much more. */
export const TOLERANCE = 0.05;

/**
 * Divides a run into tenths of its images.
 *
 * @param samples One an epoch, in order. The first only tells when the run was under way.
 */
export function tenthsOf(samples: readonly Sample[]): Tenth[] {
  const steps = samples.length - 1;
  if (steps < 10) throw new RangeError(`Expected 11 epochs at least but the run had ${samples.length}`);
  return Array.from({ length: 10 }, (_, k) => {
    const part = samples.slice(Math.floor(k * steps / 10), Math.floor((k + 1) * steps / 10) + 1);
    const first = part[0], last = part.at(-1)!;
    return {
      rate: (last.images - first.images) / (last.seconds - first.seconds),
      memory: part.slice(1).reduce((least, { memory }) => Math.min(least, memory), Infinity),
    };
  });
}

/** How the end compares with the beginning. */
export interface Verdict {
  /** The rate of the last tenth by that of the first. */
  readonly rate: number;
  /**
   * The least memory of the second half by that of the first, without the first tenth, which fills caches. Of tenths alone it
   * would say little: each thread that reads images has garbage of its own, some 30 MiB at times.
   */
  readonly memory: number;
  /** Whether both are within {@link TOLERANCE}. */
  readonly passed: boolean;
}

/** Compares the end of a run with its beginning. */
export function judge(tenths: readonly Tenth[]): Verdict {
  const rate = tenths.at(-1)!.rate / tenths[0].rate, half = tenths.length / 2;
  const least = (part: readonly Tenth[]) => Math.min(...part.map(({ memory }) => memory));
  const memory = least(tenths.slice(half)) / least(tenths.slice(1, half));
  return { rate, memory, passed: rate >= 1 - TOLERANCE && memory <= 1 + TOLERANCE };
}
