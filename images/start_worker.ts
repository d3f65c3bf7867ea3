/** Starts a worker that prepares images: a global one where there are such, as in Deno and Bun, else Node's. */

import { Worker as NodeWorker } from "node:worker_threads";

/** A running worker. */
export interface ImageWorker {
  /** Sends it a message. */
  postMessage(message: unknown): void;
  /** Ends it at once. */
  terminate(): void;
}

/** What hears of a worker. */
export interface ImageWorkerListener {
  /** It has sent a message. */
  hear(message: unknown): void;
  /** It has failed, or what it said cannot be read. */
  fail(reason: string): void;
}

const UNREADABLE = "what it said cannot be read";

/**
 * Starts a worker.
 *
 * @param listener What hears of it.
 */
export function startImageWorker({ hear, fail }: ImageWorkerListener): ImageWorker {
  const program = new URL("./image_worker.ts", import.meta.url);
  if (typeof Worker === "undefined") {
    const worker = new NodeWorker(program);
    worker.on("message", hear);
    worker.on("error", (error) => fail(error instanceof Error ? error.message : String(error)));
    worker.on("messageerror", () => fail(UNREADABLE));
    return worker;
  }
  const worker = new Worker(program, { type: "module" });
  worker.onmessage = ({ data }) => hear(data);
  const stop = (event: Event) => {
    event.preventDefault();
    fail(event instanceof ErrorEvent ? event.message : UNREADABLE);
  };
  worker.onerror = stop;
  worker.onmessageerror = stop;
  return worker;
}
