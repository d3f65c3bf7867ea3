/**
 * What the WebGPU kernels of batch norm share. They work on units: vectors of four where planes are whole vectors, else
 * elements. In their text `Unit` is the type, and `Unit()` is zero.
 */

import { type DeviceLimits, elementwise, linearWorkgroups, type WebGpuKernel } from "../../core/mod.ts";
import type { Extents } from "./norm_shape.ts";

/** Elements of a unit. */
export function unitSize({ plane }: Extents): 1 | 4 {
  return plane % 4 === 0 ? 4 : 1;
}

/** WGSL: the type of a unit, and the sum of one. */
export function unitWgsl(e: Extents): string {
  return unitSize(e) === 4
    ? "alias Unit = vec4<f32>;\nfn sumOf(unit: Unit) -> f32 { return dot(unit, vec4<f32>(1.0)); }"
    : "alias Unit = f32;\nfn sumOf(unit: Unit) -> f32 { return unit; }";
}

/** What is done to every unit. */
export interface UnitWork {
  /** The extents. */
  readonly extents: Extents;
  /** WGSL that declares what depends on channel `c` alone. */
  readonly channel: string;
  /** WGSL of unit `i`. */
  readonly unit: string;
  /** The buffers. */
  readonly bindings: WebGpuKernel["bindings"];
}

/** The kernel of one thread a run of adjacent units of a plane; what depends on the channel is loaded once a run. */
export function unitsKernel(
  { extents: e, channel, unit, bindings }: UnitWork,
  run: number,
  limits: DeviceLimits,
): WebGpuKernel {
  const runs = e.plane / unitSize(e) / run, threads = e.batch * e.channels * runs;
  const body = Array.from({ length: run }, (_, k) => `{ let i = first + ${k}u; ${unit} }`).join("\n  ");
  return {
    wgsl: elementwise(
      threads,
      `let c = i / ${runs}u % ${e.channels}u;
  let first = i * ${run}u;
  ${channel}
  ${body}`,
      unitWgsl(e),
    ),
    bindings,
    workgroups: linearWorkgroups(threads, limits),
  };
}

/** The largest divisor of a number that is not above another. */
export function largestDivisor(value: number, most: number): number {
  let divisor = Math.min(value, most);
  while (value % divisor !== 0) divisor--;
  return divisor;
}
