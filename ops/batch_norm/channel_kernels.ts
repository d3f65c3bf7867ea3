/**
 * The text of the WebGPU kernels of what batch norm does to every channel in training, forward and backward: two sums over
 * the channel, what follows from them, and what this makes of each element.
 */

import { boundAtRun, type DeviceLimits, elementKernel, linearWorkgroups, type WebGpuKernel } from "../../core/mod.ts";
import { range, type ReduceBy, rowMain, workgroupSum } from "../../kernels/mod.ts";
import type { Extents } from "./norm_shape.ts";
import { unitSize, unitWgsl } from "./units.ts";

/**
 * The work on a channel `c`. Buffers are listed by name; one that ends in `!` is written, one with a `*` is of units.
 * Pieces of WGSL may name buffers that their own list, or that of the sums, holds.
 */
export interface ChannelWork {
  /** The names of the op's inputs and outputs, in their order. */
  readonly names: readonly string[];
  /** Two numbers of a part of the channel, `first` and `second`. */
  readonly sums: {
    readonly buffers: readonly string[];
    /** WGSL that declares the sums. */
    readonly start: string;
    /** WGSL that takes in the units at some positions. */
    readonly take: (positions: readonly string[]) => string;
    /** The names of two functions that add up a number over the threads of a part: `reduceTotal` for "total". */
    readonly reducers: readonly [string, string];
    /** WGSL that declares both numbers, the same in all threads, for a part of `units` units. */
    readonly finish: string;
  };
  /** WGSL that declares the numbers of the channel, takes in the `pair` of a part of `size` elements, and ends. */
  readonly join: { readonly start: string; readonly take: string; readonly finish: string };
  /** WGSL that stores what is the channel's. */
  readonly store: { readonly buffers: readonly string[]; readonly text: string };
  /** WGSL that declares what `join` does, of what is stored. */
  readonly reload: { readonly buffers: readonly string[]; readonly text: string };
  /** WGSL of what elements need of the channel, and of unit `i`. */
  readonly apply: { readonly buffers: readonly string[]; readonly channel: string; readonly unit: string };
}

/** How threads share the work. */
export interface Sharing {
  /** Threads that work on a part together; 1 if each works by itself. */
  readonly lanes: number;
  /** How these threads join what they have summed up. */
  readonly reduceBy: ReduceBy;
  /** Adjacent units that a thread takes at a time: a run. */
  readonly run: number;
  /** Runs of one unit, `lanes` apart, that a thread loads at once, so that it waits for memory once for all. Defaults to 1. */
  readonly ahead?: number;
  /** Runs of a part that is summed up. */
  readonly summed: number;
  /** Runs of a part whose elements are computed. */
  readonly applied: number;
}

/** Threads that work by themselves come in workgroups of a processor's vector, so that few threads fill several cores. */
const VECTOR = 8;

/** Runs of a channel. */
export function runsOf(e: Extents, { run }: Pick<Sharing, "run">): number {
  return e.count / unitSize(e) / run;
}

/** WGSL of the loop over a part's runs, and of what is done to the units at some positions. */
function visit(
  e: Extents,
  { lanes, run, ahead = 1 }: Sharing,
  part: string,
  size: number,
  body: (positions: readonly string[]) => string,
): string {
  const plane = e.plane / unitSize(e) / run, runs = runsOf(e, { run });
  const index = (k: string) => `(${k} / ${plane}u * ${e.channels}u + c) * ${plane}u + ${k} % ${plane}u`;
  const first = `${part} * ${size}u + lane`, end = `min((${part} + 1u) * ${size}u, ${runs}u)`;
  if (ahead === 1) {
    return `for (var k = ${first}; k < ${end}; k += ${lanes}u) {
    let p = (${index("k")}) * ${run}u;
    ${body(range(run).map((unit) => `p + ${unit}u`))}
  }`;
  }
  const take = (count: number) =>
    `${
      range(count).map((unit) => `let k${unit} = k + ${unit * lanes}u; let p${unit} = ${index(`k${unit}`)};`).join(" ")
    }
    ${body(range(count).map((unit) => `p${unit}`))}`;
  return `let last = ${end};
  var k = ${first};
  for (; k + ${(ahead - 1) * lanes}u < last; k += ${ahead * lanes}u) {
    ${take(ahead)}
  }
  for (; k < last; k += ${lanes}u) {
    ${take(1)}
  }`;
}

/** WGSL of `unitsOf(part)`, the units of a part that is summed up. */
function unitsOfPart(e: Extents, { run, summed }: Sharing): string {
  const runs = runsOf(e, { run });
  return `fn unitsOf(part: u32) -> f32 {
  return f32((min((part + 1u) * ${summed}u, ${runs}u) - part * ${summed}u) * ${run}u);
}`;
}

