/** The server of a peer written in TypeScript: answers the benchmark's requests on standard input. */

import type { Cost, DevicePeaks } from "../../../core/mod.ts";
import { type QueuedWork, timeRun, timeTurn } from "../../gpu/burst.ts";
import type { Greeting, MeasureAnswer, PeaksAnswer, PrepareAnswer, PrepareRequest, Request } from "../protocol.ts";
import { readFloats, type Tensor, writeFloats } from "../tensor_file.ts";
import type { Work } from "../work.ts";

/** Work that is ready to run. */
export interface Prepared {
  /** Does the work once, to its end. */
  run(): Promise<void> | void;
  /** How the work is queued, on a device where many runs share a wait. */
  readonly queued?: QueuedWork;
  /** The operations and bytes of each op. */
  readonly costs?: readonly Cost[];
  /** The result of the last run: the output, or all of a network's tensors in order after a training step. NCHW, OIHW. */
  output(): Promise<Float32Array> | Float32Array;
  /** Gives the memory back. */
  release(): void;
}

/** A way of doing a piece of work. */
export interface Way {
  /** Its name, in a few words. */
  readonly name: string;
  /** Prepares the work in this way. */
  prepare(): Promise<Prepared> | Prepared;
}

/** A framework as the benchmark sees it. */
export interface Peer {
  /** The framework and its version. */
  readonly description: string;
  /** The ways of doing a piece of work, likeliest first; throws an error with the reason if there is none. */
  ways(work: Work, tensors: ReadonlyMap<string, Tensor>): readonly Way[];
  /** Measures what the device does at most. */
  peaks?(): Promise<DevicePeaks>;
}

/** The seconds after which no other way is tried. */
const TRIAL_SECONDS = 4;
/** The most runs of a way before the fastest is chosen. */
const TRIAL_RUNS = 4;

/** The number of threads that the benchmark asked for. */
export const threads = Number(Deno.args[0] ?? navigator.hardwareConcurrency);

/** Which of a peer's backends the benchmark asked for, if it has several. */
export const backendName: string = Deno.args[1] ?? "cpu";

/** How this library chooses its kernels, as `--tune` says it. */
export const tune: string = Deno.args[2] ?? "off";

function short(error: unknown): string {
  return (error instanceof Error ? error.message : String((error as { message?: string })?.message ?? error)).trim();
}

async function timed(prepared: Prepared): Promise<number> {
  const started = performance.now();
  await prepared.run();
  return (performance.now() - started) / 1000;
}

/** Runs a peer until its standard input ends. */
export async function serve(open: () => Promise<Peer>): Promise<never> {
  const write = (answer: Greeting | PrepareAnswer | MeasureAnswer | PeaksAnswer) =>
    Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(answer)}\n`));
  // Standard output belongs to the answers.
  console.log = console.info = console.error;
  let peer: Peer;
  try {
    peer = await open();
  } catch (error) {
    write({ unavailable: short(error) });
    Deno.exit(0);
  }
  write({ ready: peer.description });
  let current: Prepared | undefined, usual = 0;

  async function prepare({ work, tensors, output }: PrepareRequest["prepare"]): Promise<PrepareAnswer> {
    current?.release();
    current = undefined;
    const data = new Map<string, Tensor>();
    for (const [name, { shape, path }] of Object.entries(tensors)) {
      data.set(name, { shape, data: await readFloats(path) });
    }
    const started = performance.now(), tried: string[] = [], failures: string[] = [];
    let best = { name: "", seconds: Infinity };
    let ways: readonly Way[] = [];
    try {
      ways = peer.ways(work, data);
    } catch (error) {
      failures.push(short(error));
    }
    for (const way of ways) {
      // If results are asked for, every way runs.
      const late = performance.now() - started > TRIAL_SECONDS * 1000;
      if (current !== undefined && late && output === undefined) break;
      let candidate: Prepared | undefined;
      try {
        candidate = await way.prepare();
        let seconds = await timed(candidate);
        if (output !== undefined) {
          await writeFloats(`${output}.${tried.length}`, new Float32Array(await candidate.output()));
        }
        if (candidate.queued !== undefined) seconds = await timeRun(candidate.queued);
        else {for (let k = 1; k < TRIAL_RUNS && seconds * k < TRIAL_SECONDS / 4; k++) {
            seconds = Math.min(seconds, await timed(candidate));
          }}
        tried.push(way.name);
        if (seconds < best.seconds) {
          best = { name: way.name, seconds };
          [current, candidate] = [candidate, current];
        }
      } catch (error) {
        failures.push(`${way.name}: ${short(error)}`);
      }
      candidate?.release();
    }
    if (current === undefined) return { unsupported: failures[0] ?? "no way of doing it" };
    usual = best.seconds;
    return { variant: best.name, variants: tried, failures, seconds: best.seconds, costs: current.costs };
  }

  async function measure(budget: number): Promise<MeasureAnswer> {
    const prepared = current!, seconds: number[] = [];
    if (prepared.queued !== undefined) {
      const { clock, device, runs } = await timeTurn(prepared.queued, usual, budget);
      return { seconds: [clock], runs, ...(device === undefined ? {} : { device: [device] }) };
    }
    // One run first, since the caches hold the data of other peers.
    if (usual < budget / 3) await timed(prepared);
    const started = performance.now();
    do seconds.push(await timed(prepared)); while (performance.now() - started < budget * 1000);
    return { seconds };
  }

  async function peaks(): Promise<PeaksAnswer> {
    try {
      return await peer.peaks?.() ?? { unsupported: "it does not measure them" };
    } catch (error) {
      return { unsupported: short(error) };
    }
  }

  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
  let rest = "";
  for await (const text of lines) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    for (const line of parts) {
      const request: Request = JSON.parse(line);
      if ("peaks" in request) write(await peaks());
      else write("prepare" in request ? await prepare(request.prepare) : await measure(request.measure));
    }
  }
  Deno.exit(0);
}
