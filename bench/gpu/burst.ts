/**
 * Bursts: many runs of some work that are queued and waited for once. In Deno a wait takes about 11 ms whatever the work, and
 * the clocks of an idle GPU fall to a sixth, so that one run alone tells neither its time nor its speed.
 */

/** Seconds of a burst that is timed by the device. */
export const DEVICE_SECONDS = 5e-3;
/** Seconds of a burst that is timed by the host's clock. */
export const CLOCK_SECONDS = 50e-3;
/** Seconds of work that bring the clocks of an idle GPU up. */
export const WARM_SECONDS = 75e-3;
/** A run of that many seconds brings the clocks up by itself. */
export const LONG_RUN_SECONDS = 1;
/** The most runs of a burst, since the commands of all of them are held in memory. */
export const MOST_RUNS = 1000;
/** The seconds after which a burst is not made any longer. */
const SIZING_SECONDS = 1;

/** Timestamps of the device before and after what is queued in between. */
export interface BurstTimer {
  begin(): void;
  /** Queues the last timestamp and waits for it. Returns the seconds between both. */
  end(): Promise<number>;
}

/** Work that can be queued. */
export interface QueuedWork {
  /** Queues a run; may wait for the results of earlier runs. */
  queue(): Promise<void> | void;
  /** Waits until all that was queued is done. */
  finish(): Promise<void>;
  /** Makes a timer; absent where the device has no timestamps. */
  readonly timer?: () => BurstTimer;
}

/** The time of a burst in seconds. */
export interface BurstTime {
  readonly runs: number;
  /** By the host's clock. */
  readonly clock: number;
  /** By the device. */
  readonly device?: number;
}

/** The time of a turn. */
export interface TurnTime {
  /** Seconds of a run by the host's clock. */
  readonly clock: number;
  /** Seconds of a run by the device's timestamps. */
  readonly device?: number;
  /** The timed runs. */
  readonly runs: number;
}

/** Whether a burst is long enough to tell the time of a run. */
export function isLongEnough({ clock, device }: BurstTime): boolean {
  return device === undefined ? clock >= CLOCK_SECONDS : device >= DEVICE_SECONDS;
}

/** The runs of the next burst after one that was too short: 2 to 16 times as many. */
export function nextRuns({ runs, clock, device }: BurstTime): number {
  const missing = device === undefined ? CLOCK_SECONDS / clock : DEVICE_SECONDS / device;
  return Math.min(MOST_RUNS, Math.ceil(runs * Math.min(16, Math.max(2, 1.25 * missing))));
}

/** The runs that bring the clocks up, for runs of that many seconds. */
export function warmRuns(seconds: number): number {
  return seconds >= LONG_RUN_SECONDS ? 0 : runsOf(WARM_SECONDS, seconds);
}

/** The runs, of so many seconds each, that fill a span: at least one. */
export function runsOf(span: number, seconds: number): number {
  return Math.min(MOST_RUNS, Math.max(1, Math.ceil(span / seconds)));
}

/** Finds the seconds of a run by longer and longer bursts. */
export async function timeRun(work: QueuedWork): Promise<number> {
  const started = performance.now();
  let time = await timeBurst(work, 1);
  while (!isLongEnough(time) && time.runs < MOST_RUNS && performance.now() - started < SIZING_SECONDS * 1000) {
    time = await timeBurst(work, nextRuns(time));
  }
  return (time.device ?? time.clock) / time.runs;
}

/**
 * Times a turn: work that brings the clocks up; right behind it, without a wait, a burst between timestamps; then a burst by
 * the host's clock. Long runs are timed by both in one burst.
 *
 * @param usual The seconds of a run, as {@link timeRun} finds them.
 * @param budget The seconds of the timed bursts.
 */
export async function timeTurn(work: QueuedWork, usual: number, budget: number): Promise<TurnTime> {
  const warm = warmRuns(usual);
  if (warm === 0) return perRun(await timeBurst(work, 1));
  for (let run = 0; run < warm; run++) await work.queue();
  if (work.timer === undefined) {
    await work.finish();
    return perRun(await timeBurst(work, runsOf(Math.max(budget, CLOCK_SECONDS), usual)));
  }
  const { device, runs } = await timeBurst(work, runsOf(Math.max(budget / 2, DEVICE_SECONDS), usual));
  const byClock = await timeBurst(work, runsOf(Math.max(budget / 2, CLOCK_SECONDS), usual));
  return { clock: byClock.clock / byClock.runs, device: device! / runs, runs: runs + byClock.runs };
}

function perRun({ runs, clock, device }: BurstTime): TurnTime {
  return { runs, clock: clock / runs, ...(device === undefined ? {} : { device: device / runs }) };
}

/** Queues runs and waits once. */
async function timeBurst(work: QueuedWork, runs: number): Promise<BurstTime> {
  const timer = work.timer?.(), started = performance.now();
  timer?.begin();
  for (let run = 0; run < runs; run++) await work.queue();
  const device = await timer?.end();
  // The wait of the timer is one for everything that was queued.
  if (timer === undefined) await work.finish();
  return { runs, clock: (performance.now() - started) / 1000, ...(device === undefined ? {} : { device }) };
}
