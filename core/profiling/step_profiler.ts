/** Profiles steps: the dispatches of the programs that run in them, and the spans of the host. */

import type { Program } from "../compile.ts";
import { median } from "../util/median.ts";
import type { Cost } from "../op.ts";
import { type DevicePeaks, type DispatchTime, rooflineSeconds } from "./profile.ts";
import type { TensorSpec } from "../graph/shape.ts";

/** A dispatch in a profiled step. */
export interface ProfiledKernel extends DispatchTime {
  /** The node's name within the step; the kernels of one node have the same. */
  readonly application: string;
  /** The node's arguments. */
  readonly inputs: readonly TensorSpec[];
  /** The node's results. */
  readonly outputs: readonly TensorSpec[];
}

/** A span of the host's work. */
export interface HostSpan {
  /** The name of the work. */
  readonly name: string;
  /** The start in seconds. */
  readonly start: number;
  /** The duration in seconds. */
  readonly seconds: number;
}

/** A profiled step. */
export interface ProfiledStep extends HostSpan {
  /** The dispatches, in the order in which they ran. */
  readonly kernels: readonly ProfiledKernel[];
  /** The host's spans within the step, in the order of their ends. */
  readonly host: readonly HostSpan[];
}

/** Profiled steps of the same work. */
export interface Profile {
  /** The device's description. */
  readonly device: string;
  /** The device's peaks. */
  readonly peaks: DevicePeaks;
  /** The steps, oldest first. */
  readonly steps: readonly ProfiledStep[];
}

/** Equal nodes of a step, or merged dispatches of the same ops. */
export interface ProfileRow extends Cost {
  /** The op's name. */
  readonly op: string;
  /** The variant's name. */
  readonly variant: string;
  /** The arguments of each node; empty for merged dispatches. */
  readonly inputs: readonly TensorSpec[];
  /** The results of each node; empty for merged dispatches. */
  readonly outputs: readonly TensorSpec[];
  /** The number of nodes, or of merged dispatches. */
  readonly calls: number;
  /** The seconds of all of them. */
  readonly seconds: number;
  /** The least seconds that the device needs for them, by {@link rooflineSeconds}. */
  readonly boundSeconds: number;
}

/**
 * Collects profiled steps.
 *
 * @example
 * ```ts
 * import { f32, Graph } from "@residua/residua";
 * import { compile, CpuBackend, StepProfiler } from "@residua/residua/core";
 * import { relu } from "@residua/residua/ops";
 * const backend = new CpuBackend(), graph = new Graph(), [y] = relu.apply(graph, [graph.input("x", f32([4]))]);
 * const program = await compile(graph, backend, { outputs: { y } }), profiler = new StepProfiler();
 * await profiler.step("first", () => profiler.run(program));
 * console.log(profiler.steps[0].kernels[0].op); // relu
 * ```
 */
export class StepProfiler {
  /** The steps so far. */
  readonly steps: ProfiledStep[] = [];
  #kernels: ProfiledKernel[] = [];
  #host: HostSpan[] = [];
  #runs = 0;

  /** Profiles a step: all calls of {@link StepProfiler.run} and {@link StepProfiler.span} within `work` belong to it. */
  async step(name: string, work: () => Promise<void>): Promise<void> {
    this.#kernels = [];
    this.#host = [];
    this.#runs = 0;
    const from = performance.now();
    await work();
    this.steps.push({ ...spanOf(name, from, performance.now()), kernels: this.#kernels, host: this.#host });
  }

  /** Runs and times work of the host. */
  async span<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const from = performance.now(), result = await work();
    this.#host.push(spanOf(name, from, performance.now()));
    return result;
  }

  /**
   * Runs a program once and times it; waits for the device.
   *
   * @param record Whether its scalars are recorded, as `run(true)` records them.
   */
  async run(program: Program, record = false): Promise<void> {
    const run = this.#runs++, { nodes } = program.plan;
    const host = (name: string, from: number, to: number) => this.#host.push(spanOf(name, from, to));
    for (const [index, time] of (await program.profile({ record, host })).entries()) {
      const { inputs, outputs } = nodes[time.node];
      const application = time.kernels > 1 ? `${run} shared ${index}` : `${run} ${time.node}`;
      this.#kernels.push({ ...time, application, inputs, outputs });
    }
  }
}

function spanOf(name: string, from: number, to: number): HostSpan {
  return { name, start: from / 1000, seconds: (to - from) / 1000 };
}

/**
 * Joins equal nodes into rows, the slowest first. The time of a dispatch is its median over the steps.
 *
 * @param profile Steps of the same programs in the same order. Steps with another number of dispatches than the last one, such
 * as those that ran a prologue, are left out.
 */
export function profileRows({ steps, peaks }: Profile): ProfileRow[] {
  const rows = new Map<string, { -readonly [K in keyof ProfileRow]: ProfileRow[K] }>(), counted = new Set<string>();
  const last = steps.at(-1)?.kernels ?? [], alike = steps.filter(({ kernels }) => kernels.length === last.length);
  for (const [index, { op, variant, application, cost, kernels, ...specs }] of last.entries()) {
    // Merged kernels have no common shapes.
    const inputs = kernels > 1 ? [] : specs.inputs, outputs = kernels > 1 ? [] : specs.outputs;
    const key = JSON.stringify([op, variant, inputs, outputs]);
    const row = rows.get(key) ??
      { op, variant, inputs, outputs, calls: 0, seconds: 0, flops: 0, bytes: 0, boundSeconds: 0 };
    rows.set(key, row);
    row.seconds += median(alike.map(({ kernels }) => kernels[index].seconds));
    if (counted.has(application)) continue;
    counted.add(application);
    row.calls++;
    row.flops += cost.flops;
    row.bytes += cost.bytes;
    row.boundSeconds += rooflineSeconds(cost, peaks);
  }
  return [...rows.values()].sort((a, b) => b.seconds - a.seconds);
}
