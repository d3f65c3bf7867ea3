/** The page's end of its worker: asks, and hands on what it answers. */

import type { Answer, Request } from "../protocol.ts";

/** Who hears of each kind of answer. */
export type Listeners = { readonly [K in Answer["kind"]]: (answer: Extract<Answer, { kind: K }>) => void };

/** Starts the worker, and gives what asks it. */
export function startWorker(listeners: Listeners, onCrash: (message: string) => void): (request: Request) => void {
  const worker = new Worker(new URL("worker.js", location.href), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<Answer>) => {
    (listeners[data.kind] as (answer: Answer) => void)(data);
  };
  worker.onerror = ({ message }) =>
    onCrash(`The worker of this page stopped${message ? `: ${message}` : ""}. Load the page again.`);
  return (request) => worker.postMessage(request);
}
