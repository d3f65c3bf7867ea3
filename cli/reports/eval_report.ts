/** What an evaluation prints and writes: all figures of each class, within 80 columns. */

import { cutMiddle, printable, textWidth } from "../../core/mod.ts";
import type { ClassMetrics, ClassReport } from "../../inference/mod.ts";
import { formatPercent } from "./format.ts";
import { formatTable } from "./table.ts";

/** Above so many classes the worst and the best are printed, and so many of each. */
const MOST_CLASSES = 20, MOST_EXTREMES = 10;
/** Columns of a line, and of the longest name in it. */
const WIDTH = 80, NAME = 24;
/** A name of at most so many characters heads a column. */
const SHORT_NAME = 4;
/** The pairs of classes that are listed where counts of all pairs are too wide. */
const MOST_PAIRS = 10;

/** A class with its name. */
interface NamedMetrics extends ClassMetrics {
  readonly name: string;
  readonly index: number;
}

/** The tables of classes and of what was taken for what. */
export function classText(
  names: readonly string[],
  { classes, macro }: ClassReport,
  confusion: readonly (readonly number[])[],
): string {
  const met = classes.map((metrics, index) => ({ ...metrics, name: names[index], index }))
    .filter(({ images, predicted }) => images + predicted > 0);
  const parts = [
    `macro averages: precision ${percent(macro.precision)}  recall ${percent(macro.recall)}  F1 ${percent(macro.f1)}`,
  ];
  if (met.length <= MOST_CLASSES) parts.push(classTable(met));
  else {
    const ranked = met.filter(({ images }) => images > 0).toSorted((a, b) => a.f1 - b.f1 || a.index - b.index);
    parts.push(`The ${MOST_EXTREMES} classes of the lowest F1:\n${classTable(ranked.slice(0, MOST_EXTREMES))}`);
    parts.push(`The ${MOST_EXTREMES} of the highest:\n${classTable(ranked.slice(-MOST_EXTREMES).reverse())}`);
  }
  parts.push(confusionText(met, confusion));
  return parts.filter((part) => part !== "").join("\n\n");
}

function percent(share: number): string {
  return formatPercent(share, 1);
}

/** A name in as many columns as there is room for. */
function shorten(name: string, most = NAME): string {
  return cutMiddle(printable(name), most);
}

function classTable(classes: readonly NamedMetrics[]): string {
  const cell = (share: number, of: number) => of === 0 ? "-" : percent(share);
  return formatTable([
    ["class", "images", "precision", "recall", "F1"],
    ...classes.map(({ name, images, predicted, precision, recall, f1 }) => [
      shorten(name),
      images,
      cell(precision, predicted),
      cell(recall, images),
      cell(f1, images + predicted),
    ]),
  ]);
}

/** Counts of all pairs of classes where they fit, else those that were mistaken most. */
function confusionText(met: readonly NamedMetrics[], confusion: readonly (readonly number[])[]): string {
  // Names that are short stand above their columns; others are numbered.
  const short = met.every(({ name }) => textWidth(name) <= SHORT_NAME);
  const table = formatTable([
    ["true \\ predicted", ...met.map(({ name }, k) => short ? name : k + 1)],
    ...met.map(({ name, index }, k) => [
      short ? name : `${String(k + 1).padStart(2)} ${shorten(name, NAME - 9)}`,
      ...met.map((other) => confusion[index][other.index]),
    ]),
  ]);
  if (met.length <= MOST_CLASSES && table.split("\n").every((line) => textWidth(line) <= WIDTH)) return table;
  const pairs = met.flatMap((one) =>
    met.filter(({ index }) => index !== one.index && confusion[one.index][index] > 0)
      .map((other) => [one.name, other.name, confusion[one.index][other.index]] as const)
  ).sort((a, b) => b[2] - a[2]).slice(0, MOST_PAIRS);
  if (pairs.length === 0) return "";
  const rows = pairs.map(([one, other, images]) => [shorten(one), shorten(other), images]);
  return `Mistaken most often:\n${formatTable([["class", "taken for", "images"], ...rows], 2)}`;
}

/** The classes as JSON has them. */
export function classesJson(names: readonly string[], { classes }: ClassReport): readonly object[] {
  return classes.map((metrics, index) => ({ name: names[index], ...metrics }));
}

/** All classes as a file of comma-separated values (RFC 4180), with a header. */
export function classesCsv(names: readonly string[], { classes }: ClassReport): string {
  const quoted = (text: string) => /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const rows = classes.map(({ images, predicted, right, precision, recall, f1 }, index) =>
    [quoted(names[index]), images, predicted, right, precision, recall, f1].join(",")
  );
  return [["class", "images", "predicted", "right", "precision", "recall", "f1"].join(","), ...rows, ""].join("\r\n");
}
