/**
 * A profiled step as a backend reports it, and the peaks of a device. Times are seconds on the clock of `performance.now()`, so
 * that the host and the device share one timeline.
 */

import type { Cost } from "../op.ts";

/**
 * A dispatch on WebGPU or a stage on the CPU: one kernel of a node, or several small kernels of several nodes, merged into one
 * dispatch.
 */
export interface ProfiledDispatch {
  /** The op's name. Of merged kernels, each name once, joined by " + ". */
  readonly op: string;
  /** The variant's name; on the CPU, the names of the node's stages. Of merged kernels, their number. */
  readonly variant: string;
  /** The index of the kernel in the variant. Of merged kernels, that of the first. */
  readonly kernel: number;
  /** The index of the node in the program. Of merged kernels, that of the first. */
  readonly node: number;
  /** The work of the node, all its kernels together. Of merged kernels, the work of the nodes that have no other kernel. */
  readonly cost: Cost;
  /** The number of kernels in the dispatch. */
  readonly kernels: number;
}

/** A dispatch and its time. */
export interface DispatchTime extends ProfiledDispatch {
  /** The start in seconds. */
  readonly start: number;
  /** The duration in seconds. */
  readonly seconds: number;
}

/** The options of a profiled step. */
export interface ProfileOptions {
  /** Whether the step's scalars are recorded, as `run(true)` records them. */
  readonly record?: boolean;
  /** Receives the name, the start and the end of each span of the host, in milliseconds of `performance.now()`. */
  readonly host?: (what: string, from: number, to: number) => void;
}

/** The measured peaks of a device, which bound a kernel in the roofline model. */
export interface DevicePeaks {
  /** Floating-point operations a second, a multiply-add counted as two. */
  readonly flops: number;
  /** Bytes a second that a copy reads and writes. */
  readonly bytes: number;
}

/**
 * The least seconds that a device with these peaks needs for some work. A kernel's share of the roofline is this bound divided
 * by its time. Williams et al. 2009, "Roofline: an insightful visual performance model", bound the rate by
 * min(peak, flops / bytes · bandwidth).
 *
 * @example
 * ```ts
 * import { rooflineSeconds } from "@residua/residua/core";
 * console.log(rooflineSeconds({ flops: 8, bytes: 8 }, { flops: 4, bytes: 2 })); // 4
 * ```
 */
export function rooflineSeconds({ flops, bytes }: Cost, peaks: DevicePeaks): number {
  return Math.max(flops / peaks.flops, bytes / peaks.bytes);
}
