/**
 * The peaks of this engine on all threads at once: independent four-lane multiply-adds from registers, and copies between
 * blocks that caches do not hold. No kernel in WebAssembly computes faster, nor reads and writes memory faster.
 */

import type { DevicePeaks } from "../profiling/profile.ts";
import { DeviceError } from "../util/errors.ts";
import { openWorker } from "./worker.ts";

/** Accumulators: enough to hide the latency, and, with the two factors, as many registers as engines keep free on x86. */
const ACCUMULATORS = 12;
/** Multiply-adds of each accumulator in a pass of the loop. */
const UNROLLED = 8;
/** Milliseconds that a measurement takes, about. */
const MEASURED_MS = 60;

/** Bytes that all threads together copy at a time: more than the caches of most machines hold. */
const COPIED_BYTES = 64 << 20;
/** The fewest bytes that a thread copies. */
const LEAST_COPIED_BYTES = 4 << 20;
/** Bytes of a page of WebAssembly's memory. */
const PAGE = 65536;

const V128 = 0x7b, I32 = 0x7f, F32 = 0x7d;
const localGet = (index: number) => [0x20, index], localSet = (index: number) => [0x21, index];
const splat = (bits: readonly number[]) => [0x43, ...bits, 0xfd, 0x13];
const MEMORY_COPY = [0xfc, 0x0a, 0, 0];
const MULTIPLY = [0xfd, 0xe6, 0x01], ADD = [0xfd, 0xe4, 0x01], RELAXED_MADD = [0xfd, 0x85, 0x02];

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, ...unsigned(value >>> 7)];
}

function i32Const(value: number): number[] {
  const bytes = [0x41];
  for (; value >= 0x40; value >>>= 7) bytes.push(value & 0x7f | 0x80);
  return [...bytes, value];
}

/** Ends a loop: counts down its passes and repeats while any are left. */
const LOOP_END = [...localGet(0), 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b];

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

/**
 * A module of two functions. `run(passes)` adds products to the accumulators, by fused multiply-adds if `relaxed`.
 * `copy(passes)` copies a block of `bytes` to the one behind it.
 */
function assemble(relaxed: boolean, bytes: number): Uint8Array<ArrayBuffer> {
  const x = 1, y = 2, first = 3, accumulators = Array.from({ length: ACCUMULATORS }, (_, k) => first + k);
  const step = (a: number) =>
    relaxed
      ? [...localGet(x), ...localGet(y), ...localGet(a), ...RELAXED_MADD, ...localSet(a)]
      : [...localGet(x), ...localGet(y), ...MULTIPLY, ...localGet(a), ...ADD, ...localSet(a)];
  const run = [
    ...[1, 2 + ACCUMULATORS, V128],
    ...[...splat([0, 0, 0x80, 0x3f]), ...localSet(x), ...splat([0, 0, 0x80, 0x3a]), ...localSet(y)],
    ...[0x03, 0x40],
    ...Array.from({ length: UNROLLED }, () => accumulators.flatMap(step)).flat(),
    ...LOOP_END,
    ...localGet(first),
    ...accumulators.slice(1).flatMap((a) => [...localGet(a), ...ADD]),
    ...[0xfd, 0x1f, 0, 0x0b],
  ];
  const copy = [
    ...[0, 0x03, 0x40],
    ...[...i32Const(bytes), ...i32Const(0), ...i32Const(bytes), ...MEMORY_COPY],
    ...LOOP_END,
    ...[0x43, 0, 0, 0, 0, 0x0b],
  ];
  const text = (name: string) => [name.length, ...new TextEncoder().encode(name)];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, I32, 1, F32]),
    ...section(3, [2, 0, 0]),
    ...section(5, [1, 0, ...unsigned(2 * bytes / PAGE)]),
    ...section(7, [2, ...text("run"), 0, 0, ...text("copy"), 0, 1]),
    ...section(10, [2, ...[run, copy].flatMap((body) => [...unsigned(body.length), ...body])]),
  ]);
}

/**
 * A thread: waits at the barrier, runs a function for a number of passes and answers with the milliseconds they took. Node's
 * workers have an `exports` already.
 */
const PROGRAM = `let kernels, arrived;
function receive({ module, barrier, name, passes, threads }, post) {
  if (module) {
    kernels = new WebAssembly.Instance(module).exports;
    arrived = new Int32Array(barrier);
    kernels.run(1000);
    kernels.copy(1);
    post(0);
    return;
  }
  const round = Math.floor(Atomics.add(arrived, 0, 1) / threads) + 1;
  while (Atomics.load(arrived, 0) < round * threads);
  const started = performance.now();
  kernels[name](passes);
  post(performance.now() - started);
}`;

