/**
 * The multiply-add peak of this engine: independent four-lane multiply-adds from registers, on all threads at once. No
 * kernel in WebAssembly can be faster.
 */

/** Accumulators: enough to hide the latency, and, with the two factors, as many registers as engines keep free on x86. */
const ACCUMULATORS = 12;
/** Multiply-adds of each accumulator in a pass of the loop. */
const UNROLLED = 8;
/** Milliseconds that a measurement takes, about. */
const MEASURED_MS = 60;

const V128 = 0x7b, I32 = 0x7f, F32 = 0x7d;
const localGet = (index: number) => [0x20, index], localSet = (index: number) => [0x21, index];
const splat = (bits: readonly number[]) => [0x43, ...bits, 0xfd, 0x13];
const MULTIPLY = [0xfd, 0xe6, 0x01], ADD = [0xfd, 0xe4, 0x01], RELAXED_MADD = [0xfd, 0x85, 0x02];

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, ...unsigned(value >>> 7)];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

/** A module whose `run(passes)` adds products to the accumulators; relaxed: in fused multiply-adds. */
function assemble(relaxed: boolean): Uint8Array<ArrayBuffer> {
  const x = 1, y = 2, first = 3, accumulators = Array.from({ length: ACCUMULATORS }, (_, k) => first + k);
  const step = (a: number) =>
    relaxed
      ? [...localGet(x), ...localGet(y), ...localGet(a), ...RELAXED_MADD, ...localSet(a)]
      : [...localGet(x), ...localGet(y), ...MULTIPLY, ...localGet(a), ...ADD, ...localSet(a)];
  const body = [
    ...[1, 2 + ACCUMULATORS, V128],
    ...[...splat([0, 0, 0x80, 0x3f]), ...localSet(x), ...splat([0, 0, 0x80, 0x3a]), ...localSet(y)],
    ...[0x03, 0x40],
    ...Array.from({ length: UNROLLED }, () => accumulators.flatMap(step)).flat(),
    // passes -= 1; loop while it is not 0.
    ...[...localGet(0), 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b],
    ...localGet(first),
    ...accumulators.slice(1).flatMap((a) => [...localGet(a), ...ADD]),
    ...[0xfd, 0x1f, 0, 0x0b],
  ];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, I32, 1, F32]),
    ...section(3, [1, 0]),
    ...section(7, [1, 3, ...new TextEncoder().encode("run"), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

/** A worker: at the agreed start, runs so many passes and answers how many milliseconds they took. */
const WORKER = `
let run, arrived;
self.onmessage = ({ data: { module, barrier, passes, threads } }) => {
  if (module) {
    run = new WebAssembly.Instance(module).exports.run;
    arrived = new Int32Array(barrier);
    run(1000);
    self.postMessage(0);
    return;
  }
  const turn = Math.floor(Atomics.add(arrived, 0, 1) / threads) + 1;
  while (Atomics.load(arrived, 0) < turn * threads);
  const started = performance.now();
  run(passes);
  self.postMessage(performance.now() - started);
};`;

/** Measures the peak; its threads sleep in between. */
export class Peak {
  /** Whether multiply-adds are fused. */
  readonly relaxed: boolean;
  readonly #workers: readonly Worker[];
  #passes = 100_000;

  private constructor(relaxed: boolean, workers: readonly Worker[]) {
    this.relaxed = relaxed;
    this.#workers = workers;
  }

  /** Starts a number of threads. */
  static async start(threads: number): Promise<Peak> {
    const relaxed = WebAssembly.validate(assemble(true)), module = new WebAssembly.Module(assemble(relaxed));
    const url = URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }));
    const workers = Array.from({ length: threads }, () => new Worker(url, { type: "module" }));
    const peak = new Peak(relaxed, workers);
    await peak.#ask({ module, barrier: new SharedArrayBuffer(4) });
    URL.revokeObjectURL(url);
    return peak;
  }

  /** The GFLOP/s of all threads together. */
  async measure(): Promise<number> {
    const threads = this.#workers.length;
    let ms = Math.max(...await this.#ask({ passes: this.#passes, threads }));
    if (ms < MEASURED_MS / 2 || ms > MEASURED_MS * 2) {
      this.#passes = Math.ceil(this.#passes * MEASURED_MS / Math.max(ms, 0.1));
      ms = Math.max(...await this.#ask({ passes: this.#passes, threads }));
    }
    return threads * this.#passes * UNROLLED * ACCUMULATORS * 4 * 2 / ms / 1e6;
  }

  /** Ends the threads. */
  close(): void {
    for (const worker of this.#workers) worker.terminate();
  }

  #ask(message: Readonly<Record<string, unknown>>): Promise<number[]> {
    return Promise.all(this.#workers.map((worker) =>
      new Promise<number>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.postMessage(message);
      })
    ));
  }
}
