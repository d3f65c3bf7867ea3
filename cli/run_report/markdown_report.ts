/** A report as Markdown. */

import { VERSION } from "../../core/mod.ts";
import { markdown } from "./escape.ts";
import type { RunReport } from "./run_report.ts";
import { classTable, epochTable, figuresOf, mistakeTable, optionTable, pairTable, type ReportTable } from "./tables.ts";

/** Rows of classes and epochs that are written: the first, or evenly spread ones. */
const MOST_ROWS = 40;

/** The text. */
export function markdownReport(report: RunReport): string {
  const { run, model, data, notes, pairs, mistakes, epochs, environment } = report, classes = classTable(report);
  const parts = [
    `# ${markdown(`${model} on ${data}`)}`,
    markdown(run),
    pairsOf(figuresOf(report)),
    notes.map((note) => `- ${markdown(note)}`).join("\n"),
    section("Mistaken most often", pairs.length === 0 ? undefined : pairTable(report)),
    section("The surest mistakes", mistakes.length === 0 ? undefined : mistakeTable(report)),
    section("Classes, the worst first", classes && { ...classes, rows: classes.rows.slice(0, MOST_ROWS) }),
    section("Epochs", epochs.length === 0 ? undefined : spread(epochTable(report))),
    section("Configuration", optionTable(report, false)),
    `All other options have their defaults: ${
      report.options.filter(({ isDefault }) => isDefault).map(({ name, value }) => markdown(`--${name} ${value}`)).join(
        ", ",
      )
    }.`,
    `## Environment\n\n${pairsOf(environment)}`,
    `Made by Residua ${VERSION} from the files of the run.`,
  ];
  return parts.filter((part) => part !== "").join("\n\n") + "\n";
}

/** Names and values as a list. */
export function pairsOf(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, value]) => `- ${markdown(name)}: ${markdown(value)}`).join("\n");
}

function section(title: string, content: ReportTable | undefined): string {
  return content === undefined || content.rows.length === 0 ? "" : `## ${title}\n\n${tableText(content)}`;
}

/** A table. */
export function tableText({ head, texts, rows }: ReportTable): string {
  const row = (cells: readonly string[]) => `| ${cells.map(markdown).join(" | ")} |`;
  return [row(head), `|${head.map((_, k) => k < texts ? " --- |" : " ---: |").join("")}`, ...rows.map(row)].join("\n");
}

/** The rows of a long table that are as far apart as they must be, the last among them. */
function spread(content: ReportTable): ReportTable {
  const { rows } = content, step = Math.ceil(rows.length / MOST_ROWS);
  return { ...content, rows: rows.filter((_, k) => (rows.length - 1 - k) % step === 0) };
}
