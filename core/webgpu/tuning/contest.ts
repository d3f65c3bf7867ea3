/**
 * Who is the fastest: the statistics of timing, which know no device. Candidates run in turn, in several rounds; those that
 * lose are dropped at once, and another than the preferred one wins only by more than the noise of the same rounds.
 */

import { median } from "../../util/median.ts";

/** Runs of a candidate that are timed together. */
export interface Burst {
  /** The candidate's number. */
  readonly candidate: number;
  /** How often it runs. */
  readonly runs: number;
}

/** What runs candidates against a clock. */
export interface Track {
  /** The seconds that a burst must last at least to be read off the clock well. */
  readonly burstSeconds: number;
  /** The most runs of a burst of a candidate. */
  mostRuns(candidate: number): number;
  /**
   * Runs bursts one after the other on a device that is at work already.
   *
   * @returns The seconds of one run, for each burst.
   */
  time(bursts: readonly Burst[]): Promise<number[]>;
}

/** How a contest ended. */
export interface Standing {
  /** The candidate to take: the preferred one unless another is faster by more than {@link Standing.margin}. */
  readonly winner: number;
  /** The candidate of the least median, by however little. */
  readonly leader: number;
  /** The median seconds of a run, by candidate. Those that were dropped early have few readings. */
  readonly seconds: ReadonlyMap<number, number>;
  /** The seconds by which another must be faster than the preferred one. */
  readonly margin: number;
}

/** A candidate that takes so many times as long as the best one is dropped. */
export const SLOW = 3;
/** A candidate that takes so many times as long as the preferred one is dropped after a burst: it would have to be faster. */
const HOPELESS = 1.15;
/** A single run of so many seconds is believed without a burst: what disturbs a shorter one may treble it. */
const BELIEVED_SECONDS = 0.02;
/** Rounds of those that are left to the end. An odd number, so that the median is a reading. */
const ROUNDS = 5;
/** Rounds where a round takes {@link LONG_SECONDS}: what runs so long is little disturbed. */
const LONG_ROUNDS = 3, LONG_SECONDS = 0.5;
/** Another wins only if it is faster by this share of the preferred one's time, and by so many times its readings' spread. */
const LEAST_GAIN = 0.03, SPREADS = 3;

/** The median absolute deviation: how far readings lie from their median, which an outlier does not move. */
export function spread(readings: readonly number[]): number {
  const middle = median(readings);
  return median(readings.map((reading) => Math.abs(reading - middle)));
}

/** The seconds by which another candidate must be faster than one of these readings: the larger of 3 % and three spreads. */
export function marginOf(readings: readonly number[]): number {
  return Math.max(LEAST_GAIN * median(readings), SPREADS * spread(readings));
}

/**
 * Finds the fastest. All run once, which tells how many runs fill a burst. Then come rounds of bursts, each candidate in turn:
 * after each round those are dropped that are slower than {@link SLOW} times the best, or slower than the preferred one by
 * more than noise, and the slower half of the others, down to one beside the preferred one.
 *
 * @param candidates Their numbers, at least one.
 * @param preferred The one that is taken where no other is faster; undefined where it is not among them.
 */
export async function contest(
  track: Track,
  candidates: readonly number[],
  preferred: number | undefined,
): Promise<Standing> {
  const readings = new Map<number, number[]>(), runs = new Map<number, number>();
  const secondsOf = (candidate: number) => median(readings.get(candidate)!);
  const take = (candidate: number, seconds: number) => {
    readings.set(candidate, [...readings.get(candidate) ?? [], seconds]);
    const wanted = Math.ceil(track.burstSeconds / Math.max(seconds, Number.EPSILON));
    runs.set(candidate, Math.max(1, Math.min(track.mostRuns(candidate), wanted)));
  };
  const timeAll = async (bursts: readonly Burst[]) => {
    const seconds = await track.time(bursts);
    bursts.forEach(({ candidate }, k) => take(candidate, seconds[k]));
  };
  const fastOf = (field: readonly number[]) => {
    const limit = SLOW * Math.min(...field.map(secondsOf));
    return field.filter((candidate) => candidate === preferred || secondsOf(candidate) <= limit);
  };
  const hopefulOf = (field: readonly number[]) => {
    const limit = preferred === undefined ? Infinity : HOPELESS * secondsOf(preferred);
    return field.filter((candidate) => candidate === preferred || secondsOf(candidate) <= limit);
  };

  await timeAll(candidates.map((candidate) => ({ candidate, runs: 1 })));
  const fast = fastOf(candidates);
  let field = candidates.filter((candidate) => secondsOf(candidate) < BELIEVED_SECONDS || fast.includes(candidate));
  // A run among others says more than one alone, which only told how long a burst must be.
  const single = new Map(candidates.map((candidate) => [candidate, secondsOf(candidate)]));
  for (const candidate of field) readings.set(candidate, []);
  const rounds = roundsFor(field, runs, single);
  for (let round = 0; round < rounds; round++) {
    const challengers = field.filter((candidate) => candidate !== preferred).length;
    // Where no other is left, the preferred one has won.
    const isAlone = challengers === 0 && preferred !== undefined;
    if (isAlone && round > 0) break;
    // What is left runs to the end without a wait; nothing more is dropped.
    const together = challengers <= 1 && !isAlone ? rounds - round : 1;
    const bursts: Burst[] = [];
    for (let k = 0; k < together; k++) {
      // Every other round runs backwards, so that none is always the first.
      const order = (round + k) % 2 === 0 ? field : field.toReversed();
      bursts.push(...order.map((candidate) => ({ candidate, runs: runs.get(candidate)! })));
    }
    await timeAll(bursts);
    round += together - 1;
    field = fasterHalf(hopefulOf(fastOf(field)), preferred, secondsOf);
  }

  for (const [candidate, list] of readings) if (list.length === 0) list.push(single.get(candidate)!);
  const seconds = new Map(candidates.map((candidate) => [candidate, secondsOf(candidate)]));
  const leader = field.reduce((best, candidate) => secondsOf(candidate) < secondsOf(best) ? candidate : best);
  if (preferred === undefined) return { winner: leader, leader, seconds, margin: 0 };
  const margin = marginOf(readings.get(preferred)!);
  const winner = secondsOf(leader) < secondsOf(preferred) - margin ? leader : preferred;
  return { winner, leader, seconds, margin };
}

function roundsFor(
  field: readonly number[],
  runs: ReadonlyMap<number, number>,
  single: ReadonlyMap<number, number>,
): number {
  const seconds = field.reduce((sum, candidate) => sum + runs.get(candidate)! * single.get(candidate)!, 0);
  return seconds > LONG_SECONDS ? LONG_ROUNDS : ROUNDS;
}

/** The preferred candidate and the faster half of the others, at least one, in their order. */
function fasterHalf(
  field: readonly number[],
  preferred: number | undefined,
  secondsOf: (candidate: number) => number,
): number[] {
  const others = field.filter((candidate) => candidate !== preferred);
  const kept = others.sort((a, b) => secondsOf(a) - secondsOf(b)).slice(0, Math.ceil(others.length / 2));
  return field.filter((candidate) => candidate === preferred || kept.includes(candidate));
}