/** A thread of a measurement: takes a message, and answers it. */
interface PeakThread {
  ask(message: Readonly<Record<string, unknown>>): Promise<number>;
  close(): void;
}

async function workerThread(): Promise<PeakThread> {
  let hear = (_answer: number) => {}, fail = (_reason: Error) => {};
  const worker = await openWorker(PROGRAM, {
    hear: (answer) => hear(answer as number),
    fail: (reason) => fail(new DeviceError(`A thread that measures the CPU ended: ${reason}`)),
  });
  return {
    ask: (message) =>
      new Promise((resolve, reject) => {
        [hear, fail] = [resolve, reject];
        worker.post(message);
      }),
    close: () => worker.terminate(),
  };
}

/** The calling thread, where it is the only one: there may be no workers. */
function callingThread(module: WebAssembly.Module): PeakThread {
  const { exports } = new WebAssembly.Instance(module),
    functions = exports as Record<string, (passes: number) => number>;
  functions.run(1000);
  functions.copy(1);
  return {
    ask({ name, passes }) {
      const started = performance.now();
      functions[name as string](passes as number);
      return Promise.resolve(performance.now() - started);
    },
    close() {},
  };
}

/** Measures the peaks; its threads sleep in between. */
export class Peak {
  /** Whether multiply-adds are fused. */
  readonly relaxed: boolean;
  readonly #threads: readonly PeakThread[];
  readonly #bytes: number;
  readonly #passes = { run: 100_000, copy: 1 };

  private constructor(relaxed: boolean, bytes: number, threads: readonly PeakThread[]) {
    this.relaxed = relaxed;
    this.#bytes = bytes;
    this.#threads = threads;
  }

  /** Starts a number of threads. */
  static async start(count: number): Promise<Peak> {
    const bytes = Math.max(LEAST_COPIED_BYTES, Math.ceil(COPIED_BYTES / count / PAGE) * PAGE);
    const relaxed = WebAssembly.validate(assemble(true, bytes));
    const module = new WebAssembly.Module(assemble(relaxed, bytes));
    if (count === 1) return new Peak(relaxed, bytes, [callingThread(module)]);
    const threads = await Promise.all(Array.from({ length: count }, workerThread));
    const peak = new Peak(relaxed, bytes, threads);
    await peak.#ask({ module, barrier: new SharedArrayBuffer(4) });
    return peak;
  }

  /** The GFLOP/s of all threads together. */
  async measure(): Promise<number> {
    return await this.#rate("run") * UNROLLED * ACCUMULATORS * 4 * 2 / 1e9;
  }

  /** The gigabytes a second that all threads together read and write when they copy. */
  async measureCopy(): Promise<number> {
    return await this.#rate("copy") * 2 * this.#bytes / 1e9;
  }

  /** Ends the threads. */
  close(): void {
    for (const thread of this.#threads) thread.close();
  }

  /** The passes of all threads a second. */
  async #rate(name: "run" | "copy"): Promise<number> {
    const threads = this.#threads.length,
      time = async () => Math.max(...await this.#ask({ name, passes: this.#passes[name], threads }));
    let ms = await time();
    if (ms < MEASURED_MS / 2 || ms > MEASURED_MS * 2) {
      this.#passes[name] = Math.ceil(this.#passes[name] * MEASURED_MS / Math.max(ms, 0.1));
      ms = await time();
    }
    return threads * this.#passes[name] / ms * 1000;
  }

  #ask(message: Readonly<Record<string, unknown>>): Promise<number[]> {
    return Promise.all(this.#threads.map((thread) => thread.ask(message)));
  }
}

/** Readings of a peak. The largest counts, since other processes can only slow a reading down. */
const READINGS = 5;

/** Measures the peaks of a number of threads; takes about a second. */
export async function measureCpuPeaks(threads: number): Promise<DevicePeaks> {
  const peak = await Peak.start(threads);
  try {
    let flops = 0, bytes = 0;
    for (let k = 0; k < READINGS; k++) {
      flops = Math.max(flops, await peak.measure());
      bytes = Math.max(bytes, await peak.measureCopy());
    }
    return { flops: flops * 1e9, bytes: bytes * 1e9 };
  } finally {
    peak.close();
  }
}
