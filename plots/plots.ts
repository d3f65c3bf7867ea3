/** Plots of a run, as SVG: its curves, and which classes are taken for which. */

import { printable } from "../core/mod.ts";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { MetricsLine } from "../train/mod.ts";

/** An epoch's line of `metrics.jsonl`. */
export type EpochLine = Extract<MetricsLine, { readonly kind: "epoch" }>;

const { document } = parseHTML("<html></html>") as unknown as Pick<Plot.PlotOptions, "document">;
const TRAINING = "#4269d0", VALIDATION = "#c2410c", INK = "#222";
const WIDTH = 640, PANEL = 200, HEAD = 44;
const STYLE = { color: INK, fontSize: "12px", fontFamily: "system-ui, sans-serif" };

/** Stacks drawings under a title, on white. */
export function page(
  title: string,
  key: readonly (readonly [string, string])[],
  width: number,
  parts: readonly string[][],
): string {
  let y = HEAD, body = "";
  for (const [height, svg] of parts) {
    body += svg.replace("<svg ", `<svg x="0" y="${y}" `);
    y += Number(height);
  }
  const keys = key.map(([name, colour]) => `<tspan dx="14" fill="${colour}">● ${escape(name)}</tspan>`).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" ` +
    `font-family="${STYLE.fontFamily}"><rect width="100%" height="100%" fill="white"/>` +
    `<text x="14" y="26" font-size="15" font-weight="600" fill="${INK}">${escape(title)}` +
    `<tspan font-size="12" font-weight="400">${keys}</tspan></text>${body}</svg>\n`;
}

/** Text as it may stand in an SVG. */
export function escape(text: string): string {
  return printable(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** A drawing: its height, and its SVG. */
export function draw(options: Plot.PlotOptions): string[] {
  const svg = Plot.plot({ document, style: STYLE, ...options });
  return [String(options.height), svg.outerHTML];
}

/** A curve with its points, as long as these can be told apart. */
export function curve(points: readonly { x: number; y: number }[], stroke: string): Plot.Markish[] {
  const marks: Plot.Markish[] = [Plot.line(points, { x: "x", y: "y", stroke, strokeWidth: 1.8 })];
  if (points.length <= 60) marks.push(Plot.dot(points, { x: "x", y: "y", fill: stroke, r: 2.5 }));
  return marks;
}

/**
 * Loss, error and learning rate by epoch.
 *
 * @param lines The epochs so far; at least one.
 * @param title What was trained.
 */
export function curvesSvg(lines: readonly EpochLine[], title: string): string {
  const series = (value: (line: EpochLine) => number) => lines.map((line) => ({ x: line.epoch + 1, y: value(line) }));
  const epochs = Math.max(2, ...lines.map(({ epoch }) => epoch + 1));
  const panel = (label: string, y: Plot.ScaleOptions, marks: Plot.Markish[], axis: string | null) =>
    draw({
      width: WIDTH,
      height: PANEL,
      marginLeft: 64,
      marginRight: 20,
      marginTop: 26,
      marginBottom: axis === null ? 24 : 42,
      x: { domain: [1, epochs], label: axis, ticks: Math.min(10, epochs - 1), tickFormat: "d" },
      y: { grid: true, label, ticks: 5, nice: true, ...y },
      marks: [Plot.ruleX([1], { stroke: "#bbb" }), ...marks],
    });
  const both = (train: (line: EpochLine) => number, validation: (line: EpochLine) => number) => [
    ...curve(series(train), TRAINING),
    ...curve(series(validation), VALIDATION),
  ];
  const key = [["training, augmented", TRAINING], ["validation", VALIDATION]] as const;
  return page(title, key, WIDTH, [
    panel("loss", {}, both(({ trainLoss }) => trainLoss, ({ valLoss }) => valLoss), null),
    panel(
      "error, %",
      { domain: [0, 100 * Math.max(0.01, ...lines.flatMap((line) => [1 - line.trainTop1, 1 - line.valTop1]))] },
      both(({ trainTop1 }) => 100 * (1 - trainTop1), ({ valTop1 }) => 100 * (1 - valTop1)),
      null,
    ),
    // A logarithm shows what a schedule does; it cannot show a rate of 0.
    panel(
      "learning rate",
      lines.every(({ lr }) => lr > 0) ? { type: "log", ticks: 3, tickFormat: "~g" } : {},
      curve(series(({ lr }) => lr), INK),
      "epoch",
    ),
  ]);
}

/** Classes up to which each is named, and each count is written. */
const NAMED = 40, COUNTED = 20;

/** Cells that are drawn at most, those of the most images: with a thousand classes no more can be told apart. */
const MOST_CELLS = 2000;

/**
 * Counts of images by true and predicted class. The colour is the share of the true class.
 *
 * @param confusion Counts by [true class][predicted class].
 * @param title What was evaluated.
 */
export function confusionSvg(
  confusion: readonly (readonly number[])[],
  classes: readonly string[],
  title: string,
): string {
  const all = confusion.flatMap((row, label) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.flatMap((count, predicted) => count === 0 ? [] : [{ label, predicted, count, share: count / total }]);
  });
  const cells = all.length <= MOST_CELLS ? all : all.sort((a, b) => b.count - a.count).slice(0, MOST_CELLS);
  const size = Math.max(320, Math.min(760, 44 * classes.length)), left = classes.length <= NAMED ? 104 : 56;
  const names = classes.map((name) => name.length > 13 ? `${name.slice(0, 12)}…` : name);
  const domain = classes.map((_, index) => index);
  const ticks = classes.length <= NAMED
    ? {}
    : { ticks: domain.filter((index) => index % Math.ceil(classes.length / 10) === 0) };
  const axis = {
    domain,
    tickFormat: (index: number) => classes.length <= NAMED ? names[index] : String(index),
    ...ticks,
  };
  const width = size + left + 24;
  const drawing = draw({
    width,
    height: size + 120,
    marginLeft: left,
    marginRight: 24,
    marginTop: 24,
    marginBottom: 96,
    padding: classes.length <= NAMED ? 0.04 : 0,
    x: { ...axis, label: "predicted class", labelAnchor: "center", labelOffset: 88, tickRotate: -45 },
    y: { ...axis, label: "true class", labelAnchor: "top", labelOffset: left - 8 },
    color: { type: "linear", domain: [0, 1], range: ["#eef3fb", "#1d4e89"] },
    marks: [
      Plot.cell(cells, { x: "predicted", y: "label", fill: "share" }),
      ...(classes.length > COUNTED ? [] : [
        Plot.text(cells, {
          x: "predicted",
          y: "label",
          text: "count",
          fill: ({ share }: { share: number }) => share > 0.5 ? "white" : INK,
          fontSize: 11,
        }),
      ]),
      Plot.frame({ stroke: "#bbb" }),
    ],
  });
  return page(title, [], width, [drawing]);
}
