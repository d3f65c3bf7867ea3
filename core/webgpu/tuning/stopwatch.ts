/**
 * Times programs on a device that is kept at work: runs are queued behind other work without a wait between them, and a burst
 * of them lies between two timestamps. Without timestamps the host's clock is held against the queue.
 */

import { median } from "../../util/median.ts";
import type { WebGpuBackend } from "../backend.ts";
import type { WebGpuExecutable } from "../executable.ts";
import { Profiler } from "../profiler.ts";
import type { Burst, Track } from "./contest.ts";

/** The seconds of a burst: long beside a timestamp's step, and without timestamps beside a wait. */
const BURST = { timestamps: 5e-3, clock: 0.1 };
/** The most dispatches of a burst, since each takes the host some microseconds. */
const MOST_DISPATCHES = 1024;
/** The most bursts of a warm-up: a program whose runs are too short to fill it has warmed what it can. */
const WARM_UP_BURSTS = 10;
/** Seconds without work after which a device is warmed up again. */
const IDLE_SECONDS = 0.01;
/** Empty waits of which the median is taken off what a clock says. */
const WAITS = 5;

/** Runs of a program. */
interface Job {
  readonly program: WebGpuExecutable;
  readonly runs: number;
}

/** Times the programs of a contest. */
export class Stopwatch implements Track {
  readonly burstSeconds: number;
  readonly #backend: WebGpuBackend;
  readonly #programOf: (candidate: number) => WebGpuExecutable | Promise<WebGpuExecutable>;
  readonly #one: boolean;
  readonly #timestamps: boolean;
  /** The seconds of a run, as last read. */
  readonly #seconds = new WeakMap<WebGpuExecutable, number>();
  readonly #dispatches = new Map<number, number>();
  /** When the queued work is expected to end, in milliseconds of `performance.now()`. */
  #busyUntil = -Infinity;
  /** The seconds for which the device has worked since it waited. */
  #worked = 0;
  #wait: number | undefined;

  /**
   * Times on a backend.
   *
   * @param programOf The program of a candidate.
   * @param one Whether only one program is there at a time, the one that was last asked for.
   */
  constructor(
    backend: WebGpuBackend,
    programOf: (candidate: number) => WebGpuExecutable | Promise<WebGpuExecutable>,
    one: boolean = false,
  ) {
    this.#backend = backend;
    this.#programOf = programOf;
    this.#one = one;
    this.#timestamps = backend.device.features.has("timestamp-query");
    this.burstSeconds = this.#timestamps ? BURST.timestamps : BURST.clock;
  }

