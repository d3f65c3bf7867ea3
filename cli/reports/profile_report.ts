/** A profile as people read it, and as tools do. */

import { chromeTrace, median, type Profile, type ProfileRow, profileRows, type TensorSpec } from "../../core/mod.ts";
import { formatPercent } from "./format.ts";
import { wrapText } from "./layout.ts";
import { fitTable } from "./table.ts";

/** Characters of an op's name, shapes and variant, so that a line fits a terminal. */
const NAME_WIDTH = 54;

/** The sums of rows. */
type Work = Pick<ProfileRow, "calls" | "seconds" | "flops" | "bytes" | "boundSeconds">;

/**
 * A table of the ops of a step, the slowest first, and what the host did.
 *
 * @param profile What was measured.
 * @param least The share of the step's time below which ops share one line.
 * @param width The characters of a line. Defaults to the whole table.
 */
export function formatProfile(profile: Profile, least = 0.005, width = Infinity): string {
  const { device, peaks, steps } = profile, rows = profileRows(profile);
  const total = rows.reduce((sum, { seconds }) => sum + seconds, 0);
  const shown = rows.filter(({ seconds }) => seconds >= least * total), rest = rows.slice(shown.length);
  const names = rowNames(rows);
  const line = (
    name: string,
    { calls, seconds, flops, bytes, boundSeconds }: Work,
  ) => [
    name,
    calls,
    milliseconds(seconds),
    boundSeconds === 0 ? "-" : milliseconds(boundSeconds),
    formatPercent(seconds / total, 1),
    rate(flops, seconds),
    rate(bytes, seconds),
    boundSeconds === 0 ? "-" : formatPercent(boundSeconds / seconds, 0),
  ];
  return [
    `${steps.length} step${steps.length === 1 ? "" : "s"} profiled on ${device}`,
    wrapText(
      `At most ${(peaks.flops / 1e9).toFixed(1)} GFLOP/s and ${
        (peaks.bytes / 1e9).toFixed(1)
      } GB/s, as measured here; ` +
        "floor: the ms that these allow",
      width,
      "",
    ),
    "",
    fitTable(
      [
        ["op", "calls", "ms", "floor", "share", "GFLOP/s", "GB/s", "of roofline"],
        ...shown.map((row, index) => line(names[index], row)),
        ...(rest.length === 0 ? [] : [line(`${rest.length} more`, sumOf(rest))]),
        line("all", sumOf(rows)),
      ],
      [0],
      width,
      ["calls", "of roofline", "GB/s", "GFLOP/s"],
    ),
    "",
    wrapText(stepText(profile, total), width, ""),
  ].join("\n");
}

/** The profile for chrome://tracing and Perfetto. */
export function profileJson(profile: Profile): string {
  return JSON.stringify(chromeTrace(profile)) + "\n";
}

/**
 * The ops with the shapes of their first arguments, and that of the result where those do not tell them apart; and the
 * variants, as far as there is room.
 */
function rowNames(rows: readonly ProfileRow[]): string[] {
  const text = ({ shape }: TensorSpec) => shape.join("x") || "scalar";
  const short = rows.map(({ op, inputs }) => [op, ...inputs.slice(0, 2).map(text)].join(" "));
  return rows.map(({ outputs, variant }, index) => {
    const alone = short.indexOf(short[index]) === short.lastIndexOf(short[index]);
    const name = `${short[index]}${alone ? "" : outputs.map((spec) => ` > ${text(spec)}`)[0] ?? ""} (${variant})`;
    return name.length <= NAME_WIDTH ? name : `${name.slice(0, NAME_WIDTH - 2)}…)`;
  });
}

function sumOf(rows: readonly ProfileRow[]): Work {
  const sum = { calls: 0, seconds: 0, flops: 0, bytes: 0, boundSeconds: 0 };
  for (const row of rows) for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += row[key];
  return sum;
}

/** The time of a step, how much of it the kernels take, and what the host does in it. */
function stepText({ steps }: Profile, kernelSeconds: number): string {
  const spans = steps.flatMap(({ host }) => [...host].sort((a, b) => a.start - b.start || b.seconds - a.seconds));
  const names = [...new Set(spans.map(({ name }) => name))];
  const host = names.map((name) => {
    const seconds = steps.map((step) =>
      step.host.reduce((sum, span) => span.name === name ? sum + span.seconds : sum, 0)
    );
    return `${name} ${milliseconds(median(seconds))}`;
  });
  return `A step took ${milliseconds(median(steps.map(({ seconds }) => seconds)))} ms, ${
    milliseconds(kernelSeconds)
  } of them in ${steps[0].kernels.length} kernels. Host, in ms: ${host.join(", ")}.`;
}

/** Billions a second; nothing where no work is counted. */
function rate(work: number, seconds: number): string {
  return work === 0 ? "-" : (work / seconds / 1e9).toFixed(2);
}

function milliseconds(seconds: number): string {
  return (seconds * 1e3).toFixed(2);
}
