/** The CPU backend: kernels in WebAssembly on every core, over one shared memory. Nothing is allocated per step. */

import type { Backend, BackendCompileOptions, Capacity, Executable, MemoryNeed, Storage } from "../backend.ts";
import { DeviceError, UsageError } from "../util/errors.ts";
import { expectStallTimeout } from "../util/stall_watch.ts";
import type { Plan } from "../plan/plan.ts";
import type { DevicePeaks } from "../profiling/profile.ts";
import { byteSize, type TensorSpec } from "../graph/shape.ts";
import { coreCount, whyOneThread } from "./cores.ts";
import { CpuExecutable } from "./executable.ts";
import { compileKernels, type CpuKernelBuild, type CpuKernels } from "./kernels.ts";
import { blockBytes, CpuMemory } from "./memory.ts";
import { measureCpuPeaks } from "./roofline.ts";
import { memoryNeed } from "./program.ts";
import { CpuStorage } from "./storage.ts";
import { Threads } from "./threads.ts";

/** The options of {@link CpuBackend.create}. */
export interface CpuBackendOptions {
  /**
   * The number of threads, the calling one included. Defaults to one a core. Results do not depend on it. There is one where an
   * engine shares no memory between threads, as a page that is not cross-origin isolated, or has no workers.
   */
  readonly threads?: number;
  /** The build of the kernels. Defaults to the fastest that the engine takes. */
  readonly build?: CpuKernelBuild;
  /** The most bytes that may be allocated. Defaults to 4 GiB. */
  readonly memory?: number;
  /** Seconds without any progress after which another thread is taken to be dead. Defaults to 120. */
  readonly stallTimeout?: number;
}

/** The most threads: most kernels have too few tasks for more. */
const MAX_THREADS = 64;

/** Threads, and what a description says of their number. */
interface StartedThreads {
  readonly threads: Threads;
  /** Why there are fewer than were asked for. */
  readonly why?: string;
}

/** Starts as many threads as may be had, up to a number. */
async function startThreads(
  memory: CpuMemory,
  kernels: CpuKernels,
  count: number,
  options: CpuBackendOptions,
): Promise<StartedThreads> {
  const one = (why?: string) => ({ threads: new Threads(memory, kernels, 1, options), why });
  if (count === 1) return one();
  const why = whyOneThread();
  if (why !== undefined) return one(why);
  try {
    return { threads: await Threads.create(memory, kernels, count, options) };
  } catch (error) {
    if (options.threads !== undefined || !(error instanceof DeviceError)) throw error;
    return one("workers do not start here");
  }
}

/** Runs programs on the CPU. */
export class CpuBackend implements Backend {
  readonly name = "cpu";
  readonly description: string;
  readonly #memory: CpuMemory;
  readonly #threads: Threads;

  /** Makes a backend of one thread, with a memory of its own; {@link CpuBackend.create} uses all cores. */
  constructor();
  /** @internal */
  constructor(memory: CpuMemory, threads: Threads, build: CpuKernelBuild, why?: string);
  constructor(memory = new CpuMemory(), threads?: Threads, build?: CpuKernelBuild, why?: string) {
    const kernels = threads === undefined ? compileKernels() : undefined;
    this.#memory = memory;
    this.#threads = threads ?? new Threads(memory, kernels!);
    const { count } = this.#threads, reason = why === undefined ? "" : ` (${why})`;
    this.description = `CPU, WebAssembly ${build ?? kernels!.build}, ${count} thread${count === 1 ? "" : "s"}${reason}`;
  }

  /**
   * Makes a backend of several threads, with a memory of its own. Where there can be only one, its description says why.
   *
   * @throws {UsageError} If the number of threads is not from 1 to 64, or `stallTimeout` not above 0.
   * @throws {DeviceError} If the engine lacks what the kernels need, or does not start as many threads as were asked for.
   *
   * @example
   * ```ts
   * import { CpuBackend } from "@residua/residua/core";
   * const backend = await CpuBackend.create({ threads: 2 });
   * console.log(backend.description); // CPU, WebAssembly relaxed SIMD, 2 threads
   * backend.destroy();
   * ```
   */
  static async create(options: CpuBackendOptions = {}): Promise<CpuBackend> {
    const threads = options.threads ?? Math.min(MAX_THREADS, coreCount());
    if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS) {
      throw new UsageError(`Expected threads to be a whole number from 1 to ${MAX_THREADS} but it is ${threads}`);
    }
    expectStallTimeout(options.stallTimeout);
    const memory = new CpuMemory(options.memory), kernels = compileKernels(options.build);
    const started = await startThreads(memory, kernels, threads, options);
    return new CpuBackend(memory, started.threads, kernels.build, started.why);
  }

  /** It computes only in float32. */
  readonly hasFloat16 = false;

  /** It has no float16. */
  whyNoFloat16(): Promise<string> {
    return Promise.resolve("the CPU backend computes in float32 alone");
  }

  /** A step is done when `run` returns. */
  readonly stepsInFlight = 1;

  /** Images need no copy on a device. */
  readonly maxResidentBytes = 0;

  /** Bytes of memory in use. */
  get liveBytes(): number {
    return this.#memory.liveBytes;
  }

  /** The size of one WebAssembly memory, or the given limit; one tensor may have it all. */
  get capacity(): Capacity {
    const { most } = this.#memory;
    return { tensor: most, total: most };
  }

  /** The bytes of a tensor's block. */
  allocatedBytes(spec: TensorSpec): number {
    return blockBytes(byteSize(spec));
  }

  /** The memory that a plan would take. */
  memoryNeed(plan: Plan, { collective }: Pick<BackendCompileOptions, "collective"> = {}): MemoryNeed {
    return memoryNeed(plan, collective !== undefined);
  }

  /** Allocates memory that outlives a step. */
  allocate(spec: TensorSpec): Storage {
    return new CpuStorage(this.#memory, spec);
  }

  /** Makes a plan executable. */
  // deno-lint-ignore require-await -- what the constructor throws must reject.
  async compile(plan: Plan, options: BackendCompileOptions): Promise<Executable> {
    return new CpuExecutable(plan, options, this.#memory, this.#threads);
  }

  /** Measures the peaks of as many threads, on threads of its own. */
  measurePeaks(): Promise<DevicePeaks> {
    return measureCpuPeaks(this.#threads.count);
  }

  /** Resolves at once: a step is done when `run` returns. */
  finish(): Promise<void> {
    return Promise.resolve();
  }

  /** Ends the threads, as {@link CpuBackend.destroy} does. */
  [Symbol.dispose](): void {
    this.destroy();
  }

  /** Ends the threads; the memory goes with the object. */
  destroy(): void {
    this.#threads.close();
  }
}
