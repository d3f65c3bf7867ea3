/** `deno task report`: a page and a text about a run. */

import { withoutSeparators, writeFile } from "../../files/mod.ts";
import { defineCommand } from "../command.ts";
import { onePositional } from "../options/parse_options.ts";
import { rejectUnusedOptions } from "../options/unused_options.ts";
import { printLines, printNotice } from "../reports/layout.ts";
import { htmlReport } from "../run_report/html_report.ts";
import { markdownReport } from "../run_report/markdown_report.ts";
import { picturesOf } from "../run_report/pictures.ts";
import { gatherReport } from "../run_report/run_report.ts";

const OPTIONS = {
  out: { kind: "text", value: "DIR", about: "where to write report.html and report.md; defaults to the run folder" },
  data: {
    kind: "text",
    value: "shapes|DIR",
    about: "where the run's images are now, for pictures of mistakes; defaults to where they were",
    heededBy: ({ images }: Readonly<Record<string, unknown>>) =>
      images === false ? "--no-images reads none" : undefined,
  },
  images: { kind: "flag", about: "show the images that were mistaken", default: true },
} as const;

/** `deno task report`. */
export const reportCommand = defineCommand({
  name: "report",
  about: "Write a page about a run: curves, classes, confusions, mistakes, configuration with sources, speed.",
  positionals: { value: "RUN", about: "the run folder" },
  options: OPTIONS,
  examples: [
    ["runs/first", "runs/first/report.html, which a browser opens, and report.md"],
    ["runs/first --out reports --no-images", "elsewhere, and without pictures"],
  ],
}, async (values, { given, positionals }) => {
  const { out, data, images } = values;
  const named = onePositional(positionals, "Expected one run folder, such as runs/first,");
  rejectUnusedOptions(OPTIONS, values, given);
  const run = withoutSeparators(named), folder = withoutSeparators(out ?? run);
  const report = await gatherReport(run, { draw: images ? picturesOf(run, data) : undefined, plots: true });
  for (const note of report.notes) printNotice(`note: ${note}`);
  const write = (name: string, text: string) => writeFile(`${folder}/${name}`, new TextEncoder().encode(text));
  await write("report.html", htmlReport(report));
  await write("report.md", markdownReport(report));
  printLines(`The report is in ${folder}: report.html, report.md`);
});
