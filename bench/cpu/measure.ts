/** Measures rows: every peer prepares its work, then they run by turns, so that disturbances of the machine hit all. */

import { type Cost, median } from "../../core/mod.ts";
import type { PeerProcess } from "./peer_process.ts";
import { writeTensors } from "./tensor_file.ts";
import { randomTensors } from "./tensors.ts";
import { patience, type Row } from "./work.ts";

/** The times of a peer for a row. */
export interface PeerFigures {
  /** The way of doing the work that was fastest. */
  readonly variant: string;
  /** The seconds of a run by the device's timestamps: the median of the rounds. */
  readonly device?: number;
  /** The operations and bytes of each op, from peers that count them. */
  readonly costs?: readonly Cost[];
  /** The fastest run of each round; where runs are queued, the mean of its burst. */
  readonly rounds: readonly number[];
  /** The median of the rounds: the figure that counts. */
  readonly seconds: number;
  /** The fastest of all runs. */
  readonly minimum: number;
  /** The median of all runs. */
  readonly median: number;
  /** The number of all runs. */
  readonly runs: number;
}

/** A row's results: the figures of each peer, or the reason why it has none. */
export interface RowFigures {
  readonly row: Row;
  readonly peers: ReadonlyMap<string, PeerFigures | { readonly unsupported: string }>;
}

/** A property of the machine that is measured between the turns. */
export interface Gauge {
  /** Takes one measurement. */
  measure(): number | Promise<number>;
  /** All measurements so far. */
  readonly values: number[];
}

/** The options of a measurement. */
export interface MeasureOptions {
  /** The number of rounds; each peer has one turn in each. */
  readonly rounds: number;
  /** Seconds of a turn. */
  readonly seconds: number;
  /** Seconds after which a peer that does not get ready is given up. */
  readonly limit: number;
  /** Receives the current activity. */
  readonly progress: (doing: string) => void;
}

/** Milliseconds between turns, in which the threads of the last peer go to sleep. */
const PAUSE_MS = 30;
/** A run as long as this many turns is measured in one round only. */
const LONG_TURNS = 6;

/** The runs of a peer so far. */
interface PeerRuns extends Pick<PeerFigures, "variant" | "costs"> {
  readonly rounds: number[];
  readonly device: number[];
  readonly all: number[];
  count: number;
  /** The rounds that are wanted. */
  wanted: number;
}

/** Takes a measurement of each gauge. */
export async function readGauges(gauges: readonly Gauge[]): Promise<void> {
  for (const gauge of gauges) gauge.values.push(await gauge.measure());
}

/** Measures a row; in each round the gauges take their turn first. */
export async function measureRow(
  row: Row,
  peers: readonly PeerProcess[],
  gauges: readonly Gauge[],
  { rounds, seconds, limit, progress }: MeasureOptions,
): Promise<RowFigures> {
  const folder = await Deno.makeTempDir({ prefix: "residua-bench-" });
  const results = new Map<string, PeerFigures | { readonly unsupported: string }>();
  const runs = new Map<PeerProcess, PeerRuns>();
  try {
    const tensors = await writeTensors(folder, randomTensors(row.work));
    for (const peer of peers) {
      progress(`${peer.kind.name} gets ready`);
      const answer = await peer.prepare({ work: row.work, tensors }, limit * patience(row.work));
      if ("unsupported" in answer) results.set(peer.kind.name, answer);
      else {
        const wanted = answer.seconds > LONG_TURNS * seconds ? 1 : rounds;
        const { variant, costs } = answer;
        runs.set(peer, { variant, costs, rounds: [], device: [], all: [], count: 0, wanted });
      }
    }
    const order = [...runs.keys()];
    for (let round = 0; round < rounds; round++) {
      await readGauges(gauges);
      for (let k = 0; k < order.length; k++) {
        // Each round begins with another peer.
        const peer = order[(round + k) % order.length], run = runs.get(peer)!;
        if (round >= run.wanted) continue;
        progress(`${peer.kind.name}, round ${round + 1} of ${rounds}`);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        try {
          const taken = await peer.measure(seconds);
          run.rounds.push(Math.min(...taken.seconds));
          run.device.push(...taken.device ?? []);
          run.all.push(...taken.seconds);
          run.count += taken.runs ?? taken.seconds.length;
        } catch (error) {
          await peer.stop();
          run.wanted = 0;
          results.set(peer.kind.name, { unsupported: (error as Error).message });
        }
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  for (const [{ kind: { name } }, { variant, costs, rounds, device, all, count }] of runs) {
    if (results.has(name)) continue;
    results.set(name, {
      variant,
      ...(device.length === 0 ? {} : { device: median(device) }),
      ...(costs === undefined ? {} : { costs }),
      rounds,
      seconds: median(rounds),
      minimum: Math.min(...all),
      median: median(all),
      runs: count,
    });
  }
  return { row, peers: new Map(peers.map(({ kind: { name } }) => [name, results.get(name)!])) };
}
