/**
 * Starts workers. A worker's program is text, so that it loads from a registry and from a bundle as well as from disk. Node's
 * workers are preferred, since they do not keep a finished process alive.
 */

import { StallWatch } from "../util/stall_watch.ts";
import { nodeProcess } from "./cores.ts";

/** A running worker. */
export interface RunningWorker {
  /** Sends it a message. */
  post(message: unknown): void;
  /** Lets the process end while the worker runs, where workers keep it alive. */
  unref(): void;
  /** Ends it at once. */
  terminate(): void;
}

/** What is told of a worker. */
export interface WorkerListener {
  /** It has sent a message. */
  hear(message: unknown): void;
  /** It has ended or failed, for a reason. */
  fail(reason: string): void;
}

/** The reason of a worker that says none. */
const ENDED = "it ended";

const NODE_FRAME = `const { parentPort } = require("node:worker_threads");
parentPort.on("message", (message) => receive(message, (answer) => parentPort.postMessage(answer)));`;

const WEB_FRAME = `onmessage = ({ data }) => receive(data, (answer) => postMessage(answer));`;

interface NodeWorker {
  on(event: string, listener: (value: unknown) => void): void;
  postMessage(message: unknown): void;
  unref(): void;
  terminate(): void;
}

/** Resolves to Node's module of workers, where there is one. The specifier is not literal, so that bundlers leave it. */
async function nodeWorkers(): Promise<
  { Worker: new (program: string, options: Record<string, unknown>) => NodeWorker } | undefined
> {
  if (nodeProcess() === undefined) return undefined;
  const specifier = ["node", "worker_threads"].join(":");
  return await import(specifier).catch(() => undefined);
}

/**
 * Starts a worker.
 *
 * @param program Text that defines `receive(message, post)`, which is called with each message.
 * @param listener What hears of it.
 * @throws {Error} If the engine refuses.
 */
export async function openWorker(program: string, { hear, fail }: WorkerListener): Promise<RunningWorker> {
  const node = await nodeWorkers();
  if (node !== undefined) {
    const worker = new node.Worker(`${program}\n${NODE_FRAME}`, { eval: true });
    worker.on("message", hear);
    worker.on("error", (error) => fail(String(error)));
    worker.on("exit", () => fail(ENDED));
    return {
      post: (message) => worker.postMessage(message),
      unref: () => worker.unref(),
      terminate: () => worker.terminate(),
    };
  }
  const url = URL.createObjectURL(new Blob([`${program}\n${WEB_FRAME}`], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  worker.onmessage = ({ data }) => hear(data);
  // A worker that a page's policy forbids fails without a message.
  worker.onerror = ({ message }) => fail(message || "it was not loaded");
  return {
    post: (message) => worker.postMessage(message),
    unref() {},
    terminate() {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}

/** The arguments of a worker of the CPU backend. */
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

/** Milliseconds in which a worker's last message arrives. */
const LAST_WORDS = 50;

/** Marks the run as failed if the kernels trap, so that no thread waits for this one. */
const KERNELS = `function receive({ module, memory, control, failed, thread }, post) {
  try {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    post("ready");
    exports.follow(control, thread);
  } catch (error) {
    Atomics.store(new Int32Array(memory.buffer), failed / 4, 1);
    post(String(error));
  }
}`;

/**
 * Starts a worker of the CPU backend, and resolves once it is ready to work.
 *
 * @param start What it needs.
 * @param onDeath Called if it ends or fails afterwards, with the reason.
 * @param patience The seconds that it has to become ready. Defaults to any number.
 * @throws {Error} If it does not become ready: why.
 */
export async function startWorker(
  start: WorkerStart,
  onDeath: (reason: string) => void,
  patience: number = Infinity,
): Promise<RunningWorker> {
  let watch: StallWatch | undefined, worker: RunningWorker | undefined;
  const started = new Promise<void>((resolve, reject) => {
    let ready = false;
    watch = new StallWatch({
      limit: () => patience,
      onStall: (seconds) => {
        worker?.terminate();
        reject(new Error(`it was not ready after ${seconds} seconds`));
      },
    });
    watch.begin();
    // Before it is ready, what it said last may arrive after its end.
    const fail = (reason: string) =>
      ready ? onDeath(reason) : void setTimeout(() => reject(new Error(reason)), reason === ENDED ? LAST_WORDS : 0);
    const hear = (message: unknown) => {
      if (message !== "ready") return fail(String(message));
      ready = true;
      resolve();
    };
    openWorker(KERNELS, { hear, fail }).then((opened) => {
      worker = opened;
      worker.post(start);
    }).catch(reject);
  });
  try {
    await started;
    worker!.unref();
    return worker!;
  } finally {
    watch?.stop();
  }
}
