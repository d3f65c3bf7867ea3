/**
 * What the WebGPU kernels of batch norm share. They work on units: vectors of four where planes are whole vectors, else
 * elements. In their text `Unit` is the type, and `Unit()` is zero.
 */

import { elementwise, linearWorkgroups, type WebGpuKernel, type WebGpuLimits } from "../../core/mod.ts";
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

/** Units of a plane that one thread takes where loads are slow, so that it loads what is the channel's once. */
const RUN = 8;

/**
 * The pass over every unit.
 *
 * @param channel WGSL that declares what depends on channel `c` alone.
 * @param unit WGSL of unit `i`.
 */
export function unitsPass(
  e: Extents,
  limits: WebGpuLimits,
  channel: string,
  unit: string,
  bindings: WebGpuKernel["bindings"],
): WebGpuKernel {
  const plane = e.plane / unitSize(e), run = limits.software ? largestDivisor(plane, RUN) : 1;
  const runs = plane / run, threads = e.batch * e.channels * runs;
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
