/** Compares this library on the CPU with other frameworks: `deno task bench:cpu`. See bench/README.md. */

import { exitCodeOf } from "../../cli/command.ts";
import { formatHelp } from "../../cli/options/help.ts";
import type { OptionTable, Values } from "../../cli/options/option.ts";
import { parseOptions } from "../../cli/options/parse_options.ts";
import { Peak } from "../../core/cpu/roofline.ts";
import { UsageError } from "../../core/mod.ts";
import { checkRecord, HISTORY, RECORD_OPTIONS, recordRun, withoutRecord } from "../history.ts";
import { checkPeers } from "./check.ts";
import { describeMachine } from "./machine.ts";
import { type Gauge, measureRow, readGauges, type RowFigures } from "./measure.ts";
import { PeerProcess, withPeers } from "./peer_process.ts";
import { checkoutPeer, type PeerKind, PEERS, peersNamed } from "./peers.ts";
import { BenchProgress } from "./progress.ts";
import { figuresOfReport, formatReport, most, type Report, reportJson, shorten } from "./report.ts";
import { TileRate } from "./tile.ts";
import { type Row, rowFilter, ROWS } from "./work.ts";

const OPTIONS = {
  rows: { kind: "text", value: "PATTERN", about: "only rows whose name matches this regular expression" },
  peers: {
    kind: "text",
    value: "A,B",
    about: `only these of ${PEERS.map(({ name }) => name).join(", ")}; defaults to all that use the CPU`,
  },
  webgpu: {
    kind: "flag",
    about: "also the peers that use WebGPU, many runs a wait; bench:webgpu has more",
    default: false,
  },
  before: { kind: "text", value: "DIR", about: "also another checkout of this project, in turn with this one" },
  threads: { kind: "integer", about: "threads of each peer; one a core unless given", minimum: 1 },
  python: { kind: "text", value: "PATH", about: "the Python that has PyTorch", default: "/usr/bin/python3" },
  rounds: { kind: "integer", about: "how often the peers take turns; 5 unless given", minimum: 1 },
  seconds: { kind: "number", about: "seconds of a turn; 0.3 unless given", minimum: 0.001 },
  limit: { kind: "number", about: "seconds to get ready, after which a peer is given up; 15 unless given", minimum: 1 },
  quick: {
    kind: "flag",
    about: "2 rounds of 0.1 s and a limit of 5 s, unless given otherwise: a first impression",
    default: false,
  },
  out: { kind: "text", value: "FILE", about: "also write all figures to this file, as JSON" },
  check: { kind: "flag", about: "measure nothing; compare each peer's results with float64 loops", default: false },
  ...RECORD_OPTIONS,
  help: { kind: "flag", about: "this text", default: false },
} as const satisfies OptionTable;

/** The readings of the gauges before the rows; they are read again in each round. */
const GAUGE_READINGS = 8;

type Options = Values<typeof OPTIONS>;

const HELP = {
  name: "bench:cpu",
  about: "Measures matrix products, convolutions and networks on the CPU, beside other frameworks.",
  options: OPTIONS,
  examples: [
    ["", "all rows, all peers"],
    ["--rows 'resnet20 3x3' --peers residua,pytorch", "one kind of row against one peer"],
    ["--peers residua --before ../before", "what a change has brought, against a git worktree of the commit before"],
    ["--quick --out figures.json", "a first impression, kept as JSON"],
    ["--check", "proof that all peers compute the same"],
  ],
} as const;

async function chosenPeers({ peers, webgpu, before }: Options): Promise<readonly PeerKind[]> {
  const chosen = peers !== undefined
    ? peersNamed(peers)
    : PEERS.filter(({ device }) => device === "cpu" || (webgpu && device === "webgpu"));
  return before === undefined ? chosen : chosen.toSpliced(1, 0, await checkoutPeer(before));
}

async function check(peers: readonly PeerProcess[], wanted: (row: Row) => boolean): Promise<boolean> {
  let passed = true;
  for await (const { row, peer, variant, error, passed: good } of checkPeers(peers, wanted)) {
    const text = typeof error === "number" ? `largest error ${error.toExponential(1)}` : shorten(error);
    console.log(`${good ? "ok  " : "FAIL"}  ${row}: ${peer}${variant === "" ? "" : ` (${variant})`}: ${text}`);
    passed &&= good;
  }
  return passed;
}

async function measure(
  peers: readonly PeerProcess[],
  rows: readonly Row[],
  options: Options,
  threads: number,
): Promise<Report> {
  const { quick } = options, progress = new BenchProgress(rows.length);
  const { rounds = quick ? 2 : 5, seconds = quick ? 0.1 : 0.3, limit = quick ? 5 : 15 } = options;
  const meters = { peak: await Peak.start(threads), tile: await TileRate.start(threads) }, figures: RowFigures[] = [];
  const peak: Gauge = { measure: () => meters.peak.measure(), values: [] };
  const tile: Gauge = { measure: () => meters.tile.measure(), values: [] };
  try {
    for (let k = 0; k < GAUGE_READINGS; k++) await readGauges([peak, tile]);
    for (const peer of peers) {
      progress.show(peer.kind.name, "starts");
      await peer.start();
    }
    for (const row of rows) {
      const show = (doing: string) => progress.show(row.name, doing);
      figures.push(await measureRow(row, peers, [peak, tile], { rounds, seconds, limit, progress: show }));
      progress.next();
    }
  } finally {
    meters.peak.close();
    meters.tile.close();
    progress.clear();
  }
  return {
    machine: await describeMachine(),
    threads,
    rounds,
    seconds,
    peers: new Map(peers.map(({ kind, description, unavailable }) => [
      kind.name,
      description ?? `not available: ${unavailable}`,
    ])),
    peak: { gflops: most(peak.values), relaxed: meters.peak.relaxed, measured: peak.values },
    tile: { gflops: most(tile.values), measured: tile.values },
    rows: figures,
  };
}

async function run(): Promise<boolean> {
  const options = parseOptions("bench:cpu", OPTIONS, Deno.args);
  if (options.help) {
    console.log(formatHelp(HELP));
    return true;
  }
  checkRecord(options);
  const wanted = rowFilter(options.rows);
  if (options.check && options.record) throw new UsageError("--check and --record exclude each other");
  const threads = options.threads ?? navigator.hardwareConcurrency;
  const settings = { threads, python: options.python };
  const peers = (await chosenPeers(options)).map((kind) => new PeerProcess(kind, settings));
  return await withPeers(peers, async () => {
    if (options.check) return await check(peers, wanted);
    const rows = ROWS.filter(wanted);
    if (rows.length === 0) throw new UsageError(`--rows: no row matches; there are such as "${ROWS[1].name}"`);
    const report = await measure(peers, rows, options, threads);
    console.log(formatReport(report));
    if (options.out !== undefined) await Deno.writeTextFile(options.out, `${reportJson(report)}\n`);
    if (options.record) {
      const device = `CPU, ${threads} thread${threads === 1 ? "" : "s"}`, figures = figuresOfReport(report);
      await recordRun(
        { benchmark: "bench:cpu", arguments: withoutRecord(Deno.args), device, figures },
        options.note,
      );
      console.log(`recorded in ${HISTORY}`);
    }
    return true;
  });
}

let passed = true;
const code = await exitCodeOf(async () => {
  passed = await run();
});
Deno.exitCode = passed ? code : 1;
