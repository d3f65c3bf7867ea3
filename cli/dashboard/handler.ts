/** Answers the requests of the dashboard's page. Nothing but POST has an effect, and that only with the token of the terminal. */

import { ResiduaError } from "../../core/mod.ts";
import { messageOf } from "../error_message.ts";
import { content, json, RequestError } from "./answers.ts";
import { eventStream } from "./event_stream.ts";
import type { PageFiles } from "./page_files.ts";
import type { Run } from "./run.ts";
import type { RunWatcher } from "./run_watcher.ts";

/** What a handler answers with. */
export interface DashboardParts {
  readonly watcher: RunWatcher;
  readonly files: PageFiles;
  /** What is told of one run, by the path at which it is asked for. */
  readonly details: Readonly<Record<string, RunDetail>>;
  /** What the page may have done, by the path at which it asks for it. */
  readonly actions: Readonly<Record<string, (run: Run, token: string) => Promise<unknown>>>;
  /** The names by which the server may be asked for, without a port. */
  readonly hosts: readonly string[];
  /** Ends what goes on for as long as a page is open. */
  readonly stop: AbortSignal;
  /** Hears of what is the server's fault, and not the request's. */
  readonly onError: (error: unknown) => void;
}

/** Tells something of a run. */
export type RunDetail = (run: Run, query: URLSearchParams) => Promise<Response> | Response;

/** The most bytes of a request that has an effect. */
const MOST_BYTES = 4096;

/** Makes the function that answers a request. */
export function createDashboardHandler(parts: DashboardParts): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      return await answer(request, parts);
    } catch (error) {
      if (error instanceof RequestError) return json({ error: error.message }, error.status);
      if (error instanceof ResiduaError) return json({ error: messageOf(error) }, 422);
      parts.onError(error);
      return json({ error: "The dashboard failed; see its output" }, 500);
    }
  };
}

async function answer(request: Request, { watcher, files, details, actions, hosts, stop }: DashboardParts) {
  const { hostname, pathname, searchParams } = new URL(request.url), { method } = request;
  // A page elsewhere could reach a server on this machine under a name of its own.
  if (!hosts.includes(hostname)) throw new RequestError(403, `This server is ${hosts[0]}, and not ${hostname}`);
  if (Object.hasOwn(actions, pathname)) {
    if (method !== "POST") return json({ error: `${pathname} takes POST, and not ${method}` }, 405, { allow: "POST" });
    const { run, token } = await readAction(request, watcher);
    return json(await actions[pathname](run, token));
  }
  if (method !== "GET" && method !== "HEAD") {
    return json({ error: `${pathname} takes GET, and not ${method}` }, 405, { allow: "GET" });
  }
  if (pathname === "/api/runs") return json({ root: watcher.root, runs: watcher.summaries() });
  if (pathname === "/api/events") return eventStream(watcher, stop);
  if (Object.hasOwn(details, pathname)) {
    return await details[pathname](findRun(watcher, searchParams.get("run")), searchParams);
  }
  const file = files.at(pathname);
  if (file === undefined) throw new RequestError(404, `There is nothing at ${pathname}`);
  const { text, type } = await file;
  return content(text, type);
}

/** A run that is asked for: one that was found in the folder, and by no other name. */
function findRun(watcher: RunWatcher, path: unknown): Run {
  const run = typeof path === "string" ? watcher.find(path) : undefined;
  if (run !== undefined) return run;
  throw new RequestError(404, typeof path === "string" ? `There is no run ${path} here` : "Say which run: ?run=PATH");
}

/** What is to be done: of a page of this server's own alone, whatever browser asks. */
async function readAction(
  request: Request,
  watcher: RunWatcher,
): Promise<{ readonly run: Run; readonly token: string }> {
  const { origin } = new URL(request.url), site = request.headers.get("sec-fetch-site") ?? "same-origin";
  if (request.headers.get("origin") !== origin || site !== "same-origin") {
    throw new RequestError(403, "Only the dashboard's own page may ask for that");
  }
  if (request.headers.get("content-type") !== "application/json") {
    throw new RequestError(415, "Expected JSON, with content-type application/json");
  }
  const text = await readText(request);
  let asked: { readonly run?: unknown; readonly token?: unknown };
  try {
    asked = JSON.parse(text) ?? {};
  } catch {
    throw new RequestError(400, 'Expected JSON of a run and a token, {"run":"…","token":"…"}');
  }
  return { run: findRun(watcher, asked.run), token: String(asked.token ?? "") };
}

async function readText(request: Request): Promise<string> {
  let text = "";
  for await (const part of request.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    if (text.length > MOST_BYTES) throw new RequestError(413, `The request has more than ${MOST_BYTES} bytes`);
  }
  return text;
}
