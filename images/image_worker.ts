/** A worker of a {@link WorkerPool}: an {@link ImageServer} in a thread of its own. */

import { parentPort } from "node:worker_threads";
import { ImageServer } from "./image_server.ts";
import type { WorkerAnswer, WorkerRequest } from "./worker_messages.ts";

/** The way to who started this worker: the global object, or Node's port. */
interface Port {
  onmessage: (event: MessageEvent<WorkerRequest>) => void;
  postMessage(answer: WorkerAnswer): void;
}

const isGlobal = typeof (globalThis as { postMessage?: unknown }).postMessage === "function";
const port = (isGlobal ? globalThis : parentPort) as unknown as Port;
const server = new ImageServer((answer) => port.postMessage(answer));
if (isGlobal) port.onmessage = ({ data }) => server.receive(data);
else parentPort!.on("message", (request: WorkerRequest) => server.receive(request));
