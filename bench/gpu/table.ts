/**
 * Writes reports of `bench:webgpu` as a table in Markdown, this library beside PyTorch, in float32 and in mixed precision:
 *
 *     deno run -A --config deno.offline.json bench/gpu/table.ts ours.json pytorch.json tuned.json > results.md
 *
 * Rows of the same name are joined, whichever report they come from; those of tuned kernels stay apart.
 */

import { isMixed } from "../cpu/work.ts";
import {
  digits,
  figuresOf,
  type GpuReport,
  type GpuReportRow,
  NOT_AVAILABLE,
  OWN,
  parseGpuReport,
  rateOf,
  secondsOf,
  unitOf,
} from "./report.ts";

/** The peers of the last columns: in float32, and in mixed precision. */
const PYTORCH = "pytorch-cuda", PYTORCH_MIXED = "pytorch-cuda-amp";

/** What a row is in each report: its two cells. */
interface JoinedRow {
  readonly name: string;
  readonly row: GpuReportRow;
  own?: string;
  ownSeconds?: number;
  theirs?: string;
  theirSeconds?: number;
}

/** The table of several reports. A cell without a figure gives the reason below the table. */
export function resultsTable(reports: readonly GpuReport[]): string {
  const joined = new Map<string, JoinedRow>(), reasons: string[] = [];
  const cell = (row: GpuReportRow, peer: string) => {
    const figures = figuresOf(row, peer);
    if (figures !== undefined) return { text: digits(rateOf(row, figures)), seconds: secondsOf(figures) };
    const found = row.peers[peer];
    if (found === undefined || !("unsupported" in found)) return undefined;
    const reason = `${peer}: ${found.unsupported.split("\n")[0]}`;
    if (!reasons.includes(reason)) reasons.push(reason);
    return { text: `[${reasons.indexOf(reason) + 1}]`, seconds: undefined };
  };
  for (const { rows, tune } of reports) {
    for (const row of rows) {
      const name = tune === "off" ? row.name : `${row.name}, tuned`;
      const entry = joined.get(name) ?? { name, row };
      joined.set(name, entry);
      const own = cell(row, OWN), theirs = cell(row, isMixed(row.work) ? PYTORCH_MIXED : PYTORCH);
      if (own !== undefined) [entry.own, entry.ownSeconds] = [own.text, own.seconds];
      if (theirs !== undefined) [entry.theirs, entry.theirSeconds] = [theirs.text, theirs.seconds];
    }
  }
  // Tuned kernels are compared with the same figure of PyTorch as the others.
  for (const entry of joined.values()) {
    const plain = joined.get(entry.row.name);
    entry.theirs ??= plain?.theirs;
    entry.theirSeconds ??= plain?.theirSeconds;
  }
  const lines = [...joined.values()].map(({ name, row, own, ownSeconds, theirs, theirSeconds }) => {
    const ratio = ownSeconds === undefined || theirSeconds === undefined
      ? ""
      : `${(theirSeconds / ownSeconds).toFixed(2)} x`;
    return [name, unitOf(row), own ?? "", theirs ?? "", ratio];
  });
  return [
    ...heads(reports),
    "",
    ...markdownTable([["work", "unit", "Residua", "PyTorch", "ratio"], ...lines]),
    ...(reasons.length === 0 ? [] : ["", ...reasons.map((reason, index) => `- [${index + 1}] ${reason}`)]),
    "",
  ].join("\n");
}

/** What was measured, and what with. */
function heads(reports: readonly GpuReport[]): string[] {
  // They differ by little from one report to the next.
  const measured = reports.map(({ peaks }) => peaks).find((peaks) => !("unsupported" in peaks));
  const lines = reports.flatMap(({ peers, machine, rounds, seconds }) => [
    `- ${machine.cpu}, ${machine.cores} cores, ${machine.system}, Deno ${machine.deno}`,
    ...Object.entries(peers).map(([name, text]) => `- ${name}: ${text.split("\n")[0]}`),
    `- Medians of ${rounds} rounds of ${seconds} s`,
  ]);
  const there = lines.some((line) => line.startsWith(`- ${PYTORCH}: `) && !line.includes(NOT_AVAILABLE));
  return [
    "PyTorch is eager: float32 without TF32, and AMP in the rows of mixed precision. The ratio is how many times as fast",
    `Residua is.${there ? "" : " PyTorch was not measured."}`,
    "",
    ...new Set(lines),
    ...(measured === undefined || "unsupported" in measured ? [] : [
      `- At most ${digits(measured.flops / 1e12)} TFLOP/s and ${digits(measured.bytes / 1e9)} GB/s, as measured`,
    ]),
  ];
}

function markdownTable(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(3, ...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((text, k) => k < 2 ? text.padEnd(widths[k]) : text.padStart(widths[k])).join(" | ")} |`;
  const rule = widths.map((width, k) => k < 2 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`);
  return [line(rows[0]), `| ${rule.join(" | ")} |`, ...rows.slice(1).map(line)];
}

if (import.meta.main) {
  const reports: GpuReport[] = [];
  for (const file of Deno.args) {
    try {
      reports.push(parseGpuReport(await Deno.readTextFile(file), file));
    } catch (error) {
      console.error(`left out: ${(error as Error).message}`);
    }
  }
  if (reports.length === 0) {
    console.error("Expected the files of reports that bench:webgpu wrote with --json");
    Deno.exit(2);
  }
  console.log(resultsTable(reports));
}
