/** The tables of a report: names of columns and rows of texts, which HTML and Markdown write each in its way. */

import { formatDuration, formatLoss, formatPercent, formatRate } from "../reports/format.ts";
import type { RunReport } from "./run_report.ts";

/** A table. */
export interface ReportTable {
  readonly head: readonly string[];
  /** Texts stand to the left, numbers to the right. */
  readonly texts: number;
  readonly rows: readonly (readonly string[])[];
}

const loss = (value: number | null) => value === null ? "none" : formatLoss(value);
const share = (value: number | null) => value === null ? "none" : formatPercent(value);

/** The figures that a reader wants first. */
export function figuresOf({ best, epochs, answers, classes, speed }: RunReport): (readonly [string, string])[] {
  const last = epochs.at(-1), figures: (readonly [string, string])[] = [];
  if (best !== undefined) {
    figures.push(["validation accuracy", `${share(best.valTop1)} (epoch ${best.epoch + 1} of ${epochs.length})`]);
    figures.push(["validation loss", loss(best.valLoss)]);
  } else if (last !== undefined) {
    figures.push(["validation accuracy", `${share(last.valTop1)} (the last epoch, ${last.epoch + 1})`]);
  }
  if (classes !== undefined) figures.push(["macro F1", formatPercent(classes.macro.f1)]);
  if (answers !== undefined) figures.push(["classes", String(answers.classes.length)]);
  if (answers !== undefined) figures.push(["validation images", String(answers.count)]);
  if (speed.imagesPerSecond !== undefined) {
    figures.push(["training", `${formatRate(speed.imagesPerSecond)} images/s, the median of ${speed.steps} steps`]);
  }
  if (speed.seconds > 0) figures.push(["time of all epochs", formatDuration(speed.seconds)]);
  return figures;
}

/** The epochs. */
export function epochTable({ epochs }: RunReport): ReportTable {
  return {
    head: ["epoch", "loss", "accuracy", "val loss", "val accuracy", "rate", "seconds"],
    texts: 0,
    rows: epochs.map((line) => [
      String(line.epoch + 1),
      loss(line.trainLoss),
      share(line.trainTop1),
      loss(line.valLoss),
      share(line.valTop1),
      line.lr === null ? "none" : String(Number(line.lr.toPrecision(4))),
      line.seconds.toFixed(1),
    ]),
  };
}

/** The classes, those that are known worst first. */
export function classTable({ answers, classes }: RunReport): ReportTable | undefined {
  if (answers === undefined || classes === undefined) return undefined;
  const met = classes.classes.map((metrics, index) => ({ ...metrics, name: answers.classes[index] }))
    .filter(({ images, predicted }) => images + predicted > 0).sort((a, b) => a.f1 - b.f1);
  const cell = (value: number, of: number) => of === 0 ? "-" : formatPercent(value, 1);
  return {
    head: ["class", "images", "precision", "recall", "F1"],
    texts: 1,
    rows: met.map(({ name, images, predicted, precision, recall, f1 }) => [
      name,
      String(images),
      cell(precision, predicted),
      cell(recall, images),
      cell(f1, images + predicted),
    ]),
  };
}

/** The classes that were confused most. */
export function pairTable({ answers, pairs }: RunReport): ReportTable {
  const name = (index: number) => answers!.classes[index];
  return {
    head: ["class", "taken for", "images", "of"],
    texts: 2,
    rows: pairs.map(({ label, predicted, images, of }) => [name(label), name(predicted), String(images), String(of)]),
  };
}

/** The surest mistakes, in words. */
export function mistakeTable({ answers, mistakes }: RunReport): ReportTable {
  const name = (index: number) => answers!.classes[index];
  return {
    head: ["image", "class", "taken for", "sure", "its own class"],
    texts: 3,
    rows: mistakes.map(({ index, path, label, predicted, probability, labelProbability }) => [
      path ?? `image ${index}`,
      name(label),
      name(predicted),
      formatPercent(probability, 1),
      formatPercent(labelProbability, 1),
    ]),
  };
}

/** The options: those that are not the defaults, or the others. */
export function optionTable({ options }: RunReport, defaults: boolean): ReportTable {
  const rows = options.filter(({ isDefault }) => isDefault === defaults);
  return {
    head: ["option", "value", "from"],
    texts: 3,
    rows: rows.map(({ name, value, source }) => [`--${name}`, value, source]),
  };
}
