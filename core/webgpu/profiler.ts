/**
 * Times every dispatch of a program by timestamp queries. Each dispatch gets a compute pass of its own. So a profiled step is
 * slower than a plain one, but the time of a dispatch is that of its kernels only.
 */

import { DeviceError } from "../util/errors.ts";
import type { ProfiledDispatch } from "../profiling/profile.ts";
import type { WebGpuBackend } from "./backend.ts";
import { BufferUsage } from "./constants.ts";
import { encodeTexelCopy, type TexelCopy } from "./texels.ts";

/** A kernel in a profile. Its cost is that of its whole node. */
export interface ProfiledKernel extends Omit<ProfiledDispatch, "kernels"> {
  /** Whether it is the only kernel of its node, so that a merged dispatch does all of the node's work. */
  readonly whole: boolean;
}

/** The profile of a dispatch from those of its kernels. */
export function joinProfiles(kernels: readonly ProfiledKernel[]): ProfiledDispatch {
  const [{ whole: _, ...first }] = kernels;
  if (kernels.length === 1) return { ...first, kernels: 1 };
  const costs = kernels.filter(({ whole }) => whole).map(({ cost }) => cost);
  return {
    ...first,
    op: [...new Set(kernels.map(({ op }) => op))].join(" + "),
    variant: `${kernels.length} kernels`,
    cost: {
      flops: costs.reduce((sum, { flops }) => sum + flops, 0),
      bytes: costs.reduce((sum, { bytes }) => sum + bytes, 0),
    },
    kernels: kernels.length,
  };
}

/** Dispatches of a query set: each takes two queries, and WebGPU allows 4096 a set. */
const SET_DISPATCHES = 2048;

/** The start and the duration of a dispatch. */
export interface TimedDispatch {
  /** The start, in seconds on the clock of `performance.now()`. */
  readonly start: number;
  /** The duration in seconds. */
  readonly seconds: number;
}

/** What times need of a backend. */
type TimedBackend = Pick<WebGpuBackend, "device" | "mapRead">;

/** Timestamps around the dispatches of one step. */
export class Profiler {
  readonly #backend: TimedBackend;
  readonly #dispatches: number;
  readonly #sets: readonly GPUQuerySet[];
  readonly #resolved: GPUBuffer;
  readonly #staging: GPUBuffer;

