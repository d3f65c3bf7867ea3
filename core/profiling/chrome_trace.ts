/**
 * A profile in the Trace Event Format, which chrome://tracing and https://ui.perfetto.dev open: complete events ("X") in
 * microseconds, the host as one thread and the device as another.
 */

import { rooflineSeconds } from "./profile.ts";
import { formatSpec } from "../graph/shape.ts";
import type { HostSpan, Profile, ProfiledStep } from "./step_profiler.ts";

/** An event of a trace. */
export interface TraceEvent {
  /** The text that is shown. */
  readonly name: string;
  /** The category: `step`, `host` or `kernel`; nothing for the names of threads. */
  readonly cat?: string;
  /** `X` for an event with a duration, `M` for the name of a process or thread. */
  readonly ph: "X" | "M";
  /** Microseconds since the first event. */
  readonly ts?: number;
  /** The duration in microseconds. */
  readonly dur?: number;
  /** The process. */
  readonly pid: number;
  /** The thread. */
  readonly tid: number;
  /** The details that are shown when the event is selected. */
  readonly args: Readonly<Record<string, unknown>>;
}

/** The content of a trace file. */
export interface ChromeTrace {
  /** The events: names first, then in the order of time, an event before those within it. */
  readonly traceEvents: readonly TraceEvent[];
  /** The unit in which times are shown. */
  readonly displayTimeUnit: "ms";
  /** The device, and its peaks in GFLOP/s and GB/s. */
  readonly otherData: Readonly<Record<string, unknown>>;
}

const PROCESS = 1, HOST = 1, FIRST_LANE = 2;

/**
 * Makes a trace of a profile: an event for each step, for each span of the host, and for each dispatch with its variant, shapes,
 * operations and bytes. Dispatches that overlap in time get separate lanes.
 */
export function chromeTrace({ device, peaks, steps }: Profile): ChromeTrace {
  const zero = Math.min(...steps.flatMap(({ start, kernels }) => [start, ...kernels.map((kernel) => kernel.start)]));
  const event = (cat: string, { name, start, seconds }: HostSpan, tid: number, args = {}): TraceEvent => {
    // Ends are rounded, not durations, so that events that do not overlap do not overlap in the file either.
    const from = microseconds(start - zero), to = microseconds(start - zero + seconds);
    return { name, cat, ph: "X", ts: from, dur: microseconds((to - from) / 1e6), pid: PROCESS, tid, args };
  };
  const lanes: number[] = [], events: TraceEvent[] = [];
  for (const step of steps) {
    events.push(event("step", step, HOST), ...step.host.map((span) => event("host", span, HOST)));
    for (const kernel of kernelSpans(step, peaks)) {
      let lane = lanes.findIndex((end) => end <= kernel.start);
      if (lane < 0) lane = lanes.push(0) - 1;
      lanes[lane] = kernel.start + kernel.seconds;
      events.push(event("kernel", kernel, FIRST_LANE + lane, kernel.args));
    }
  }
  events.sort((a, b) => a.ts! - b.ts! || b.dur! - a.dur!);
  const named = (name: string, tid: number, text: string): TraceEvent => ({
    name,
    ph: "M",
    pid: PROCESS,
    tid,
    args: { name: text },
  });
  return {
    traceEvents: [
      named("process_name", HOST, "Residua"),
      named("thread_name", HOST, "host"),
      ...lanes.map((_, lane) =>
        named("thread_name", FIRST_LANE + lane, lane === 0 ? device : `${device}, lane ${lane + 1}`)
      ),
      ...events,
    ],
    displayTimeUnit: "ms",
    otherData: { device, peakGflops: peaks.flops / 1e9, peakGigabytesPerSecond: peaks.bytes / 1e9 },
  };
}

/** The dispatches of a step, with the details of each. */
function kernelSpans(
  { kernels }: ProfiledStep,
  peaks: Profile["peaks"],
): (HostSpan & { readonly args: Readonly<Record<string, unknown>> })[] {
  const applications = new Map<string, { kernels: number; seconds: number }>();
  for (const { application, seconds } of kernels) {
    const known = applications.get(application) ?? { kernels: 0, seconds: 0 };
    applications.set(application, { kernels: known.kernels + 1, seconds: known.seconds + seconds });
  }
  return kernels.map(({ op, variant, application, kernel, kernels, start, seconds, inputs, outputs, cost }) => {
    const all = applications.get(application)!;
    const shapes = kernels > 1 ? {} : {
      inputs: inputs.map(formatSpec),
      outputs: outputs.map(formatSpec),
      kernel: `${kernel + 1} of ${Math.max(all.kernels, kernel + 1)}`,
    };
    // The work and the share of the roofline are those of all kernels of the application together.
    const { flops, bytes } = cost, ofRoofline = rooflineSeconds(cost, peaks) / all.seconds;
    return { name: op, start, seconds, args: { variant, ...shapes, flops, bytes, ofRoofline } };
  });
}

/** Whole nanoseconds, as microseconds. */
function microseconds(seconds: number): number {
  return Math.round(seconds * 1e9) / 1e3;
}
