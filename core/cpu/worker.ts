/**
 * Starts the threads of the CPU backend. A worker's program is text, so that it loads from a registry and from a bundle as
 * well as from disk. Node's workers are preferred, since they do not keep a finished process alive.
 */

import { StallWatch } from "../util/stall_watch.ts";

/** The arguments of a worker. */
export interface WorkerStart {
  /** The kernels. */
  readonly module: WebAssembly.Module;
  /** The memory of all threads. */
  readonly memory: WebAssembly.Memory;
  /** The address of the control block. */
  readonly control: number;
  /** The address of the word that is set when a thread fails. */
  readonly failed: number;
  /** The worker's number, from 1. */
  readonly thread: number;
}

/** A running worker. */
export interface RunningWorker {
  /** Ends it at once. */
  terminate(): void;
}

/** Milliseconds in which a worker's last message arrives. */
const LAST_WORDS = 50;

/** Marks the run as failed if the kernels trap, so that no thread waits for this one. */
const PROGRAM = `function serve({ module, memory, control, failed, thread }, report) {
  try {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    report("ready");
    exports.follow(control, thread);
  } catch (error) {
    Atomics.store(new Int32Array(memory.buffer), failed / 4, 1);
    report(String(error));
  }
}
`;

const NODE_PROGRAM = PROGRAM +
  `const { parentPort, workerData } = require("node:worker_threads");
serve(workerData, (message) => parentPort.postMessage(message));`;

const WEB_PROGRAM = PROGRAM +
  `onmessage = ({ data }) => serve(data, (message) => postMessage(message));`;

interface NodeWorker {
  on(event: string, listener: (value: unknown) => void): void;
  unref(): void;
  terminate(): void;
}

/** Resolves to Node's module of workers, where there is one. The specifier is not literal, so that bundlers leave it. */
async function nodeWorkers(): Promise<
  { Worker: new (program: string, options: Record<string, unknown>) => NodeWorker } | undefined
> {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  if (process?.versions?.node === undefined) return undefined;
  const specifier = ["node", "worker_threads"].join(":");
  return await import(specifier).catch(() => undefined);
}

/**
 * Starts a worker, and resolves once it is ready to work.
 *
 * @param start What it needs.
 * @param onDeath Called if it ends or fails afterwards, with the reason.
 * @param patience The seconds that it has to become ready. Defaults to any number.
 * @throws {Error} If it does not become ready: why.
 */
export async function startWorker(
  start: WorkerStart,
  onDeath: (reason: string) => void,
  patience = Infinity,
): Promise<RunningWorker> {
  const node = await nodeWorkers();
  let watch: StallWatch | undefined;
  const started = new Promise<RunningWorker>((resolve, reject) => {
    watch = new StallWatch({
      limit: () => patience,
      onStall: (seconds) => {
        terminate();
        reject(new Error(`it was not ready after ${seconds} seconds`));
      },
    });
    watch.begin();
    let ready = false, terminate = () => {}, unref = () => {};
    const hear = (message: unknown) => {
      if (message === "ready") {
        ready = true;
        unref();
        resolve({ terminate });
      } else fail(String(message));
    };
    const fail = (reason: string) => ready ? onDeath(reason) : reject(new Error(reason));
    if (node !== undefined) {
      const worker = new node.Worker(NODE_PROGRAM, { eval: true, workerData: start });
      terminate = () => worker.terminate();
      worker.on("message", hear);
      worker.on("error", (error) => fail(String(error)));
      // Before it is ready, what it said last may arrive after its end.
      worker.on("exit", () => ready ? fail("it ended") : void setTimeout(() => fail("it ended"), LAST_WORDS));
      unref = () => worker.unref();
    } else {
      const url = URL.createObjectURL(new Blob([WEB_PROGRAM], { type: "text/javascript" }));
      const worker = new Worker(url, { type: "module" });
      terminate = () => worker.terminate();
      worker.onmessage = ({ data }) => hear(data);
      worker.onerror = (event) => fail(event.message);
      worker.postMessage(start);
    }
  });
  try {
    return await started;
  } finally {
    watch?.stop();
  }
}