  /**
   * Makes the queries.
   *
   * @throws {DeviceError} If the device has no timestamps.
   */
  constructor(backend: TimedBackend, dispatches: number) {
    const { device } = backend;
    if (!device.features.has("timestamp-query")) {
      throw new DeviceError("This adapter has no timestamp queries, so that kernels cannot be timed on it");
    }
    this.#backend = backend;
    this.#dispatches = dispatches;
    const size = 16 * dispatches;
    this.#sets = Array.from(
      { length: Math.ceil(dispatches / SET_DISPATCHES) },
      () => device.createQuerySet({ type: "timestamp", count: 2 * SET_DISPATCHES }),
    );
    this.#resolved = device.createBuffer({ size, usage: BufferUsage.QUERY_RESOLVE | BufferUsage.COPY_SRC });
    this.#staging = device.createBuffer({ size, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST });
  }

  /** Begins the compute pass of a dispatch. The copies into textures before it count as a part of it. */
  begin(encoder: GPUCommandEncoder, dispatch: number, copies: readonly TexelCopy[] = []): GPUComputePassEncoder {
    const querySet = this.#sets[Math.floor(dispatch / SET_DISPATCHES)], query = 2 * (dispatch % SET_DISPATCHES);
    const first = { beginningOfPassWriteIndex: query }, last = { endOfPassWriteIndex: query + 1 };
    if (copies.length === 0) return encoder.beginComputePass({ timestampWrites: { querySet, ...first, ...last } });
    encoder.beginComputePass({ timestampWrites: { querySet, ...first } }).end();
    for (const copy of copies) encodeTexelCopy(encoder, copy);
    return encoder.beginComputePass({ timestampWrites: { querySet, ...last } });
  }

  /** Begins to time several compute passes as one dispatch, up to {@link Profiler.stop}. */
  start(encoder: GPUCommandEncoder, dispatch: number): void {
    const querySet = this.#sets[Math.floor(dispatch / SET_DISPATCHES)], query = 2 * (dispatch % SET_DISPATCHES);
    encoder.beginComputePass({ timestampWrites: { querySet, beginningOfPassWriteIndex: query } }).end();
  }

  /** Ends what {@link Profiler.start} began. */
  stop(encoder: GPUCommandEncoder, dispatch: number): void {
    const querySet = this.#sets[Math.floor(dispatch / SET_DISPATCHES)], query = 2 * (dispatch % SET_DISPATCHES);
    encoder.beginComputePass({ timestampWrites: { querySet, endOfPassWriteIndex: query + 1 } }).end();
  }

  /** Encodes the copy of a step's timestamps into the staging buffer. */
  resolve(encoder: GPUCommandEncoder): void {
    this.#sets.forEach((set, index) => {
      const first = index * SET_DISPATCHES, count = Math.min(SET_DISPATCHES, this.#dispatches - first);
      encoder.resolveQuerySet(set, 0, 2 * count, this.#resolved, 16 * first);
    });
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, 16 * this.#dispatches);
  }

  /**
   * The times of the submitted step's dispatches; waits for the device. Its clock and the host's have no common zero. So the
   * first dispatch is taken to start when the step was submitted, or earlier if the last one would otherwise end after its
   * timestamps arrived.
   *
   * @param submitted The time of the submit, in milliseconds of `performance.now()`.
   */
  async read(submitted: number): Promise<TimedDispatch[]> {
    await this.#backend.mapRead(this.#staging);
    const arrived = performance.now(), ticks = new BigUint64Array(this.#staging.getMappedRange().slice(0));
    this.#staging.unmap();
    const tick = await secondsOfTick(this.#backend);
    const since = (index: number) => Number(ticks[index] - ticks[0]) * tick;
    const last = this.#dispatches === 0 ? 0 : since(2 * this.#dispatches - 1);
    const zero = Math.min(submitted / 1000, arrived / 1000 - last);
    return Array.from({ length: this.#dispatches }, (_, i) => ({
      start: zero + since(2 * i),
      seconds: since(2 * i + 1) - since(2 * i),
    }));
  }

  /** Gives the queries and buffers back. */
  destroy(): void {
    for (const set of this.#sets) set.destroy();
    this.#resolved.destroy();
    this.#staging.destroy();
  }
}

const calibrations = new WeakMap<GPUDevice, Promise<number>>();
/** The time between the two timestamps of a calibration. */
const CALIBRATION_MILLISECONDS = 100;

/** The seconds of a tick, measured against the host's clock: a runtime may return the device's ticks, not nanoseconds. */
function secondsOfTick(backend: TimedBackend): Promise<number> {
  const { device } = backend;
  const known = calibrations.get(device);
  if (known !== undefined) return known;
  const calibration = (async () => {
    const first = await stamp(backend);
    await new Promise((resolve) => setTimeout(resolve, CALIBRATION_MILLISECONDS));
    const second = await stamp(backend);
    const measured = (second.milliseconds - first.milliseconds) / 1000 / Number(second.ticks - first.ticks);
    // The measurement is good to a few percent: a tick of about a nanosecond is exactly one.
    return Math.abs(measured / 1e-9 - 1) < 0.2 ? 1e-9 : measured;
  })();
  calibrations.set(device, calibration);
  calibration.catch(() => calibrations.delete(device));
  return calibration;
}

/** A timestamp of the device in ticks, and the host's time in the middle of the request. */
async function stamp(backend: TimedBackend): Promise<{ ticks: bigint; milliseconds: number }> {
  const { device } = backend;
  const querySet = device.createQuerySet({ type: "timestamp", count: 1 });
  const resolved = device.createBuffer({ size: 8, usage: BufferUsage.QUERY_RESOLVE | BufferUsage.COPY_SRC });
  const staging = device.createBuffer({ size: 8, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.beginComputePass({ timestampWrites: { querySet, beginningOfPassWriteIndex: 0 } }).end();
  encoder.resolveQuerySet(querySet, 0, 1, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, staging, 0, 8);
  const before = performance.now();
  device.queue.submit([encoder.finish()]);
  await backend.mapRead(staging);
  const after = performance.now();
  const [ticks] = new BigUint64Array(staging.getMappedRange().slice(0));
  for (const used of [querySet, resolved, staging]) used.destroy();
  return { ticks, milliseconds: (before + after) / 2 };
}
