/**
 * Runs the WebAssembly backend of TensorFlow.js on several threads outside a browser, where its package disables threads. They
 * work if its workers find their scripts as files, and if it is told twice the cores, of which it uses half.
 */

import { createRequire } from "node:module";

/** Node's module cache. */
interface NodeModules {
  readonly _cache: Readonly<Record<string, unknown>>;
}

/** Node's workers. */
interface NodeWorkers {
  Worker: new (...args: unknown[]) => object;
}

/** Milliseconds between the starts of workers: of many that start at once, some never do. */
const START_MS = 80;

const require = createRequire(import.meta.url);

/** The folder of the package that holds its WebAssembly, with a slash at the end; it must have been imported. */
export function wasmFolder(): string {
  const { _cache } = require("node:module") as NodeModules;
  const file = Object.keys(_cache).find((path) => path.includes("tfjs-backend-wasm") && path.includes("/dist/"));
  if (file === undefined) throw new Error("the WebAssembly of TensorFlow.js was not found");
  return `${file.slice(0, file.lastIndexOf("/dist/"))}/wasm-out/`;
}

/**
 * Prepares this process for a backend of a number of threads whose scripts are in a folder.
 *
 * @returns A function to call once the backend has started.
 */
export function provideThreads(folder: string, threads: number): () => void {
  const scripts = Deno.makeTempDirSync({ prefix: "residua-bench-tfjs-" }), worker = `${scripts}/worker.cjs`;
  const prologue = `
URL.createObjectURL = () => ${JSON.stringify(`${folder}tfjs-backend-wasm-threaded-simd.js`)};
URL.revokeObjectURL = () => {};
for (const name of ["location", "self", "performance", "postMessage", "importScripts", "Worker"]) {
  Object.defineProperty(globalThis, name, { writable: true, configurable: true, value: globalThis[name] });
}
`;
  globalThis.Blob = class extends Blob {
    constructor(parts: BlobPart[] = [], options: BlobPropertyBag = {}) {
      super(parts, options);
      if (options.type === "application/javascript") Deno.writeTextFileSync(worker, prologue + parts.join(""));
    }
  };
  URL.createObjectURL = () => worker;
  const workers = require("node:worker_threads") as NodeWorkers;
  workers.Worker = class extends workers.Worker {
    constructor(...args: unknown[]) {
      super(...args);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, START_MS);
    }
  };
  const os = require("node:os") as { cpus: () => unknown[] };
  os.cpus = () => Array.from({ length: 2 * threads }, () => ({}));
  return () => Deno.removeSync(scripts, { recursive: true });
}
