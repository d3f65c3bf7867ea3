/** A peer in a process of its own: started when needed, and ended when it takes too long. */

import type { Greeting, MeasureAnswer, PeaksAnswer, PrepareAnswer, PrepareRequest, Request } from "./protocol.ts";
import type { PeerKind, PeerSettings } from "./peers.ts";

/** The seconds until a peer's first line, in which its packages may be fetched. */
const GREETING_LIMIT = 300;
/** The seconds that a measurement may take beyond those asked for. */
const MEASURE_LIMIT = 60;

/** Its process, and the lines that it writes. */
interface Running {
  readonly child: Deno.ChildProcess;
  readonly input: WritableStreamDefaultWriter<Uint8Array>;
  readonly lines: ReadableStreamDefaultReader<string>;
  /** Received text that was not read as a line yet. */
  rest: string;
  /** The end of its standard error. */
  complaint: string;
}

/** The error of a peer that did not answer in time. */
class TooSlow extends Error {}

/** A peer. */
export class PeerProcess {
  readonly kind: PeerKind;
  /** Its own description, once it has been started. */
  description: string | undefined;
  /** The reason why it is not available. */
  unavailable: string | undefined;
  readonly #settings: PeerSettings;
  #running: Running | undefined;

  constructor(kind: PeerKind, settings: PeerSettings) {
    this.kind = kind;
    this.#settings = settings;
  }

  /** Starts the process if it does not run; sets `unavailable` if it cannot run here. */
  async start(): Promise<void> {
    if (this.#running !== undefined || this.unavailable !== undefined) return;
    const { program, args, environment } = this.kind.command(this.#settings);
    try {
      const given = Object.entries({ ...Deno.env.toObject(), ...environment, NO_COLOR: "1" });
      const child = new Deno.Command(program, {
        args: [...args],
        clearEnv: true,
        env: Object.fromEntries(given.filter((pair): pair is [string, string] => pair[1] !== undefined)),
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const running: Running = {
        child,
        input: child.stdin.getWriter(),
        lines: child.stdout.pipeThrough(new TextDecoderStream()).getReader(),
        rest: "",
        complaint: "",
      };
      this.#running = running;
      this.#listen(running);
      const greeting = await this.#line<Greeting>(GREETING_LIMIT);
      if ("ready" in greeting) this.description = greeting.ready;
      else this.unavailable = greeting.unavailable;
    } catch (error) {
      this.unavailable = error instanceof Error ? error.message : String(error);
    }
    if (this.unavailable !== undefined) await this.stop();
  }

  /** Prepares a piece of work; gives up after `limit` seconds. */
  async prepare(request: PrepareRequest["prepare"], limit: number): Promise<PrepareAnswer> {
    await this.start();
    if (this.unavailable !== undefined) return { unsupported: `not available: ${this.unavailable}` };
    try {
      return await this.#ask<PrepareAnswer>({ prepare: request }, limit);
    } catch (error) {
      await this.stop();
      return {
        unsupported: error instanceof TooSlow ? `too slow: gave no result within ${limit} s` : (error as Error).message,
      };
    }
  }

  /** Runs the prepared work for a number of seconds, at least once. */
  async measure(seconds: number): Promise<MeasureAnswer> {
    return await this.#ask<MeasureAnswer>({ measure: seconds }, seconds + MEASURE_LIMIT);
  }

  /** Measures what its device does at most. */
  async peaks(): Promise<PeaksAnswer> {
    await this.start();
    if (this.unavailable !== undefined) return { unsupported: `not available: ${this.unavailable}` };
    try {
      return await this.#ask<PeaksAnswer>({ peaks: true }, MEASURE_LIMIT);
    } catch (error) {
      await this.stop();
      return { unsupported: (error as Error).message };
    }
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    try {
      running.child.kill("SIGKILL");
    } catch {
      // The process has ended by itself.
    }
    await running.child.status;
    await Promise.allSettled([running.lines.cancel(), running.input.abort()]);
  }

  async #listen(running: Running): Promise<void> {
    for await (const text of running.child.stderr.pipeThrough(new TextDecoderStream())) {
      running.complaint = (running.complaint + text).slice(-4000);
    }
  }

  async #ask<T>(request: Request, limit: number): Promise<T> {
    await this.#running!.input.write(new TextEncoder().encode(`${JSON.stringify(request)}\n`));
    return await this.#line<T>(limit);
  }

  async #line<T>(limit: number): Promise<T> {
    const running = this.#running!;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new TooSlow(`no answer within ${limit} s`)), limit * 1000);
    });
    try {
      while (!running.rest.includes("\n")) {
        const { value, done } = await Promise.race([running.lines.read(), late]);
        if (done) {
          const complaint = running.complaint.trim().split("\n").findLast((line) => /error|exception/i.test(line));
          throw new Error(complaint ?? "its process ended");
        }
        running.rest += value;
      }
    } finally {
      clearTimeout(timer);
    }
    const end = running.rest.indexOf("\n"), line = running.rest.slice(0, end);
    running.rest = running.rest.slice(end + 1);
    return JSON.parse(line);
  }
}

/** The signals that end a run and its peers. */
const SIGNALS: readonly Deno.Signal[] = ["SIGINT", "SIGTERM"];

/** Does something with peers, whose processes end with it, and with this process where a signal ends it. */
export async function withPeers<T>(peers: readonly PeerProcess[], body: () => Promise<T>): Promise<T> {
  const stop = () => Promise.all(peers.map((peer) => peer.stop()));
  const interrupted = async () => {
    await stop();
    Deno.exit(130);
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, interrupted);
  try {
    return await body();
  } finally {
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, interrupted);
    await stop();
  }
}
