/** The results of `bench:webgpu`: an object that is kept as JSON, and a table of it. */

import { formatTable } from "../../cli/reports/table.ts";
import { type Cost, DataError, type DevicePeaks, rooflineSeconds } from "../../core/mod.ts";
import type { Machine } from "../cpu/machine.ts";
import type { RowFigures } from "../cpu/measure.ts";
import { shorten } from "../cpu/report.ts";
import { flops, images, type Work } from "../cpu/work.ts";
import type { Figure } from "../history.ts";
import type { GpuRow } from "./rows.ts";

/** The peer that the others are compared with. */
export const OWN = "residua-webgpu";

/** The time of a run of a peer. */
export interface GpuFigures {
  readonly variant: string;
  /** Seconds by the host's clock: the median of the rounds. */
  readonly seconds: number;
  /** Seconds by the device's timestamps: the median of the rounds. */
  readonly device?: number;
  readonly runs: number;
}

/** A row's results. */
export interface GpuReportRow {
  readonly name: string;
  readonly group: string;
  readonly label: string;
  readonly work: Work;
  readonly flops: number;
  /** The bytes that its ops read and write, each tensor once an op. */
  readonly bytes?: number;
  /** The seconds of its ops at the peaks: the operations or the bytes of each, whichever take longer. */
  readonly floor?: number;
  /** Images in a batch. */
  readonly images?: number;
  /** The figures of each peer, or the reason why it has none. */
  readonly peers: Readonly<Record<string, GpuFigures | { readonly unsupported: string }>>;
}

/** The results of a run. */
export interface GpuReport {
  readonly machine: Machine;
  /** The peaks of the device as measured, or the reason why they are not known. */
  readonly peaks: DevicePeaks | { readonly unsupported: string };
  /** How this library chose its kernels. */
  readonly tune: string;
  readonly rounds: number;
  /** Seconds of the bursts of a turn. */
  readonly seconds: number;
  /** Each peer's description, or the reason why it was left out. */
  readonly peers: Readonly<Record<string, string>>;
  readonly rows: readonly GpuReportRow[];
}

/** A peer that was left out begins its description so. */
export const NOT_AVAILABLE = "not available: ";

/** A row of the report. */
export function reportRow(row: GpuRow, { peers }: Pick<RowFigures, "peers">, peaks: GpuReport["peaks"]): GpuReportRow {
  const own = peers.get(OWN), costs = own !== undefined && "costs" in own ? own.costs : undefined;
  const { name, group, label, work } = row;
  return {
    name,
    group,
    label,
    work,
    flops: flops(work),
    ...(costs === undefined ? {} : { bytes: sum(costs, ({ bytes }) => bytes) }),
    ...(costs === undefined || "unsupported" in peaks
      ? {}
      : { floor: sum(costs, (cost) => rooflineSeconds(cost, peaks)) }),
    images: images(work),
    peers: Object.fromEntries([...peers].map(([peer, found]) => {
      if ("unsupported" in found) return [peer, found];
      const { variant, seconds, device, runs } = found;
      return [peer, { variant, seconds, ...(device === undefined ? {} : { device }), runs }];
    })),
  };
}

function sum(costs: readonly Cost[], of: (cost: Cost) => number): number {
  return costs.reduce((total, cost) => total + of(cost), 0);
}

/** The figures of a peer, if it has any. */
export function figuresOf({ peers }: Pick<GpuReportRow, "peers">, peer: string): GpuFigures | undefined {
  const found = peers[peer];
  return found === undefined || "unsupported" in found ? undefined : found;
}

/** The seconds that count: the device's own where it has timestamps, since a wait weighs on those by the clock. */
export function secondsOf({ seconds, device }: GpuFigures): number {
  return device ?? seconds;
}

/** A figure as people compare it: images/s where there are images, else TFLOP/s. */
export function rateOf({ images, flops }: Pick<GpuReportRow, "images" | "flops">, figures: GpuFigures): number {
  return (images ?? flops / 1e12) / secondsOf(figures);
}

