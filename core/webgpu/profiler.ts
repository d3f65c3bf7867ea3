/**
 * Times every dispatch of a program by timestamp queries. Each dispatch gets a compute pass of its own, so that a profiled
 * step is slower than a plain one; the times of the dispatches are those of the kernels alone.
 */

import type { Cost } from "../op.ts";
import { DeviceError } from "../errors.ts";
import { encodeTexelCopy, type TexelCopy } from "./texels.ts";

/**
 * A dispatch as the profiler sees it: a pass of an op's application, or several small passes that share the dispatch.
 */
export interface ProfiledDispatch {
  /** The op's name; of several, each name once, joined by " + ". */
  readonly op: string;
  /** The variant's name; of several passes, how many there are. */
  readonly variant: string;
  /** Which of the variant's passes it is, from 0; of several passes, that of the first. */
  readonly pass: number;
  /** The number of the op's application in the program; of several, that of the first. */
  readonly node: number;
  /**
   * The work of the application, of all its passes together; of several passes, the work of the applications that have no
   * others.
   */
  readonly cost: Cost;
  /** The passes in the dispatch. */
  readonly passes: number;
}

/** A pass, and the work that it does by itself: the application's if this has no other pass, else none. */
export interface ProfiledPass extends Omit<ProfiledDispatch, "passes"> {
  /** Whether the application has no other pass. */
  readonly whole: boolean;
}

/** What passes that share a dispatch are together. */
export function joinProfiles(passes: readonly ProfiledPass[]): ProfiledDispatch {
  const [{ whole: _, ...first }] = passes;
  if (passes.length === 1) return { ...first, passes: 1 };
  const wholes = passes.filter(({ whole }) => whole).map(({ cost }) => cost);
  return {
    ...first,
    op: [...new Set(passes.map(({ op }) => op))].join(" + "),
    variant: `${passes.length} passes`,
    cost: {
      flops: wholes.reduce((sum, { flops }) => sum + flops, 0),
      bytes: wholes.reduce((sum, { bytes }) => sum + bytes, 0),
    },
    passes: passes.length,
  };
}

/** A dispatch and its time. */
export interface DispatchTime extends ProfiledDispatch {
  /** Seconds on the device. */
  readonly seconds: number;
}

/** Queries of a set; WebGPU allows 4096. */
const QUERIES = 4096;

/** Timestamps around the dispatches of one step. */
export class Profiler {
  readonly #device: GPUDevice;
  readonly #dispatches: number;
  readonly #set: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #staging: GPUBuffer;

  /**
   * Makes the queries.
   *
   * @throws {DeviceError} If the device has no timestamps, or the program has too many dispatches.
   */
  constructor(device: GPUDevice, dispatches: number) {
    if (!device.features.has("timestamp-query")) {
      throw new DeviceError("This adapter has no timestamp queries, so that kernels cannot be timed on it");
    }
    if (2 * dispatches > QUERIES) {
      throw new DeviceError(`Expected at most ${QUERIES / 2} dispatches to profile but the program has ${dispatches}`);
    }
    this.#device = device;
    this.#dispatches = dispatches;
    const size = 16 * dispatches;
    this.#set = device.createQuerySet({ type: "timestamp", count: 2 * dispatches });
    this.#resolved = device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    this.#staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  }

  /** Begins the pass of a dispatch. The copies that it needs count as a part of it. */
  begin(encoder: GPUCommandEncoder, dispatch: number, copies: readonly TexelCopy[]): GPUComputePassEncoder {
    const first = { beginningOfPassWriteIndex: 2 * dispatch }, last = { endOfPassWriteIndex: 2 * dispatch + 1 };
    const querySet = this.#set;
    if (copies.length === 0) return encoder.beginComputePass({ timestampWrites: { querySet, ...first, ...last } });
    encoder.beginComputePass({ timestampWrites: { querySet, ...first } }).end();
    for (const copy of copies) encodeTexelCopy(encoder, copy);
    return encoder.beginComputePass({ timestampWrites: { querySet, ...last } });
  }

  /** Ends a step's commands. */
  resolve(encoder: GPUCommandEncoder): void {
    encoder.resolveQuerySet(this.#set, 0, 2 * this.#dispatches, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, 16 * this.#dispatches);
  }

  /** The seconds of each dispatch of the submitted step; waits for the device. */
  async read(): Promise<number[]> {
    await this.#staging.mapAsync(GPUMapMode.READ);
    const ticks = new BigUint64Array(this.#staging.getMappedRange().slice(0));
    this.#staging.unmap();
    const seconds = await secondsOfTick(this.#device);
    return Array.from(
      { length: this.#dispatches },
      (_, i) => Number(ticks[2 * i + 1] - ticks[2 * i]) * seconds,
    );
  }

  /** Gives the queries and buffers back. */
  destroy(): void {
    this.#set.destroy();
    this.#resolved.destroy();
    this.#staging.destroy();
  }
}

const calibrations = new WeakMap<GPUDevice, Promise<number>>();
/** How long the clocks are compared. */
const CALIBRATION_MILLISECONDS = 100;

/** WebGPU counts nanoseconds, but a runtime may hand out the device's own ticks: two stamps are held against the clock. */
function secondsOfTick(device: GPUDevice): Promise<number> {
  const known = calibrations.get(device);
  if (known !== undefined) return known;
  const calibration = (async () => {
    const first = await stamp(device);
    await new Promise((resolve) => setTimeout(resolve, CALIBRATION_MILLISECONDS));
    const second = await stamp(device);
    const measured = (second.milliseconds - first.milliseconds) / 1000 / Number(second.ticks - first.ticks);
    // The comparison is good to a few percent: a tick that is about a nanosecond is one.
    return Math.abs(measured / 1e-9 - 1) < 0.2 ? 1e-9 : measured;
  })();
  calibrations.set(device, calibration);
  return calibration;
}

/** The device's time in ticks, and this process's in the middle of asking for it. */
async function stamp(device: GPUDevice): Promise<{ ticks: bigint; milliseconds: number }> {
  const querySet = device.createQuerySet({ type: "timestamp", count: 1 });
  const resolved = device.createBuffer({ size: 8, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
  const staging = device.createBuffer({ size: 8, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.beginComputePass({ timestampWrites: { querySet, beginningOfPassWriteIndex: 0 } }).end();
  encoder.resolveQuerySet(querySet, 0, 1, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, staging, 0, 8);
  const before = performance.now();
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const after = performance.now();
  const [ticks] = new BigUint64Array(staging.getMappedRange().slice(0));
  for (const used of [querySet, resolved, staging]) used.destroy();
  return { ticks, milliseconds: (before + after) / 2 };
}
