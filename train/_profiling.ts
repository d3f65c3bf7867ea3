/** Profiling of a run: which steps are timed, and who is told. */

import { type Backend, type DevicePeaks, type Profile, StepProfiler } from "../core/mod.ts";

/** Which steps of a run are profiled. They are steps like any other, and compute the same bits. */
export interface ProfilingOptions {
  /** Steps before the first that is profiled. Defaults to 3, fewer where the run is too short. */
  readonly warmUp?: number;
  /** Steps that are profiled, one after the other. Defaults to 5, fewer where the run is too short. */
  readonly steps?: number;
  /**
   * Called with the profile once the steps are done or the run is stopped. A promise is waited for.
   *
   * @internal
   */
  readonly onProfile: (profile: Profile) => unknown;
}

const WARM_UP = 3, STEPS = 5;

/** Profiles some steps of a run. */
export class Profiling {
  readonly #options: ProfilingOptions;
  readonly #device: string;
  readonly #peaks: DevicePeaks;
  readonly #profiler = new StepProfiler();
  #before = 0;
  #wanted = 0;

  private constructor(options: ProfilingOptions, device: string, peaks: DevicePeaks) {
    this.#options = options;
    this.#device = device;
    this.#peaks = peaks;
  }

  /**
   * Measures the device's peaks.
   *
   * @throws {DeviceError} If the device has no timestamps.
   */
  static async create(options: ProfilingOptions, backend: Backend): Promise<Profiling> {
    return new Profiling(options, backend.description, await backend.measurePeaks());
  }

  /** Chooses the steps to profile of the `left` that the run has. */
  begin(left: number): void {
    const { warmUp = WARM_UP, steps = STEPS } = this.#options;
    this.#wanted = Math.min(steps, left);
    this.#before = Math.min(warmUp, left - this.#wanted);
  }

  /** The profiler of the next step; nothing if the step is not profiled. */
  next(): StepProfiler | undefined {
    if (this.#before > 0) this.#before--;
    else if (this.#profiler.steps.length < this.#wanted) return this.#profiler;
    return undefined;
  }

  /** Reports the profile once all its steps are done, or earlier where the run is `stopped`. */
  async tell(stopped = false): Promise<void> {
    const { steps } = this.#profiler;
    if (steps.length === 0 || (steps.length < this.#wanted && !stopped)) return;
    this.#wanted = 0;
    await this.#options.onProfile({ device: this.#device, peaks: this.#peaks, steps: steps.splice(0) });
  }
}