/** WGSL of `sumsOf(c, part, lane)`, both numbers of a part, the same in all of its threads. */
function sumsWgsl(e: Extents, { sums }: ChannelWork, sharing: Sharing): string {
  const alone = sums.reducers.map((name) =>
    `fn reduce${name[0].toUpperCase()}${name.slice(1)}(lane: u32, value: f32) -> f32 { return value; }`
  );
  return `${sharing.lanes === 1 ? alone.join("\n") : workgroupSum(sums.reducers, sharing.reduceBy, sharing.lanes)}
fn sumsOf(c: u32, part: u32, lane: u32) -> vec2<f32> {
  ${sums.start}
  ${visit(e, sharing, "part", sharing.summed, sums.take)}
  let units = unitsOf(part);
  ${sums.finish}
  return vec2<f32>(first, second);
}`;
}

/** WGSL of the numbers of channel `c`, of what a part's are: of `partial`, or as they are computed. */
function joinWgsl(e: Extents, { join }: ChannelWork, sharing: Sharing, from: "partial" | "channel"): string {
  const parts = Math.ceil(runsOf(e, sharing) / sharing.summed);
  const [count, pair] = from === "channel"
    ? [`${parts}u`, "sumsOf(c, part, lane)"]
    : sharing.ahead === undefined
    ? [boundAtRun(parts, "partial"), partialPair(parts, "part")]
    : [`${parts}u`, "pairs[part]"];
  // All are loaded before the first is taken in.
  const loads = range(parts).map((part) => partialPair(parts, `${part}u`)).join(", ");
  return `${join.start}
  ${
    pair === "pairs[part]"
      ? `var pairs = array<vec2<f32>, ${parts}>(${loads});\n  `
      : ""
  }for (var part = 0u; part < ${count}; part++) {
    let pair = ${pair};
    let size = unitsOf(part) * ${unitSize(e)}.0;
    ${join.take}
  }
  ${join.finish}`;
}

function partialPair(parts: number, part: string): string {
  const first = `(c * ${parts}u + ${part}) * 2u`;
  return `vec2<f32>(partial[${first}], partial[${first} + 1u])`;
}

/** WGSL that computes the units at some positions: all are loaded before the first is stored. */
function applyUnits({ apply }: ChannelWork, positions: readonly string[]): string {
  const read = apply.buffers.filter((name) => name.endsWith("*") && !name.includes("!")).map((name) =>
    name.slice(0, -1)
  );
  const loads = positions.flatMap((at, unit) => read.map((name) => `let ${name}_${unit} = ${name}[${at}];`));
  const unit = (at: string, number: number) => {
    const text = read.reduce(
      (text, name) => text.replaceAll(new RegExp(`\\b${name}\\[i\\]`, "g"), `${name}_${number}`),
      apply.unit,
    );
    return `{ let i = ${at}; ${text} }`;
  };
  return [...loads, ...positions.map(unit)].join("\n    ");
}

/** A kernel of `count` parts, a thread or a workgroup each, that declares `slot`, its number, and `lane`. */
function partsKernel(
  count: number,
  limits: DeviceLimits,
  { lanes }: Sharing,
  declarations: string,
  body: string,
): Pick<WebGpuKernel, "wgsl" | "workgroups"> {
  if (lanes > 1) {
    const wgsl = `${declarations}\n${rowMain(count, lanes)}\n  let slot = row;\n  ${body}\n}`;
    return { wgsl, workgroups: linearWorkgroups(count, limits, 1) };
  }
  return {
    wgsl: `${declarations}
@compute @workgroup_size(${VECTOR})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let slot = id.y * (groups.x * ${VECTOR}u) + id.x;
  if (slot >= ${count}u) { return; }
  let lane = 0u;
  ${body}
}`,
    workgroups: linearWorkgroups(count, limits, VECTOR),
  };
}

/** The sums of every part of every channel, in `partial` [channels, parts, 2]. */
export function sumsKernel(e: Extents, limits: DeviceLimits, work: ChannelWork, sharing: Sharing): WebGpuKernel {
  const parts = Math.ceil(runsOf(e, sharing) / sharing.summed);
  const declarations = `${unitWgsl(e)}\n${unitsOfPart(e, sharing)}\n${sumsWgsl(e, work, sharing)}`;
  const body = `let pair = sumsOf(slot / ${parts}u, slot % ${parts}u, lane);
  if (lane == 0u) { partial[slot * 2u] = pair.x; partial[slot * 2u + 1u] = pair.y; }`;
  return {
    ...partsKernel(e.channels * parts, limits, sharing, declarations, body),
    bindings: bindingsOf(e, work, buffersOf(work, "sums")),
  };
}