/** The unit of {@link rateOf}. */
export function unitOf({ images }: Pick<GpuReportRow, "images">): string {
  return images === undefined ? "TFLOP/s" : "images/s";
}

/** A number with three digits, or all before the point. */
export function digits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  if (value >= 1) return value.toFixed(value >= 10 ? 1 : 2);
  return value >= 0.1 ? value.toFixed(3) : value.toPrecision(2);
}

/**
 * The tables, a group of rows each. Peers stand beside this library's figures where lines of that width have room for them, else
 * in tables of their own.
 */
export function formatGpuReport(report: GpuReport, width: number): string {
  const { peaks, peers, rows, rounds, seconds, tune } = report, reasons = new Reasons();
  const others = Object.keys(peers).filter((name) => name !== OWN && !peers[name].startsWith(NOT_AVAILABLE));
  const lines = [
    ...Object.entries(peers).map(([name, text]) => `${name}: ${shorten(text)}`),
    "unsupported" in peaks
      ? `No peaks: ${shorten(peaks.unsupported)}`
      : `At most ${digits(peaks.flops / 1e12)} TFLOP/s and ${digits(peaks.bytes / 1e9)} GB/s, as measured here`,
    `Medians of ${rounds} rounds of ${seconds} s${tune === "off" ? "" : `; kernels chosen by --tune ${tune}`}`,
  ];
  const comparisons: string[] = [];
  for (const [group, members] of Map.groupBy(rows, (row) => row.group)) {
    const own = [ownHeader(members[0]), ...members.map((row) => ownCells(row, peaks, reasons))];
    const beside = others.map((peer) => [
      [columnOf(peer), "x"],
      ...members.map((row) => peerCells(row, peer, reasons)),
    ]);
    const [first, ...rest] = tablesOf(own, beside, width);
    const fits = rest.length === 0 && fitsInto(first, width);
    lines.push("", group, fits ? first : formatTable(own));
    if (fits || others.length === 0) continue;
    const rates = [
      [unitOf(members[0]), "residua"],
      ...members.map((row) => {
        const figures = figuresOf(row, OWN);
        return [row.label, figures === undefined ? "-" : digits(rateOf(row, figures))];
      }),
    ];
    comparisons.push("", `${group}, beside others`, ...tablesOf(rates, beside, width));
  }
  return [...lines, ...comparisons, "", ...legend(rows, others.length > 0), ...reasons.lines()].join("\n");
}

/** Tables of the same rows, each with as many of the columns beside them as lines of a width have room for: one at least. */
function tablesOf(
  rows: readonly (readonly string[])[],
  columns: readonly (readonly (readonly string[])[])[],
  width: number,
): string[] {
  const table = (taken: typeof columns) =>
    formatTable(rows.map((cells, index) => [...cells, ...taken.flatMap((column) => column[index])]));
  const tables: string[] = [];
  let first = 0;
  do {
    let end = Math.min(first + 1, columns.length);
    while (end < columns.length && fitsInto(table(columns.slice(first, end + 1)), width)) end++;
    tables.push(table(columns.slice(first, end)));
    first = end;
  } while (first < columns.length);
  return tables;
}

function fitsInto(table: string, width: number): boolean {
  return table.split("\n").every((line) => line.length <= width);
}

/** A peer's name as a column has room for it. */
function columnOf(peer: string): string {
  return peer === "pytorch-cuda-amp" ? "AMP" : peer.replace(/-(webgpu|cuda)$/, "");
}

/** The reasons that brackets stand for. */
class Reasons {
  readonly #texts: string[] = [];

