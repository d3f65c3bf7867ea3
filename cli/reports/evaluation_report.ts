/** What `eval` prints of a validation set: loss, shares, and how each class does. */

import type { Evaluation } from "../../inference/mod.ts";
import { formatPercent } from "./format.ts";
import { shortenName } from "./layout.ts";
import { formatTable } from "./table.ts";

/** Characters of a class that heads a column. */
const HEADING = 9;

/** Characters of a class that heads a row, where there is room. */
const LONGEST_CLASS = 24;

/** The loss and the shares of right answers. */
export function shareText({ loss, top1, top5 }: Evaluation): string {
  return `loss ${loss.toFixed(4)}  top-1 ${formatPercent(top1)}  top-5 ${formatPercent(top5)}`;
}

/**
 * A row a class: its images, the share that is right, and the counts of what it was taken for. Where those of all classes
 * have no room, the most frequent mistakes that have.
 *
 * @param confusion The counts, [true][predicted].
 * @param classes The names.
 * @param width The characters of a line.
 */
export function confusionText(
  confusion: readonly (readonly number[])[],
  classes: readonly string[],
  width: number,
): string {
  const totals = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
  const right = confusion.map((row, label) => totals[label] === 0 ? "-" : formatPercent(row[label] / totals[label], 1));
  const headings = classes.map((name) => name.slice(0, HEADING));
  const matrix = formatTable([
    ["true \\ predicted", "images", "right", ...headings],
    ...confusion.map((row, label) => [shortenName(classes[label], LONGEST_CLASS), totals[label], right[label], ...row]),
  ]);
  if (matrix.split("\n").every((line) => line.length <= width)) return matrix;
  const most = Math.max(8, Math.min(LONGEST_CLASS, width - 20));
  const names = classes.map((name) => shortenName(name, most));
  const figures = formatTable([
    ["class", "images", "right"],
    ...names.map((name, label) => [name, totals[label], right[label]]),
  ]).split("\n");
  const room = width - Math.max(...figures.map((line) => line.length)) - 2, mistakes = "taken for";
  const taken = confusion.map((row, label) => mistakesText(row, label, names, room));
  return [
    room < mistakes.length ? figures[0] : `${figures[0]}  ${mistakes}`,
    ...taken.map((text, label) => `${figures[label + 1]}  ${text}`.trimEnd()),
  ].join("\n");
}

/** The most frequent mistakes that have room, the first of them first. */
function mistakesText(row: readonly number[], label: number, names: readonly string[], room: number): string {
  const wrong = row.map((count, k) => ({ count, k })).filter(({ count, k }) => count > 0 && k !== label)
    .sort((a, b) => b.count - a.count);
  let text = "";
  for (const { count, k } of wrong) {
    const longer = `${text}${text === "" ? "" : ", "}${names[k]} ${count}`;
    if (longer.length > room) break;
    text = longer;
  }
  return text;
}
