/** Waits for a device, which may be lost, or hang without a word. */

import { StallWatch } from "../util/stall_watch.ts";
import type { WatchedProgram } from "./device.ts";

/** Seconds that a device may work on one submit without an answer: far more than any honest step takes there. */
export const STALL_SECONDS = { hardware: 300, software: 1800 } as const;
/** How often the longest wait so far may pass again. */
const TIMES_LONGEST = 20;

/** The options of {@link DeviceWaits}. */
export interface DeviceWaitsOptions {
  /** Seconds for a submit. */
  readonly limit: number;
  /** Makes the error of a device that hangs, and remembers it. */
  readonly onStall: (seconds: number) => Error;
}

/**
 * The promises of a device that somebody waits for. The limit holds for each queued submit of programs of which no results have
 * come yet, as nobody knows how long they take; else for all together. It is at least twenty times the longest wait.
 */
export class DeviceWaits {
  readonly #rejections = new Set<(error: Error) => void>();
  readonly #watch: StallWatch;
  readonly #known = new WeakSet<WatchedProgram>();
  /** The program of each submit since the last results, where it is not known. */
  #submits: WatchedProgram[] = [];
  #failure: Error | undefined;

  /** Waits for nothing yet. */
  constructor({ limit, onStall }: DeviceWaitsOptions) {
    this.#watch = new StallWatch({
      limit: () => Math.max(limit * Math.max(1, this.#submits.length), TIMES_LONGEST * this.#watch.longest),
      onStall: (seconds) => this.fail(onStall(seconds)),
    });
  }

  /** Notes that work of a program was queued. */
  submitted(program: WatchedProgram): void {
    if (!this.#known.has(program)) this.#submits.push(program);
  }

  /**
   * Waits for a promise of the device's.
   *
   * @throws The error given to {@link DeviceWaits.fail}, or that of a device that hangs.
   */
  wait<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        promise.catch(() => {});
        return reject(this.#failure);
      }
      this.#rejections.add(reject);
      this.#watch.begin();
      const end = () => {
        // What comes after all was given up ends nothing.
        if (this.#rejections.delete(reject)) this.#watch.end();
      };
      promise.then((value) => {
        end();
        resolve(value);
      }, (error) => {
        end();
        reject(error);
      });
    });
  }

  /** Waits for results of the device's: what was queued before them is done then. */
  async waitForResults<T>(promise: Promise<T>): Promise<T> {
    const made = await this.wait(promise);
    for (const program of this.#submits) this.#known.add(program);
    this.#submits = [];
    return made;
  }

  /** Gives up all that is waited for, and whatever is waited for from now on. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#watch.stop();
    for (const reject of this.#rejections) reject(this.#failure);
    this.#rejections.clear();
  }
}
