/**
 * What a backend tells of a profiled step, and how fast its device can be at most. Times are seconds on the clock of
 * `performance.now()`, so that the host and the device stand in one picture.
 */

import type { Cost } from "../op.ts";

/**
 * A dispatch on WebGPU, or a stage of a kernel on the CPU, as the profiler sees it: a kernel of an op's application, or several
 * small kernels that share the dispatch.
 */
export interface ProfiledDispatch {
  /** The op's name; of several, each name once, joined by " + ". */
  readonly op: string;
  /** The variant's name, on the CPU the names of the kernel's stages; of several kernels, how many there are. */
  readonly variant: string;
  /** Which of the variant's kernels it is, from 0; of several kernels, that of the first. */
  readonly kernel: number;
  /** The number of the op's application in the program; of several, that of the first. */
  readonly node: number;
  /**
   * The work of the application, of all its kernels together; of several kernels, the work of the applications that have no
   * others.
   */
  readonly cost: Cost;
  /** The kernels in the dispatch. */
  readonly kernels: number;
}

/** A dispatch and its time. */
export interface DispatchTime extends ProfiledDispatch {
  /** When it began, in seconds. */
  readonly start: number;
  /** Seconds that it took. */
  readonly seconds: number;
}

/** How a step is profiled. */
export interface ProfileOptions {
  /** Whether the step's scalars are kept, as `run(true)` keeps them. */
  readonly record?: boolean;
  /** Hears of what the host did: what, and from when to when, in milliseconds of `performance.now()`. */
  readonly host?: (what: string, from: number, to: number) => void;
}

/** The most that a device does, as measured: what bounds a kernel in the roofline model. */
export interface DevicePeaks {
  /** Floating-point operations a second, a multiply-add counted as two. */
  readonly flops: number;
  /** Bytes a second that a copy reads and writes. */
  readonly bytes: number;
}

/**
 * The least seconds that a device with such peaks needs for some work. A kernel's share of the roofline is this over its
 * time: Williams et al. 2009, "Roofline: an insightful visual performance model", where the bound of the rate is
 * min(peak, flops / bytes · bandwidth).
 *
 * @example
 * ```ts
 * import { rooflineSeconds } from "../mod.ts";
 * console.log(rooflineSeconds({ flops: 8, bytes: 8 }, { flops: 4, bytes: 2 })); // 4
 * ```
 */
export function rooflineSeconds({ flops, bytes }: Cost, peaks: DevicePeaks): number {
  return Math.max(flops / peaks.flops, bytes / peaks.bytes);
}
