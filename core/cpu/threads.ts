/** The threads that run programs of WebAssembly kernels: the calling one, and workers. */

import { DeviceError } from "../util/errors.ts";
import { argument, sentence } from "../util/sentence.ts";
import { coreCount } from "./cores.ts";
import type { CpuKernels, KernelExports } from "./kernels.ts";
import type { Block, CpuMemory } from "./memory.ts";
import { type RunningWorker, startWorker } from "./worker.ts";

/** Words of the control block; the offsets in bytes are those of `wasm/assembly/control.ts`. */
const EPOCH = 0, STAGES = 256 / 4, COUNT = 260 / 4, SCRATCH = 264 / 4, SCRATCH_BYTES = 268 / 4, THREADS = 272 / 4;
const SPINS = 276 / 4, MAY_WAIT = 280 / 4, PATIENCE = 284 / 4, FAILED = 320 / 4, CONTROL_BYTES = 384;
/** The value at FAILED when threads stopped without saying why. */
const STALLED = 2;
/** How often a thread reads a word before it sleeps: about as long as a wake-up takes. */
const PATIENT_SPINS = 20_000;
/** The same where there are more threads than cores. */
const IMPATIENT_SPINS = 100;
/** Seconds without any progress after which other threads are taken to be dead: a task takes less than one. */
const STALL_SECONDS = 120;
/** The unit in which kernels count these: waits that time out, so that time in which all are suspended does not count. */
const SLICES_PER_SECOND = 10;
/** Where a thread cannot be started, memory for its own is missing, or the system allows no more. */
const FEWER = sentence`use fewer ${argument("threads")}`;
/** The least bytes of scratch memory of a thread: most programs need no more. */
const LEAST_SCRATCH = 1 << 20;

/** The most slices: a signed word. */
const MOST_SLICES = 2 ** 31 - 1;

/** The options of {@link Threads}. */
export interface ThreadOptions {
  /** Seconds without any progress after which another thread is taken to be dead. Defaults to 120. */
  readonly stallTimeout?: number;
}

/** Whether the calling thread may sleep: a browser's main thread may not. */
function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}

/** Runs stages of kernels on a fixed number of threads. */
export class Threads {
  /** The number of threads, the calling one included. */
  readonly count: number;
  readonly #memory: CpuMemory;
  #words: Int32Array;
  readonly #address: number;
  readonly #exports: KernelExports;
  readonly #workers: RunningWorker[] = [];
  #scratch: Block = { address: 0, bytes: 0 };
  /** Bytes of a thread's share of it. */
  #scratchBytes = 0;
  #death: string | undefined;
  #closed = false;

  /** The calling thread; {@link Threads.create} adds workers. */
  constructor(memory: CpuMemory, kernels: CpuKernels, count = 1, { stallTimeout = STALL_SECONDS }: ThreadOptions = {}) {
    this.count = count;
    this.#memory = memory;
    const block = memory.allocate(CONTROL_BYTES);
    this.#address = block.address;
    this.#words = this.#control.fill(0);
    this.#control[THREADS] = count;
    this.#control[SPINS] = count <= coreCount() ? PATIENT_SPINS : IMPATIENT_SPINS;
    this.#control[MAY_WAIT] = mayWait() ? 1 : 0;
    this.#control[PATIENCE] = Math.min(MOST_SLICES, Math.ceil(SLICES_PER_SECOND * stallTimeout));
    const { exports } = new WebAssembly.Instance(kernels.module, { env: { memory: memory.memory } });
    this.#exports = exports as unknown as KernelExports;
    this.reserveScratch(LEAST_SCRATCH);
  }

  /**
   * Starts the workers of a number of threads.
   *
   * @throws {DeviceError} If one does not start.
   */
  static async create(
    memory: CpuMemory,
    kernels: CpuKernels,
    count: number,
    options: ThreadOptions = {},
  ): Promise<Threads> {
    const threads = new Threads(memory, kernels, count, options), { stallTimeout = STALL_SECONDS } = options;
    const { module } = kernels, control = threads.#address, failed = control + 4 * FAILED;
    try {
      for (let thread = 1; thread < count; thread++) {
        const start = { module, memory: memory.memory, control, failed, thread };
        threads.#workers.push(
          await startWorker(start, (reason) => {
            if (!threads.#closed) threads.#death ??= reason;
          }, stallTimeout),
        );
      }
      return threads;
    } catch (error) {
      threads.close();
      throw new DeviceError(
        sentence`Thread ${threads.#workers.length + 2} of ${count} of the CPU backend did not start (${
          (error as Error).message
        }); ${FEWER}`,
      );
    }
  }

  /** The words of the control block, made anew where memory that is not shared has grown. */
  get #control(): Int32Array {
    const { buffer } = this.#memory.memory;
    if (this.#words?.buffer !== buffer) this.#words = new Int32Array(buffer, this.#address, CONTROL_BYTES / 4);
    return this.#words;
  }

  /** The address of the calling thread's scratch memory. */
  get scratch(): number {
    // Not from the control block: its words are signed, and half of all addresses would come back negative.
    return this.#scratch.address;
  }

  /** Makes the scratch memory of every thread at least `bytes` large. */
  reserveScratch(bytes: number): void {
    const size = Math.ceil(bytes / 64) * 64;
    if (size <= this.#scratchBytes) return;
    const scratch = this.#memory.allocate(size * this.count);
    if (this.#scratchBytes > 0) this.#memory.free(this.#scratch);
    this.#scratch = scratch;
    this.#scratchBytes = size;
    this.#control[SCRATCH] = scratch.address;
    this.#control[SCRATCH_BYTES] = size;
  }

  /**
   * Runs stages to their end.
   *
   * @param stages The address of the first.
   * @param count The number of stages.
   * @throws {DeviceError} If a thread has died.
   */
  run(stages: number, count: number): void {
    if (this.#death !== undefined) this.#fail(this.#death);
    this.#control[STAGES] = stages;
    this.#control[COUNT] = count;
    let done;
    try {
      done = this.count === 1 ? this.#exports.work(this.#address, 0) : this.#exports.lead(this.#address);
    } catch (error) {
      // The other threads must not wait for this one.
      Atomics.store(this.#control, FAILED, 1);
      this.#fail(String(error));
    }
    if (done) return;
    this.#fail(
      Atomics.load(this.#control, FAILED) === STALLED ? "it did not go on with its work" : "its kernel trapped",
    );
  }

  /** Ends the workers. */
  close(): void {
    this.#closed = true;
    this.#control[COUNT] = 0;
    Atomics.add(this.#control, EPOCH, 1);
    Atomics.notify(this.#control, EPOCH);
    for (const worker of this.#workers) worker.terminate();
    this.#workers.length = 0;
  }

  #fail(reason: string): never {
    this.#death = reason;
    throw new DeviceError(
      sentence`A thread of the CPU backend died (${reason}), so the step is lost; if that happens again, ${FEWER}`,
    );
  }
}