  /** The most runs of a burst: as many as the host encodes while the device is kept at work. */
  mostRuns(candidate: number): number {
    return Math.max(1, Math.floor(MOST_DISPATCHES / (this.#dispatches.get(candidate) ?? 1)));
  }

  /** Times bursts in one go, or one by one where only one program is there at a time. */
  async time(bursts: readonly Burst[]): Promise<number[]> {
    const jobs: Job[] = [], seconds: number[] = [];
    for (const { candidate, runs } of bursts) {
      const program = await this.#programOf(candidate);
      this.#dispatches.set(candidate, program.dispatches);
      if (this.#one) seconds.push(...await this.#timeAll([{ program, runs }]));
      else jobs.push({ program, runs });
    }
    return this.#one ? seconds : await this.#timeAll(jobs);
  }

  /**
   * Keeps the device at work with a program until the result is called, as while others are compiled: so no time is lost for
   * warming up.
   */
  keepWarm(program: WebGpuExecutable): () => Promise<void> {
    const { warmUp } = this.#backend.policy.timing;
    if (warmUp === 0) return () => Promise.resolve();
    let ended = false, failure: unknown;
    const work = (async () => {
      while (!ended) await this.#read([{ program, runs: this.#runsFor(program, warmUp / 2) }]);
    })().catch((error) => failure = error);
    return async () => {
      ended = true;
      await work;
      if (failure !== undefined) throw failure;
    };
  }

  async #timeAll(jobs: readonly Job[]): Promise<number[]> {
    await this.#warmUp(jobs[0].program);
    return await this.#read(jobs);
  }

  /** Keeps a device at work that has waited. The clocks are low at first, so what counts is how long it worked. */
  async #warmUp(program: WebGpuExecutable): Promise<void> {
    const { warmUp } = this.#backend.policy.timing;
    for (let burst = 0; burst < WARM_UP_BURSTS && (this.#isIdle() || this.#worked < warmUp); burst++) {
      if (warmUp === 0) return;
      await this.#read([{ program, runs: this.#runsFor(program, warmUp / 2) }]);
    }
  }

  #isIdle(): boolean {
    return performance.now() - this.#busyUntil > 1000 * IDLE_SECONDS;
  }

  /** Runs of a program that take so many seconds, or as many as are encoded in time. */
  #runsFor(program: WebGpuExecutable, seconds: number): number {
    const most = Math.max(1, Math.floor(MOST_DISPATCHES / program.dispatches)), each = this.#seconds.get(program);
    return each === undefined ? 1 : Math.max(1, Math.min(most, Math.ceil(seconds / each)));
  }

  /** The seconds of a run of each job. */
  async #read(jobs: readonly Job[]): Promise<number[]> {
    if (this.#isIdle()) this.#worked = 0;
    const seconds = this.#timestamps ? await this.#byTimestamps(jobs) : await this.#byClock(jobs);
    this.#worked += seconds.reduce((sum, each) => sum + each, 0);
    this.#backend.check();
    return jobs.map(({ program, runs }, k) => {
      // A clock that is coarse may not have moved.
      const each = Math.max(1e-9, seconds[k] / runs);
      this.#seconds.set(program, each);
      return each;
    });
  }

  async #byTimestamps(jobs: readonly Job[]): Promise<number[]> {
    const { device } = this.#backend, profiler = new Profiler(this.#backend, jobs.length);
    try {
      const encoder = device.createCommandEncoder();
      jobs.forEach(({ program, runs }, k) => {
        profiler.start(encoder, k);
        for (let run = 0; run < runs; run++) program.encode(encoder);
        profiler.stop(encoder, k);
      });
      profiler.resolve(encoder);
      device.queue.submit([encoder.finish()]);
      const submitted = performance.now();
      const more = this.#keepBusy(jobs[0].program);
      const seconds = (await profiler.read(submitted)).map((time) => time.seconds), arrived = performance.now();
      const done = Math.max(submitted, this.#busyUntil) + 1000 * seconds.reduce((sum, each) => sum + each, 0);
      this.#busyUntil = Math.min(done, arrived) + 1000 * more;
      return seconds;
    } finally {
      profiler.destroy();
    }
  }

  /** Queues more work, so that the device does not wait for the next timing; gives the seconds that it is thought to take. */
  #keepBusy(program: WebGpuExecutable): number {
    const { keepBusy } = this.#backend.policy.timing;
    if (keepBusy === 0) return 0;
    const runs = this.#runsFor(program, keepBusy);
    this.#submit({ program, runs });
    return runs * (this.#seconds.get(program) ?? 0);
  }

  #submit({ program, runs }: Job): void {
    const { device } = this.#backend, encoder = device.createCommandEncoder();
    for (let run = 0; run < runs; run++) program.encode(encoder);
    device.queue.submit([encoder.finish()]);
  }

  async #byClock(jobs: readonly Job[]): Promise<number[]> {
    const wait = this.#wait ??= await this.#secondsOfWait(), times: number[] = [];
    for (const job of jobs) {
      await this.#backend.finish();
      const started = performance.now();
      this.#submit(job);
      await this.#backend.finish();
      this.#busyUntil = performance.now();
      times.push(Math.max(0, (this.#busyUntil - started) / 1000 - wait));
    }
    return times;
  }

  /** What waiting for an idle device takes. */
  async #secondsOfWait(): Promise<number> {
    const waits: number[] = [];
    await this.#backend.finish();
    for (let k = 0; k < WAITS; k++) {
      const started = performance.now();
      this.#backend.device.queue.submit([this.#backend.device.createCommandEncoder().finish()]);
      await this.#backend.finish();
      waits.push((performance.now() - started) / 1000);
    }
    return median(waits);
  }
}
