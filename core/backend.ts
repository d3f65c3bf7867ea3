/** The interface of a backend: nothing above `core/` sees further into one than this. */

import type { Collective } from "./collective.ts";
import type { Plan } from "./plan/plan.ts";
import type { DevicePeaks, DispatchTime, ProfileOptions } from "./profiling/profile.ts";
import type { TensorSpec } from "./graph/shape.ts";
import type { Tuner, VariantChooser } from "./webgpu/tuning/choices.ts";

/** Memory on a backend that outlives a step: a parameter, a running statistic, a momentum. */
export interface Storage {
  /** What it holds. */
  readonly spec: TensorSpec;
  /** Replaces the elements. */
  write(data: Float32Array | Uint32Array): void;
  /** Copies the elements out; waits for the device. */
  read(): Promise<Float32Array | Uint32Array>;
  /** Gives the memory back. */
  destroy(): void;
}

/** The steps that a program records before they must be read. */
export const SCALAR_CAPACITY = 64;

/** A compiled program on a backend. */
export interface Executable {
  /** Replaces the elements of an input. */
  write(input: string, data: Float32Array | Uint32Array): void;
  /**
   * Runs one step. It returns once the step is queued; on WebGPU the device may still work on it.
   *
   * @param record Whether the step's scalars are kept for {@link Executable.readScalars}.
   * @throws {UsageError} If the program sums over ranks, which takes {@link Executable.runTogether}.
   */
  run(record?: boolean): void;
  /**
   * Runs one step of a program that was compiled with a {@link Collective}, with the results of {@link Executable.run} on all
   * ranks together; one at a time. A program without sums over ranks just runs.
   *
   * @param record As for {@link Executable.run}.
   * @returns Resolves once all sums are there and what follows them is queued; rejects if a sum does, and then the variables
   * are those of an unfinished step.
   */
  runTogether(record?: boolean): Promise<void>;
  /** Copies an output out; waits for the device. */
  read(output: string): Promise<Float32Array | Uint32Array>;
  /** The steps that can be recorded before {@link Executable.readScalars} must be called. */
  readonly scalarCapacity: number;
  /**
   * The scalars of every recorded step since the last call, oldest first: one row a step, in the order of the names given
   * at compilation.
   */
  readScalars(): Promise<Float32Array[]>;
  /** The number of dispatches (or kernel calls) of a step. */
  readonly dispatches: number;
  /**
   * Runs one step as {@link Executable.run} does, with the same results, and times its dispatches; waits for the device.
   *
   * @returns The dispatches in the order in which they ran; on the CPU the stages of kernels.
   * @throws {DeviceError} If the device has no timestamps.
   */
  profile(options?: ProfileOptions): Promise<DispatchTime[]>;
  /** Gives the memory back; variables stay. */
  destroy(): void;
}

/** What a backend needs to know beside the plan. */
export interface BackendCompileOptions {
  /** Storage of the plan's parameters and states, by name. */
  readonly variables: ReadonlyMap<string, Storage>;
  /** Names of outputs of shape [] that are recorded each step. */
  readonly scalars: readonly string[];
  /** What computes the sums over ranks, of ops that have some. Defaults to none: there is one rank. */
  readonly collective?: Collective;
  /** Fills planned buffers and scratch memory with NaN before the first step, so that a kernel that reads them is found. */
  readonly poison?: boolean;
  /** Picks the index of a WebGPU variant for a node. Defaults to the policy's choice. */
  readonly chooseVariant?: VariantChooser;
  /** Has kernels that depend only on unchanged variables run every step on WebGPU, so that they are timed with the others. */
  readonly everyStep?: boolean;
}

/** What a backend has room for. */
export interface Capacity {
  /** The bytes of the largest tensor. */
  readonly tensor: number;
  /** The bytes of everything; infinite where only the device knows. */
  readonly total: number;
}

/** What a program takes of a backend beside its variables. */
export interface MemoryNeed {
  /** The bytes of everything. */
  readonly total: number;
  /** The bytes of the largest tensor. */
  readonly tensor: number;
}

/**
 * Where programs run. `using backend = await openBackend()` gives everything back at the end of the block.
 *
 * Members that are marked as internal are for the library's own layers and for authors of backends.
 */
export interface Backend extends Disposable {
  /** The backend's kind. */
  readonly name: "cpu" | "webgpu";
  /** The device as people know it: adapter, driver, threads. */
  readonly description: string;
  /**
   * What chooses kernels by timing them; absent where there is nothing to choose.
   *
   * @internal
   */
  readonly tuner?: Tuner;
  /** What there is room for. */
  readonly capacity: Capacity;
  /**
   * Allocates memory that outlives a step. It starts as zeros.
   *
   * @throws {OutOfMemoryError} If there is no room; on WebGPU it may be raised only when the next program is compiled.
   * @internal
   */
  allocate(spec: TensorSpec): Storage;
  /**
   * The bytes that {@link Backend.allocate} takes for a tensor.
   *
   * @internal
   */
  allocatedBytes(spec: TensorSpec): number;
  /**
   * What a plan would take, without taking it.
   *
   * @internal
   */
  memoryNeed(plan: Plan, options: Pick<BackendCompileOptions, "scalars" | "chooseVariant" | "collective">): MemoryNeed;
  /**
   * Makes a plan executable.
   *
   * @throws {OutOfMemoryError} If there is no room for it; then it has left nothing behind.
   * @throws {DeviceError} If a kernel does not compile.
   * @internal
   */
  compile(plan: Plan, options: BackendCompileOptions): Promise<Executable>;
  /** Whether tensors may be f16. */
  readonly hasFloat16: boolean;
  /**
   * Why mixed precision cannot be had, as a part of a sentence; nothing if it can. On WebGPU the first call computes known
   * answers.
   */
  whyNoFloat16(): Promise<string | undefined>;
  /**
   * The steps worth queueing before the results of the first are read: 1 where {@link Executable.run} returns once a step is
   * done.
   */
  readonly stepsInFlight: number;
  /** The most bytes of a set of images that are worth keeping on the device: none where it uses the program's memory. */
  readonly maxResidentBytes: number;
  /** Bytes of live memory that this backend allocated. */
  readonly liveBytes: number;
  /**
   * Measures what the device does at most, on memory of its own; takes up to a second.
   *
   * @throws {DeviceError} If the device has no timestamps.
   * @internal
   */
  measurePeaks(): Promise<DevicePeaks>;
  /** Waits until all queued work is done, and raises what went wrong in it. */
  finish(): Promise<void>;
  /** Gives everything back. */
  destroy(): void;
}