  /** The number in brackets. */
  mark(peer: string, reason: string): string {
    // Each is half of PyTorch's two columns.
    if (/^(float32|mixed precision) only$/.test(reason)) return "-";
    const text = `${peer}: ${shorten(reason)}`;
    if (!this.#texts.includes(text)) this.#texts.push(text);
    return `[${this.#texts.indexOf(text) + 1}]`;
  }

  lines(): string[] {
    return this.#texts.map((text, index) => `[${index + 1}] ${text}`);
  }
}

function ownHeader(row: GpuReportRow): string[] {
  const rate = row.images === undefined ? [] : ["images/s"];
  return ["ms", "device", "clock", "floor", "TFLOP/s", "of peak", ...rate];
}

function ownCells(row: GpuReportRow, peaks: GpuReport["peaks"], reasons: Reasons): string[] {
  const rate = row.images === undefined ? 0 : 1, figures = figuresOf(row, OWN);
  const floor = row.floor === undefined ? "-" : milliseconds(row.floor);
  if (figures === undefined) {
    const found = row.peers[OWN] as { unsupported: string } | undefined;
    return [
      row.label,
      found === undefined ? "-" : reasons.mark(OWN, found.unsupported),
      "-",
      floor,
      ...Array(2 + rate).fill("-"),
    ];
  }
  const { device, seconds } = figures, flops = row.flops / secondsOf(figures);
  return [
    row.label,
    device === undefined ? "-" : milliseconds(device),
    milliseconds(seconds),
    floor,
    digits(flops / 1e12),
    "unsupported" in peaks ? "-" : `${(100 * flops / peaks.flops).toFixed(1)} %`,
    ...(rate === 0 ? [] : [digits(rateOf(row, figures))]),
  ];
}

/** A peer's rate, and how many times as fast this library is. */
function peerCells(row: GpuReportRow, peer: string, reasons: Reasons): [string, string] {
  const theirs = figuresOf(row, peer), own = figuresOf(row, OWN);
  if (theirs === undefined) {
    const found = row.peers[peer] as { unsupported: string } | undefined;
    return [found === undefined ? "-" : reasons.mark(peer, found.unsupported), ""];
  }
  return [digits(rateOf(row, theirs)), own === undefined ? "" : digits(secondsOf(theirs) / secondsOf(own))];
}

function milliseconds(seconds: number): string {
  return digits(seconds * 1e3);
}

function legend(rows: readonly GpuReportRow[], compared: boolean): string[] {
  return [
    "ms of a run: by the device's timestamps, by the host's clock, and the floor:",
    "what its operations or its bytes take at the peaks, whichever is longer.",
    ...(rows.some(({ work }) => work.kind === "convolution")
      ? ["dx, dw: the gradients of the input and the weight."]
      : []),
    ...(compared ? [`Others: TFLOP/s or images/s. x: how many times as fast ${OWN} is.`] : []),
  ];
}

/** The figures for the history: the peaks, then each row and peer. */
export function figuresOfGpuReport({ peaks, rows }: GpuReport): Figure[] {
  return [
    ...("unsupported" in peaks ? [] : [
      { name: "peak", value: peaks.flops / 1e12, unit: "TFLOP/s" },
      { name: "bandwidth", value: peaks.bytes / 1e9, unit: "GB/s" },
    ]),
    ...rows.flatMap((row) =>
      Object.keys(row.peers).flatMap((peer) => {
        const figures = figuresOf(row, peer);
        return figures === undefined
          ? []
          : [{ name: `${row.name}, ${peer}`, value: rateOf(row, figures), unit: unitOf(row) }];
      })
    ),
  ];
}

/**
 * Reads a report that `--json` wrote.
 *
 * @param file Its name, for messages.
 * @throws {DataError} If it is something else.
 */
export function parseGpuReport(text: string, file: string): GpuReport {
  let report: GpuReport | undefined;
  try {
    report = JSON.parse(text);
  } catch {
    // Said below.
  }
  if (report === undefined || !Array.isArray(report.rows) || report.peers === undefined) {
    throw new DataError(`${file}: expected a report that bench:webgpu wrote with --json`);
  }
  return report;
}