/** What is the channel's. */
export function storeKernel(e: Extents, limits: DeviceLimits, work: ChannelWork, sharing: Sharing): WebGpuKernel {
  return elementKernel(
    {
      count: e.channels,
      iterations: Math.ceil(runsOf(e, sharing) / sharing.summed),
      body: `let c = i;\n  ${joinWgsl(e, work, sharing, "partial")}\n  ${work.store.text}`,
      declarations: unitsOfPart(e, sharing),
    },
    bindingsOf(e, work, buffersOf(work, "store")),
    limits,
  );
}

/** Normalises every element. Statistics come from a stored result, from partial sums, or are computed in place. */
export function applyKernel(
  e: Extents,
  limits: DeviceLimits,
  work: ChannelWork,
  sharing: Sharing,
  from: "stored" | "parts" | "channel",
): WebGpuKernel {
  const { store, reload, apply } = work, parts = Math.ceil(runsOf(e, sharing) / sharing.applied);
  const units = (positions: readonly string[]) =>
    sharing.ahead === undefined
      ? positions.map((at) => `{ let i = ${at}; ${apply.unit} }`).join("\n    ")
      : applyUnits(work, positions);
  const numbers = from === "stored"
    ? reload.text
    : `${
      joinWgsl(e, work, sharing, from === "parts" ? "partial" : "channel")
    }\n  if (applied == 0u && lane == 0u) { ${store.text} }`;
  const declarations = [
    unitWgsl(e),
    ...(from === "stored" ? [] : [unitsOfPart(e, sharing)]),
    ...(from === "channel" ? [sumsWgsl(e, work, sharing)] : []),
  ];
  const body = `let c = slot / ${parts}u;
  let applied = slot % ${parts}u;
  ${numbers}
  ${apply.channel}
  ${visit(e, sharing, "applied", sharing.applied, units)}`;
  return {
    ...partsKernel(e.channels * parts, limits, sharing, declarations.join("\n"), body),
    bindings: bindingsOf(e, work, buffersOf(work, from)),
  };
}

/**
 * The kernel that computes every element of what is stored, for devices that bind fewer buffers than it has: what it reads of
 * the channel comes from one buffer, which a kernel before it fills. That buffer is the second of the workspace.
 *
 * @param stored The kernel as {@link applyKernel} makes it.
 */
export function packedKernels(
  e: Extents,
  limits: DeviceLimits,
  work: ChannelWork,
  stored: WebGpuKernel,
): WebGpuKernel[] {
  const names = packedNames(work), packed = { name: "packed", index: work.names.length + 1 };
  const isPacked = ({ name }: { readonly name: string }) => names.includes(name);
  const body = names.map((name, k) => `packed[i * ${names.length}u + ${k}u] = ${name}[i];`).join(" ");
  const pack = elementKernel({ count: e.channels, body }, [
    ...stored.bindings.filter(isPacked),
    { ...packed, write: true },
  ], limits);
  const wgsl = names.reduce(
    (text, name, k) => text.replaceAll(new RegExp(`\\b${name}\\[c\\]`, "g"), `packed[c * ${names.length}u + ${k}u]`),
    stored.wgsl,
  );
  return [pack, { ...stored, wgsl, bindings: [...stored.bindings.filter((each) => !isPacked(each)), packed] }];
}

/** What the kernel that computes every element reads of the channel: a number of each buffer. */
export function packedNames(work: ChannelWork): string[] {
  return buffersOf(work, "stored").filter((text) => !/[!*]/.test(text));
}

/** What a kernel does: sums parts, stores what is the channel's, or computes every element of what is known by then. */
export type ChannelKernel = "sums" | "store" | "stored" | "parts" | "channel";

/** The buffers that a kernel names, each once; of one that is named in several ways, that in which it is written. */
export function buffersOf({ sums, store, reload, apply }: ChannelWork, kernel: ChannelKernel): string[] {
  const named = {
    sums: [...sums.buffers, "partial!"],
    store: ["partial", ...store.buffers],
    stored: [...apply.buffers, ...reload.buffers],
    parts: [...apply.buffers, "partial", ...store.buffers],
    channel: [...apply.buffers, ...sums.buffers, ...store.buffers],
  }[kernel];
  const buffers = new Map<string, string>();
  for (const text of named) {
    const name = text.replace(/[!*]+$/, ""), known = buffers.get(name);
    buffers.set(name, known?.includes("!") && !text.includes("!") ? `${name}!${text.slice(name.length)}` : text);
  }
  return [...buffers.values()];
}

/** The bindings of {@link buffersOf}. */
function bindingsOf(e: Extents, { names }: ChannelWork, buffers: readonly string[]): WebGpuKernel["bindings"] {
  return buffers.map((text) => {
    const name = text.replace(/[!*]+$/, "");
    const index = name === "partial" ? names.length : names.indexOf(name);
    return { name, index, write: text.includes("!"), vector: text.includes("*") && unitSize(e) === 4 };
  });
}
