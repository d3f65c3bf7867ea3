/** `deno task compare`: runs beside each other. */

import { UsageError } from "../../core/mod.ts";
import { withoutSeparators } from "../../files/mod.ts";
import { defineCommand } from "../command.ts";
import { formatDuration, formatLoss, formatPercent, formatRate } from "../reports/format.ts";
import { printLines, widthOf } from "../reports/layout.ts";
import { fitTable } from "../reports/table.ts";
import { type ComparedRun, comparedRun, type DifferingOption, differingOptions } from "../run_report/compare_runs.ts";
import { gatherReport } from "../run_report/run_report.ts";

const OPTIONS = {
  json: { kind: "flag", about: "print the result as JSON", default: false },
} as const;

/** The least runs that can be compared, and the most: more than a screen has columns. */
const LEAST_RUNS = 2, MOST_RUNS = 20;

/** `deno task compare`. */
export const compareCommand = defineCommand({
  name: "compare",
  about: "Compare runs: their best figures, their speed, and the options in which they differ.",
  positionals: { value: "RUN RUN …", about: "run folders" },
  options: OPTIONS,
  examples: [["runs/first runs/second", "two runs"], ["runs/*", "all runs, where the shell lists them"]],
}, async ({ json }, { positionals }) => {
  if (positionals.length < LEAST_RUNS || positionals.length > MOST_RUNS) {
    throw new UsageError(
      `Expected from ${LEAST_RUNS} to ${MOST_RUNS} run folders, such as runs/first, but ${
        positionals.length === 0 ? "none" : positionals.length
      } came`,
    );
  }
  const reports = [];
  for (const run of positionals) reports.push(await gatherReport(withoutSeparators(run), { plots: false }));
  const runs = reports.map(comparedRun), options = differingOptions(reports);
  if (json) return console.log(JSON.stringify({ runs, options }));
  const width = Deno.stdout.isTerminal() ? widthOf() : Infinity;
  printLines(runTable(runs, width));
  printLines(options.length === 0 ? "\nNo option differs" : `\n${optionTable(options, runs.length, width)}`);
});

/** A line a run, numbered. */
function runTable(runs: readonly ComparedRun[], width: number): string {
  const some = <T>(value: T | undefined | null, format: (value: T) => string) => value == null ? "-" : format(value);
  const rows = runs.map(({ run, epochs, best, imagesPerSecond, seconds }, k) => [
    k + 1,
    run,
    some(best?.valTop1, formatPercent),
    some(best?.valLoss, formatLoss),
    some(best, ({ epoch }) => `${epoch + 1}/${epochs}`),
    some(imagesPerSecond, formatRate),
    formatDuration(seconds),
  ]);
  const head = ["#", "run", "val acc", "val loss", "best epoch", "images/s", "time"];
  return fitTable([head, ...rows], [1], width, ["best epoch", "time", "images/s"]);
}

/** A line an option, a column a run. */
function optionTable(options: readonly DifferingOption[], runs: number, width: number): string {
  const columns = Array.from({ length: runs }, (_, k) => k + 1);
  const rows = options.map(({ name, values }) => [name, ...values.map((value) => value ?? "-")]);
  return fitTable([["option", ...columns.map(String)], ...rows], [0, ...columns], width, []);
}
