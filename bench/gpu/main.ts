/** Measures WebGPU on a GPU, beside other frameworks: `deno task bench:webgpu`. See bench/README.md. */

import { defineCommand, exitCodeOf } from "../../cli/command.ts";
import { explain } from "../../files/disk_error.ts";
import { checkTune, TUNE_OPTION } from "../../cli/tuning/tune_option.ts";
import { DeviceError, UsageError } from "../../core/mod.ts";
import { describeMachine } from "../cpu/machine.ts";
import { measureRow, type RowFigures } from "../cpu/measure.ts";
import { PeerProcess, withPeers } from "../cpu/peer_process.ts";
import { PEERS, peersNamed } from "../cpu/peers.ts";
import { BenchProgress } from "../cpu/progress.ts";
import { rowFilter } from "../cpu/work.ts";
import { checkRecord, HISTORY, RECORD_OPTIONS, recordRun, withoutRecord } from "../history.ts";
import { figuresOfGpuReport, formatGpuReport, type GpuReport, NOT_AVAILABLE, OWN, reportRow } from "./report.ts";
import { type GpuRow, gpuRows } from "./rows.ts";

/** The columns of an output that is no terminal. */
const USUAL_WIDTH = 120;

const command = defineCommand({
  name: "bench:webgpu",
  about: "Measures products, training, inference and convolutions on a GPU, many runs a wait, beside other frameworks.",
  options: {
    rows: { kind: "text", value: "PATTERN", about: "only rows whose name matches this regular expression" },
    peers: {
      kind: "text",
      value: "A,B",
      about: `only these of ${PEERS.map(({ name }) => name).join(", ")}; defaults to all that use a GPU`,
    },
    tune: TUNE_OPTION,
    python: { kind: "text", value: "PATH", about: "the Python that has PyTorch", default: "python3" },
    rounds: { kind: "integer", about: "how often the peers take turns", minimum: 1, default: 5 },
    seconds: { kind: "number", about: "seconds of the bursts of a turn", minimum: 0.001, default: 0.1 },
    limit: {
      kind: "number",
      about: "seconds to get ready, four times as many for networks, after which a peer is given up",
      minimum: 1,
      default: 15,
    },
    total: { kind: "number", about: "seconds after which no other row is begun; defaults to no limit", minimum: 1 },
    small: { kind: "flag", about: "small sizes and batches, to try the benchmark without a GPU", default: false },
    list: { kind: "flag", about: "list the rows' names and measure nothing", default: false },
    json: { kind: "text", value: "FILE", about: "also write all figures to this file, after each row" },
    ...RECORD_OPTIONS,
  },
  examples: [
    ["", "all rows, all peers that are there"],
    ["--rows '^(gemm|training)' --peers residua-webgpu", "products and training steps, without other frameworks"],
    [
      "--rows 'training resnet50' --tune full --limit 100",
      "one network with the kernels that are fastest on this adapter",
    ],
    ["--total 120 --json gpu.json", "what two minutes allow, kept as JSON"],
  ],
}, async (options) => {
  const { rows: pattern, small, list, tune, python, record, note, json } = options;
  checkTune(tune);
  checkRecord({ record, note });
  const all = gpuRows(small), rows = all.filter(rowFilter(pattern));
  if (rows.length === 0) throw new UsageError(`--rows: no row matches; there are such as "${all[0].name}"`);
  if (list) {
    console.log(rows.map(({ name }) => name).join("\n"));
    return;
  }
  const kinds = options.peers === undefined
    ? PEERS.filter(({ device }) => device !== "cpu")
    : peersNamed(options.peers);
  const settings = { threads: navigator.hardwareConcurrency, python, tune };
  const peers = kinds.map((kind) => new PeerProcess(kind, settings));
  const report = await withPeers(peers, () => measure(peers, rows, options));
  console.log(formatGpuReport(report, Deno.stdout.isTerminal() ? Deno.consoleSize().columns : USUAL_WIDTH));
  if (json !== undefined) console.log(`kept in ${json}`);
  if (!record) return;
  const device = report.peers[OWN] ?? Object.values(report.peers)[0];
  await recordRun(
    { benchmark: "bench:webgpu", arguments: withoutRecord(Deno.args), device, figures: figuresOfGpuReport(report) },
    note,
  );
  console.log(`recorded in ${HISTORY}`);
});

/** How rows are measured. */
interface MeasureOptions {
  readonly tune: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly limit: number;
  readonly total?: number;
  readonly json?: string;
}

async function measure(
  peers: readonly PeerProcess[],
  rows: readonly GpuRow[],
  { tune, rounds, seconds, limit, total = Infinity, json }: MeasureOptions,
): Promise<GpuReport> {
  const started = performance.now(), progress = new BenchProgress(rows.length);
  for (const peer of peers) {
    progress.show(peer.kind.name, "starts");
    await peer.start();
  }
  const own = peers.find(({ kind }) => kind.name === OWN);
  if (own?.unavailable !== undefined) {
    progress.clear();
    throw new DeviceError(own.unavailable);
  }
  const there = peers.filter(({ unavailable }) => unavailable === undefined);
  const report: GpuReport & { rows: GpuReport["rows"][number][] } = {
    machine: await describeMachine(),
    peaks: await own?.peaks() ?? { unsupported: `${OWN}, which measures them, was not asked for` },
    tune,
    rounds,
    seconds,
    peers: Object.fromEntries(
      peers.map(({ kind, description, unavailable }) => [kind.name, description ?? `${NOT_AVAILABLE}${unavailable}`]),
    ),
    rows: [],
  };
  for (const row of rows) {
    const show = (doing: string) => progress.show(row.name, doing);
    let figures: Pick<RowFigures, "peers">;
    if ((performance.now() - started) / 1000 >= total) figures = without(there, `not begun within ${total} s`);
    else {
      try {
        figures = await measureRow(row, there, [], { rounds, seconds, limit, progress: show });
      } catch (error) {
        figures = without(there, (error as Error).message);
      }
    }
    report.rows.push(reportRow(row, figures, report.peaks));
    progress.next();
    if (json !== undefined) await keep(report, json);
  }
  progress.clear();
  return report;
}

/** A row without figures. */
function without(peers: readonly PeerProcess[], unsupported: string): Pick<RowFigures, "peers"> {
  return { peers: new Map(peers.map(({ kind }) => [kind.name, { unsupported }])) };
}

async function keep(report: GpuReport, file: string): Promise<void> {
  try {
    await Deno.writeTextFile(file, `${JSON.stringify(report, null, 2)}\n`);
  } catch (error) {
    throw explain("the file of --json", file, error);
  }
}

Deno.exit(await exitCodeOf(() => command.run(Deno.args)));
