/** Answers the requests of a server: predictions, a page to try them, health and metrics. */

import { ResiduaError } from "../../core/mod.ts";
import type { LoadedModel, Prediction } from "../../inference/mod.ts";
import { messageOf } from "../error_message.ts";
import type { Batcher } from "./batcher.ts";
import { QueueFullError } from "./batcher.ts";
import type { ServerMetrics } from "./metrics.ts";
import { PAGE } from "./page.ts";
import { type BodyLimits, LEFT, readImages, RequestError, type SentImage } from "./read_body.ts";

/** What a handler answers with. */
export interface HandlerParts {
  /** The model. */
  readonly model: Pick<LoadedModel, "classes" | "inputShape">;
  /** Its name. */
  readonly name: string;
  /** Decodes an image file and makes it ready. */
  readonly prepare: (image: SentImage) => Promise<Float32Array>;
  /** Joins what comes at the same time. */
  readonly batcher: Pick<Batcher, "classify" | "waiting">;
  /** Counts what is done. */
  readonly metrics: ServerMetrics;
  /** What is taken of a request. */
  readonly limits: BodyLimits;
  /** Milliseconds in which a request is answered. */
  readonly timeout: number;
  /** The classes that are told of each image. */
  readonly top: number;
  /** The names by which the server may be asked for, without a port; any if there are none. */
  readonly hosts?: readonly string[];
  /** Hears of what is the server's fault, and not the request's. */
  readonly onError: (error: unknown) => void;
}

/** An image that is ready, or why it is not. */
type Ready = { readonly file: string; readonly tensor: Float32Array } | {
  readonly file: string;
  readonly error: string;
};

/** The answer for an image. */
type Answer = { readonly file: string; readonly predictions: readonly object[] } | {
  readonly file: string;
  readonly error: string;
};

const ALLOWED: Readonly<Record<string, string>> = {
  "/": "GET",
  "/health": "GET",
  "/metrics": "GET",
  "/predict": "POST",
};
const SAFE = {
  "content-security-policy":
    "default-src 'none'; img-src blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; " +
    "connect-src 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
};

/** What the server tells of a request, as `Deno.serve` does: a promise that fails if the client goes before it has its answer. */
export interface RequestInfo {
  /** Settles once the answer was sent, or could not be. */
  readonly completed: Promise<void>;
}

/** Makes the function that answers a request. */
export function createHandler(parts: HandlerParts): (request: Request, info?: RequestInfo) => Promise<Response> {
  const { model, name, metrics, batcher } = parts;
  return async (request, info) => {
    const { hostname, pathname } = new URL(request.url), allowed = ALLOWED[pathname];
    // A page elsewhere could reach a server on this machine under a name of its own.
    if (parts.hosts !== undefined && !parts.hosts.includes(hostname)) {
      return json(403, { error: `This server is ${parts.hosts[0]}, and not ${hostname}` });
    }
    if (allowed === undefined) {
      return json(404, { error: `There is nothing at ${pathname}; send images to /predict by POST` });
    }
    if (request.method !== allowed && !(allowed === "GET" && request.method === "HEAD")) {
      return json(405, { error: `${pathname} takes ${allowed}, and not ${request.method}` }, { allow: allowed });
    }
    if (pathname === "/") {
      return new Response(PAGE, { headers: { "content-type": "text/html; charset=utf-8", ...SAFE } });
    }
    if (pathname === "/metrics") {
      const text = metrics.text(batcher.waiting);
      return new Response(text, { headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" } });
    }
    if (pathname === "/health") {
      return json(200, { status: "ok", model: name, inputShape: model.inputShape, classes: model.classes });
    }
    const started = performance.now(), response = await predict(request, parts, info);
    metrics.answered(response.status, (performance.now() - started) / 1000);
    return response;
  };
}

async function predict(request: Request, parts: HandlerParts, info?: RequestInfo): Promise<Response> {
  const limit = new AbortController(), { signal } = limit, seconds = parts.timeout / 1000;
  const late = new RequestError(503, `There was no answer in ${seconds} seconds; try again later`);
  const timer = setTimeout(() => limit.abort(late), parts.timeout);
  // Nobody waits for the rest of its images.
  info?.completed.catch(() => limit.abort(new RequestError(LEFT, "The client has gone")));
  try {
    const images = await until(signal, answerAll(request, signal, parts));
    return json(images.every((image) => "error" in image) ? 400 : 200, { images });
  } catch (error) {
    if (error instanceof RequestError) return json(error.status, { error: error.message }, retryOf(error.status));
    if (error instanceof QueueFullError) return json(503, { error: error.message }, retryOf(503));
    parts.onError(error);
    return json(500, { error: error instanceof ResiduaError ? messageOf(error) : "The server failed; see its output" });
  } finally {
    clearTimeout(timer);
  }
}

/** What a promise gives, unless the signal comes first. */
function until<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    promise.then(resolve, reject);
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

async function answerAll(request: Request, signal: AbortSignal, parts: HandlerParts): Promise<Answer[]> {
  const sent = await readImages(request, parts.limits);
  const ready = await Promise.all(sent.map(async (image): Promise<Ready> => {
    try {
      return { file: image.file, tensor: await parts.prepare(image) };
    } catch (error) {
      // What is wrong with an image is the client's.
      if (!(error instanceof ResiduaError)) throw error;
      return { file: image.file, error: messageOf(error) };
    }
  }));
  const tensors = ready.flatMap((image) => "tensor" in image ? [image.tensor] : []);
  const predictions = tensors.length === 0 ? [] : await parts.batcher.classify(tensors, signal);
  let next = 0;
  return ready.map((image) =>
    "error" in image ? image : { file: image.file, predictions: ranked(predictions[next++], parts.top) }
  );
}

function ranked({ top }: Prediction, most: number): object[] {
  return top.slice(0, most).map(({ label, index, probability }) => ({ class: label, index, probability }));
}

function retryOf(status: number): Record<string, string> {
  return status === 503 ? { "retry-after": "1" } : {};
}

function json(status: number, value: object, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(value) + "\n", {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}
