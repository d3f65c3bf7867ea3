/**
 * What the WebGPU kernels of batch norm share. They work on units: vectors of four where planes are whole vectors, else
 * elements. In their text `Unit` is the type, and `Unit()` is zero.
 */

import { elementwise, linearWorkgroups, type WebGpuLimits, type WebGpuPass } from "../../core/mod.ts";
import { REDUCE_LANES, rowMain, workgroupSum } from "../_reduce.ts";
import type { Extents } from "./common.ts";

/** Elements of a unit. */
export function unitSize({ plane }: Extents): 1 | 4 {
  return plane % 4 === 0 ? 4 : 1;
}

/** WGSL: the type of a unit, and the sum of one. */
function unitWgsl(e: Extents): string {
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

/**
 * Into how many parts a channel's sums are split, so that few channels still fill the device. Software adapters take a
 * thread a part, since barriers are slow there; others take a workgroup.
 */
export function partsOf(e: Extents, { software }: WebGpuLimits): number {
  const wanted = software ? Math.min(128, Math.ceil(e.count / 1024)) : Math.min(64, Math.ceil(e.count / 4096));
  const least = Math.ceil(e.count / unitSize(e) / MAX_UNITS);
  return software ? Math.max(1, wanted, least) : Math.max(1, wanted);
}

/** Units that a thread adds up at most: lavapipe's loops end after 65,535 iterations. */
const MAX_UNITS = 32_768;

/** WGSL: the first unit of part `part` of a channel, and the memory index of the channel's unit k. */
export function partWgsl(e: Extents, limits: WebGpuLimits): string {
  const units = e.count / unitSize(e), plane = e.plane / unitSize(e), size = Math.ceil(units / partsOf(e, limits));
  return `fn partStart(part: u32) -> u32 { return min(part * ${size}u, ${units}u); }
fn place(channel: u32, k: u32) -> u32 { return (k / ${plane}u * ${e.channels}u + channel) * ${plane}u + k % ${plane}u; }`;
}

/**
 * The pass that computes two numbers of each part of each channel and writes them to `partial` [channels, parts, 2].
 *
 * @param sums The names of the sums over the part that `results` takes, as `reduceName(lane, value)`.
 * @param body WGSL that visits the units `place(channel, k)` for k from `first` to `end` in steps of `step`.
 * @param results WGSL of both numbers, the same for all threads of a part.
 */
export function partsPass(
  e: Extents,
  limits: WebGpuLimits,
  sums: readonly string[],
  body: string,
  results: readonly [string, string],
  bindings: WebGpuPass["bindings"],
): WebGpuPass {
  const parts = partsOf(e, limits), count = e.channels * parts;
  const visit = `let channel = slot / ${parts}u;
  let part = slot % ${parts}u;
  let first = partStart(part) + lane;
  let end = partStart(part + 1u);
  ${body}`;
  const stores = results.map((_, k) => `partial[slot * 2u + ${k}u] = result${k};`).join(" ");
  const values = results.map((text, k) => `let result${k} = ${text};`).join("\n  ");
  const declarations = `${unitWgsl(e)}\n${partWgsl(e, limits)}`;
  if (limits.software) {
    const alone = sums.map((name) => `fn ${reducer(name)}(lane: u32, value: f32) -> f32 { return value; }`).join("\n");
    const text = `let slot = i; let lane = 0u; let step = 1u;
  ${visit}
  ${values}
  ${stores}`;
    return {
      wgsl: elementwise(count, text, `${declarations}\n${alone}`),
      bindings,
      workgroups: linearWorkgroups(count, limits),
    };
  }
  return {
    wgsl: `${workgroupSum(sums)}
${declarations}
${rowMain(count)}
  let slot = row; let step = ${REDUCE_LANES}u;
  ${visit}
  ${values}
  if (lane == 0u) { ${stores} }
}`,
    bindings,
    workgroups: linearWorkgroups(count, limits, 1),
  };
}

function reducer(name: string): string {
  return `reduce${name[0].toUpperCase()}${name.slice(1)}`;
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
