/** Changes of runs as server-sent events (the HTML standard, section 9.2). */

import { SAFE } from "./answers.ts";
import type { RunWatcher } from "./run_watcher.ts";

/** Milliseconds between signs of life, by which a closed connection is noticed. */
const ALIVE = 15_000;

/**
 * All runs, and then what changes, until the client goes.
 *
 * @param watcher The runs.
 * @param stop Ends the stream.
 */
export function eventStream(watcher: RunWatcher, stop: AbortSignal): Response {
  const encoder = new TextEncoder();
  let end = () => {};
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (event: string, data: unknown) =>
        controller.enqueue(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
      send("runs", watcher.summaries());
      const leave = watcher.listen((change) => {
        // Who does not read gets the newest state once they do: what waits is bounded.
        if ((controller.desiredSize ?? 0) < -1000) return finish();
        if (change.kind === "run") send("run", change.run);
        else send("gone", change.path);
      });
      const timer = setInterval(() => controller.enqueue(encoder.encode(":\n\n")), ALIVE);
      const finish = () => {
        end();
        controller.close();
      };
      end = () => {
        leave();
        clearInterval(timer);
        stop.removeEventListener("abort", finish);
        end = () => {};
      };
      if (stop.aborted) finish();
      else stop.addEventListener("abort", finish);
    },
    cancel: () => end(),
  });
  return new Response(stream, { headers: { "content-type": "text/event-stream", ...SAFE } });
}
