/**
 * The families of kernels of what batch norm does to every channel in training, forward and backward. There are three, of as
 * many kernels:
 *
 *     three:  sums of parts; the sums of these; every element; where a device binds too few buffers for the last of them, a
 *             kernel more puts what the channel has into one
 *     two:    sums of parts; the sums of these, which every thread adds up for itself, and every element
 *     one:    all of it, a thread or a workgroup a channel
 *
 * Each is there with threads that work by themselves, without barriers, and with workgroups, whose threads join their sums by
 * halves or by subgroups.
 */

import {
  type DeviceAbilities,
  f32,
  implement,
  type Implementation,
  type KernelFamily,
  MAX_ITERATIONS,
  type TensorSpec,
} from "../../core/mod.ts";
import { REDUCE_LANES, type ReduceBy, waysToReduce } from "../../kernels/mod.ts";
import {
  applyKernel,
  buffersOf,
  type ChannelKernel,
  type ChannelWork,
  packedKernels,
  packedNames,
  runsOf,
  type Sharing,
  storeKernel,
  sumsKernel,
} from "./channel_kernels.ts";
import type { Extents } from "./norm_shape.ts";
import { CHANNEL_RULES, SUM_RULES } from "./rules.ts";
import { largestDivisor, unitSize } from "./units.ts";

/** The work on all channels. */
export interface ChannelProblem {
  /** The extents. */
  readonly extents: Extents;
  /** The work on one. */
  readonly work: ChannelWork;
}

/** Who shares a channel's work: threads alone, workgroups, or workgroups that join their sums by subgroups. */
type Configuration = { readonly by: "threads" | ReduceBy };

/** Threads that work by themselves: so many keep all cores busy. */
const THREADS = 512;
/** Units of a run of theirs. */
const THREAD_RUN = 4;
/** The fewest and the most runs of a part of theirs. */
const LEAST_RUNS = 64, MOST_RUNS = 30_000;
/** Runs of such a thread when it applies what is stored. */
const THREAD_APPLIED = 8;
/** The most parts of a channel that workgroups sum, since each thread adds their sums up. */
const MOST_PARTS = 16;
/** The fewest elements of such a part. */
const LEAST_PART = 4096;
/** Units of a workgroup's thread, and how many of them it loads at once. */
const WORKGROUP_UNITS = 8, AHEAD = 4;
/** Threads of a workgroup that has a channel for itself. */
const CHANNEL_LANES = 256;

function sharingOf(e: Extents, by: Configuration["by"]): Sharing {
  if (by === "threads") {
    const run = largestDivisor(e.plane / unitSize(e), THREAD_RUN), runs = runsOf(e, { run });
    const wanted = Math.ceil(runs / Math.ceil(THREADS / e.channels));
    const part = Math.min(MOST_RUNS, Math.max(LEAST_RUNS, wanted));
    return { lanes: 1, reduceBy: "workgroups", run, summed: part, applied: part };
  }
  const runs = runsOf(e, { run: 1 }), summed = Math.max(LEAST_PART / unitSize(e), Math.ceil(runs / MOST_PARTS));
  return { lanes: REDUCE_LANES, reduceBy: by, run: 1, ahead: AHEAD, summed, applied: REDUCE_LANES * WORKGROUP_UNITS };
}

/** The pairs of sums of every part of every channel. */
function partialSums(e: Extents, { run, summed }: Sharing): TensorSpec[] {
  return [f32([e.channels, Math.ceil(runsOf(e, { run }) / summed), 2])];
}

/** Who can share a channel's work on a device. */
function sharersOn(device: DeviceAbilities): Configuration[] {
  return (["threads", ...waysToReduce(device)] as const).map((by) => ({ by }));
}

/** Whether a device binds as many buffers as some kernels need. */
function bindable(
  { work }: Pick<ChannelProblem, "work">,
  { limits }: Pick<DeviceAbilities, "limits">,
  kernels: readonly ChannelKernel[],
): boolean {
  return kernels.every((kernel) => buffersOf(work, kernel).length <= limits.maxStorageBuffersPerShaderStage);
}

