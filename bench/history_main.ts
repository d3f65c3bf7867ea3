/** Shows the recorded runs of benchmarks, as a table and as an SVG: `deno task bench:history`. See bench/README.md. */

import { defineCommand, exitCodeOf } from "../cli/command.ts";
import { explain } from "../files/disk_error.ts";
import { formatTable } from "../cli/reports/table.ts";
import { UsageError } from "../core/mod.ts";
import { HISTORY, readHistory, type Series, seriesOf } from "./history.ts";

const command = defineCommand({
  name: "bench:history",
  about: "Show the runs of benchmarks that --record kept: a table, and an SVG of each figure by date.",
  options: {
    match: { kind: "text", value: "PATTERN", about: "only figures whose name matches this regular expression" },
    file: { kind: "text", value: "FILE", about: "the history", default: HISTORY },
    out: { kind: "text", value: "FILE", about: "also draw the figures there, as SVG" },
  },
  examples: [
    ["", "a table of all figures"],
    ["--match 'training|inference' --out history.svg", "some of them, drawn as well"],
  ],
}, async ({ match = "", file, out }) => {
  const matches = patternOf(match);
  const series = seriesOf(await readHistory(file)).filter(({ title }) => matches.test(title));
  if (series.length === 0) throw new UsageError(`${file}: it holds no figure that matches "${match}"`);
  console.log(formatSeries(series));
  if (out === undefined) return;
  // Loaded late, so that the table needs no packages.
  const { historySvg } = await import("./history_plot.ts");
  await Deno.writeTextFile(out, historySvg(series)).catch((error) => {
    throw explain("the drawing", out, error);
  });
  console.log(`drawn in ${out}`);
});

function patternOf(match: string): RegExp {
  try {
    return new RegExp(match, "i");
  } catch (error) {
    throw new UsageError(`--match: ${(error as Error).message}`);
  }
}

/** A row a figure: the newest, how it compares with the one before it, and what was noted of its run. */
function formatSeries(series: readonly Series[]): string {
  const lines: string[] = [];
  for (const [where, rows] of Map.groupBy(series, (one) => one.where)) {
    lines.push(
      where,
      formatTable([
        ["figure", "unit", "runs", "newest", "before", "change", "date", "commit"],
        ...rows.map(({ title, unit, points }) => {
          const { value, entry } = points.at(-1)!, before = points.at(-2)?.value;
          const change = before === undefined ? "" : `${(100 * (value / before - 1)).toFixed(1)} %`;
          const commit = `${entry.commit}${entry.isModified ? "+" : ""}${entry.note === undefined ? "" : "*"}`;
          return [
            title,
            unit,
            points.length,
            digits(value),
            before === undefined ? "" : digits(before),
            change,
            entry.date.slice(0, 10),
            commit,
          ];
        }),
      ]),
      "",
    );
  }
  const notes = series.flatMap(({ points }) =>
    points.map(({ entry: { commit, note } }) => note && `* ${commit}: ${note}`)
  );
  lines.push(...new Set(notes.filter((note) => note !== undefined)), "+: sources differed from the commit");
  return lines.join("\n");
}

function digits(value: number): string {
  return value.toPrecision(value >= 1000 ? 5 : 4);
}

Deno.exit(await exitCodeOf(() => command.run(Deno.args)));
