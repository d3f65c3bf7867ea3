/**
 * Tells when nothing that is waited for comes any more. Time is counted in ticks of a timer since the last sign of progress, not
 * by a clock: a tick counts once however late it is, so that neither a suspended machine nor a busy thread looks like a stall.
 */

import { UsageError } from "./errors.ts";
import { argument, sentence } from "./sentence.ts";

/** Milliseconds of a tick. */
const TICK = 1000;

/** The options of {@link StallWatch}. */
export interface StallWatchOptions {
  /** The seconds without progress that are too many; it is asked at each tick. */
  readonly limit: () => number;
  /** Called once they have passed, with their number. */
  readonly onStall: (seconds: number) => void;
  /** A number that changes with what is done meanwhile. Defaults to none: then only what has come is progress. */
  readonly progress?: () => number;
}

/** Watches while something is waited for. A timer runs then, and costs nothing for what is waited for. */
export class StallWatch {
  readonly #options: StallWatchOptions;
  #waited = 0;
  #idle = 0;
  #longest = 0;
  #seen: number | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Watches nothing yet. */
  constructor(options: StallWatchOptions) {
    this.#options = options;
  }

  /** The most seconds that passed without progress before there was some. */
  get longest(): number {
    return this.#longest;
  }

  /** One thing more is waited for. */
  begin(): void {
    if (this.#waited++ > 0) return;
    this.#idle = 0;
    this.#timer = setInterval(() => this.#tick(), TICK);
  }

  /** One of these things has come, or failed. */
  end(): void {
    this.#progress();
    this.#waited = Math.max(0, this.#waited - 1);
    if (this.#waited === 0) this.stop();
  }

  /** Nothing is waited for any more. */
  stop(): void {
    this.#waited = 0;
    clearInterval(this.#timer);
  }

  #progress(): void {
    this.#longest = Math.max(this.#longest, this.#idle);
    this.#idle = 0;
  }

  #tick(): void {
    const { limit, onStall, progress } = this.#options, seen = progress?.();
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#progress();
      return;
    }
    if (++this.#idle < limit()) return;
    this.stop();
    onStall(this.#idle);
  }
}

/**
 * Checks the seconds after which something is taken to hang, if any were given.
 *
 * @throws {UsageError} If they are not a number above 0.
 */
export function expectStallTimeout(seconds: number | undefined): void {
  if (seconds === undefined || seconds > 0) return;
  throw new UsageError(
    sentence`Expected ${argument("stallTimeout")} to be a number of seconds above 0 but it is ${seconds}`,
  );
}