/** Three kernels: each binds few buffers, so that any device runs them. */
const THREE: KernelFamily<ChannelProblem, Configuration> = {
  name: "three kernels",
  version: 2,
  supports: () => true,
  configurations: (_problem, device) => sharersOn(device),
  nameOf: ({ by }) => `three kernels of ${by}`,
  emit({ extents: e, work }, { by }, { limits }) {
    const sharing = sharingOf(e, by);
    const applied = by === "threads" ? THREAD_APPLIED : sharing.applied;
    const stored = applyKernel(e, limits, work, { ...sharing, applied }, "stored");
    const isBindable = bindable({ work }, { limits }, ["stored"]);
    return {
      workspace: [...partialSums(e, sharing), ...(isBindable ? [] : [f32([e.channels, packedNames(work).length])])],
      kernels: [
        sumsKernel(e, limits, work, sharing),
        storeKernel(e, limits, work, sharing),
        ...(isBindable ? [stored] : packedKernels(e, limits, work, stored)),
      ],
    };
  },
};

/** Two kernels: the second adds the parts' sums up in each thread. */
const TWO: KernelFamily<ChannelProblem, Configuration> = {
  name: "two kernels",
  version: 2,
  supports: (problem, device) => bindable(problem, device, ["sums", "parts"]),
  configurations: (_problem, device) => sharersOn(device),
  nameOf: ({ by }) => `two kernels of ${by}`,
  emit({ extents: e, work }, { by }, { limits }) {
    const sharing = sharingOf(e, by);
    return {
      workspace: partialSums(e, sharing),
      kernels: [sumsKernel(e, limits, work, sharing), applyKernel(e, limits, work, sharing, "parts")],
    };
  },
};

/** One kernel: a thread or a workgroup has a channel for itself. */
const ONE: KernelFamily<ChannelProblem, Configuration> = {
  name: "one kernel",
  version: 2,
  supports: (problem, device) => bindable(problem, device, ["channel"]),
  configurations: ({ extents: e }, device) =>
    sharersOn(device).filter(({ by }) =>
      by === "threads"
        ? 3 * runsOf(e, sharingOf(e, by)) <= MAX_ITERATIONS
        : CHANNEL_LANES <= device.limits.maxComputeInvocationsPerWorkgroup
    ),
  nameOf: ({ by }) => `one kernel of ${by}`,
  emit({ extents: e, work }, { by }, { limits }) {
    const sharing = sharingOf(e, by), runs = runsOf(e, sharing);
    const summed = by === "threads" ? LEAST_RUNS : runs, lanes = by === "threads" ? 1 : CHANNEL_LANES;
    return { kernels: [applyKernel(e, limits, work, { ...sharing, lanes, summed, applied: runs }, "channel")] };
  },
};

/** How the work on all channels can run. */
export function channelKernels(extents: Extents, work: ChannelWork): Implementation {
  return implement({ extents, work }, [THREE, TWO, ONE], CHANNEL_RULES);
}

/** Sums of parts, then the sums of these; elements are left alone. */
const SUMS: KernelFamily<ChannelProblem, Configuration> = {
  name: "sums",
  version: 2,
  supports: () => true,
  configurations: (_problem, device) => sharersOn(device),
  nameOf: ({ by }) => `sums by ${by}`,
  emit({ extents: e, work }, { by }, { limits }) {
    const sharing = sharingOf(e, by);
    return {
      workspace: partialSums(e, sharing),
      kernels: [sumsKernel(e, limits, work, sharing), storeKernel(e, limits, work, sharing)],
    };
  },
};

/** How the sums of all channels can be computed and stored, where no element is. */
export function channelSumKernels(extents: Extents, sums: Omit<ChannelWork, "reload" | "apply">): Implementation {
  const work = { ...sums, reload: { buffers: [], text: "" }, apply: { buffers: [], channel: "", unit: "" } };
  return implement({ extents, work }, [SUMS], SUM_RULES);
}
