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

/** The last tenth may be so much slower than the first, and take so much more than the second. */
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

/** How the last tenth compares. */
export interface Verdict {
  /** Its rate by that of the first. */
  readonly rate: number;
  /** Its memory by that of the second: the first fills caches. */
  readonly memory: number;
  /** Whether both are within {@link TOLERANCE}. */
  readonly passed: boolean;
}

/** Compares the end of a run with its beginning. */
export function judge(tenths: readonly Tenth[]): Verdict {
  const last = tenths.at(-1)!, rate = last.rate / tenths[0].rate, memory = last.memory / tenths[1].memory;
  return { rate, memory, passed: rate >= 1 - TOLERANCE && memory <= 1 + TOLERANCE };
}
