/** A model card (Mitchell et al. 2019, Model Cards for Model Reporting) beside exported weights: what is known, and what its author is to add. */

import { VERSION } from "../../core/mod.ts";
import type { CheckpointInfo } from "../../weights/mod.ts";
import { splitPath } from "../../files/mod.ts";
import { markdown } from "./escape.ts";
import { pairsOf, tableText } from "./markdown_report.ts";
import type { RunReport } from "./run_report.ts";
import { classTable, figuresOf, optionTable, pairTable, type ReportTable } from "./tables.ts";

/** Classes that are listed by name, and those whose figures are. */
const MOST_NAMES = 100, MOST_ROWS = 40;

/** Options that name files. */
const PATHS = ["data", "train-list", "val-list", "init", "class-weights", "recipe"];

/** What is exported. */
export interface ExportedModel {
  /** The name of the file. */
  readonly file: string;
  readonly model: string;
  readonly inputShape: readonly number[];
  readonly classes: number;
  readonly parameters: number;
  /** What the checkpoint says of itself. */
  readonly info?: CheckpointInfo;
  /** The run that it is from, where it is of one. */
  readonly report?: RunReport;
}

/** The card, as Markdown. What nobody but its author knows is left open, in italics. */
export function modelCard({ file, model, inputShape, classes, parameters, info, report }: ExportedModel): string {
  const figures = report === undefined ? undefined : classTable(report);
  // A card is published, and the folders of a machine are nobody's business.
  const data = report && splitPath(report.data).name;
  const names = info?.classes ?? [], shown = names.slice(0, MOST_NAMES).map(markdown).join(", ");
  const normalisation = info === undefined
    ? "not known"
    : `mean ${info.normalisation.mean.map(rounded).join(", ")}; deviation ${
      info.normalisation.std.map(rounded).join(", ")
    }`;
  const parts = [
    `# ${markdown(model)}${data === undefined ? "" : `, trained on ${markdown(data)}`}`,
    "## Model",
    pairsOf([
      ["file", file],
      ["network", model],
      ["input", `images of ${inputShape.join("x")} (channels, height, width)`],
      ["normalisation, of pixels from 0 to 1", normalisation],
      ["output", `logits of ${classes} classes`],
      ["parameters", String(parameters)],
    ]),
    names.length === 0 ? "" : `Classes, in their order: ${shown}${names.length > MOST_NAMES ? ", …" : ""}.`,
    "- licence: *to be filled in*\n- contact: *to be filled in*",
    "## Intended use",
    `It tells which of its ${classes} classes an image is of. It answers with one of them whatever the image shows: an image ` +
    "of something else gets a class too, and a probability that says little.",
    "*To be filled in: who is to use it and what for, and what it must not be used for.*",
    "## Data",
    data === undefined
      ? "*To be filled in: the images that it was trained on, where they are from, whom they show.*"
      : `It was trained on ${markdown(data)}.`,
    data === undefined
      ? ""
      : "*To be filled in: where these images are from, their licence, whom they show and whom they do not.*",
    "## Figures",
    report === undefined
      ? "None is known: the file is in no run folder. `eval` measures it."
      : `Of the validation images, by which the best epoch was chosen, so that figures on other images may be lower.\n\n${
        pairsOf(figuresOf(report))
      }`,
    figures === undefined ? "" : tableText({ ...figures, rows: figures.rows.slice(0, MOST_ROWS) }),
    report === undefined || report.pairs.length === 0 ? "" : `Mistaken most often:\n\n${tableText(pairTable(report))}`,
    report === undefined ? "" : `## Training\n\n${tableText(trainingTable(report))}\n\n${pairsOf(report.environment)}`,
    `Written by Residua ${VERSION}.`,
  ];
  return parts.filter((part) => part !== "").join("\n\n") + "\n";
}

/** The options that are no defaults, without paths. */
function trainingTable(report: RunReport): ReportTable {
  return optionTable({ ...report, options: report.options.filter(({ name }) => !PATHS.includes(name)) }, false);
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
