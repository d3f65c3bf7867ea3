/**
 * What the WebGPU kernels of batch norm share. They work on units: vectors of four where planes are whole vectors, else
 * elements. In their text `Unit` is the type, and `Unit()` is zero.
 */

import { elementwise, linearWorkgroups, type WebGpuLimits, type WebGpuPass } from "../../core/mod.ts";
import type { Extents } from "./common.ts";

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

/** Names of buffers in the order of their indices; a name that ends in `!` is written, one with a `*` is of units. */
export function bindingsOf(names: readonly string[], e: Extents, used: readonly string[]): WebGpuPass["bindings"] {
  return used.map((text) => {
    const name = text.replace(/[!*]+$/, "");
    return {
      name,
      index: names.indexOf(name),
      write: text.includes("!"),
      vector: text.includes("*") && unitSize(e) === 4,
    };
  });
}

/** Into how many parts a channel's sums are split, so that few channels still fill the device. */
export function partsOf({ count }: Extents, { software }: WebGpuLimits): number {
  return Math.max(1, Math.min(64, Math.ceil(count / (software ? 16_384 : 4096))));
}

/** WGSL: the first unit of part `part` of a channel, and the memory index of the channel's unit k. */
export function partWgsl(e: Extents, limits: WebGpuLimits): string {
  const units = e.count / unitSize(e), plane = e.plane / unitSize(e), size = Math.ceil(units / partsOf(e, limits));
  return `fn partStart(part: u32) -> u32 { return min(part * ${size}u, ${units}u); }
fn place(channel: u32, k: u32) -> u32 { return (k / ${plane}u * ${e.channels}u + channel) * ${plane}u + k % ${plane}u; }`;
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
  bindings: WebGpuPass["bindings"],
): WebGpuPass {
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

function largestDivisor(value: number, most: number): number {
  let divisor = Math.min(value, most);
  while (value % divisor !== 0) divisor--;
  return divisor;
}
