/** Plots of a run, as SVG: its curves, and which classes are taken for which. */

import { cutMiddle, cutText, printable, textWidth } from "../core/mod.ts";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { EpochLine } from "./drawings.ts";

const { document } = parseHTML("<html></html>") as unknown as Pick<Plot.PlotOptions, "document">;
const TRAINING = "#4269d0", VALIDATION = "#c2410c", INK = "#222";
const WIDTH = 640, PANEL = 200, HEAD = 44;
const STYLE = { color: INK, fontSize: "12px", fontFamily: "system-ui, sans-serif" };

/** The pixels of a column of text, by its size: those of a letter that is rather wide. */
function pixels(columns: number, fontSize: number): number {
  return 0.62 * fontSize * columns;
}

/** The sizes of titles and keys, the least space at their sides, and the most lines of a title. */
const TITLE = 15, KEY = 12, SIDE = 14, MOST_TITLE = 3;

/** A title in lines that fit a width, the last of them cut where it needs more. */
function titleLines(title: string, width: number): string[] {
  const columns = Math.floor((width - 2 * SIDE) / pixels(1, TITLE)), lines = [""];
  for (const word of printable(title).split(" ")) {
    const last = lines.at(-1)!, longer = last === "" ? word : `${last} ${word}`;
    if (last === "" || textWidth(longer) <= columns) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  const kept = lines.slice(0, MOST_TITLE);
  if (lines.length > MOST_TITLE) kept[MOST_TITLE - 1] += ` ${lines.slice(MOST_TITLE).join(" ")}`;
  return kept.map((line) => cutText(line, columns));
}

/** Stacks drawings under a title, on white. */
export function page(
  title: string,
  key: readonly (readonly [string, string])[],
  width: number,
  parts: readonly string[][],
): string {
  const lines = titleLines(title, width), keyColumns = key.reduce((sum, [name]) => sum + textWidth(name) + 4, 0);
  const used = SIDE + pixels(textWidth(lines.at(-1)!), TITLE);
  // The key stands behind the title, or on a line of its own.
  const below = key.length > 0 && used + pixels(keyColumns, KEY) > width - SIDE ? 1 : 0;
  let y = HEAD + 20 * (lines.length - 1 + below), body = "";
  for (const [height, svg] of parts) {
    body += svg.replace("<svg ", `<svg x="0" y="${y}" `);
    y += Number(height);
  }
  const keys = key.map(([name, colour], k) =>
    `<tspan ${below === 1 && k === 0 ? `x="${SIDE}" dy="20"` : 'dx="14"'} fill="${colour}">● ${escape(name)}</tspan>`
  ).join("");
  const text = lines.map((line, k) => `<tspan x="${SIDE}" y="${26 + 20 * k}">${escape(line)}</tspan>`).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" ` +
    `font-family="${STYLE.fontFamily}"><rect width="100%" height="100%" fill="white"/>` +
    `<text font-size="${TITLE}" font-weight="600" fill="${INK}">${text}` +
    `<tspan font-size="${KEY}" font-weight="400">${keys}</tspan></text>${body}</svg>\n`;
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

/** A rate in few characters. */
function rateText(rate: number): string {
  return rate >= 0.001 ? String(Number(rate.toPrecision(3))) : rate.toExponential(0);
}

/**
 * Loss, error and learning rate by epoch.
 *
 * @param lines The epochs so far; at least one.
 * @param title What was trained.
 */
export function curvesSvg(lines: readonly EpochLine[], title: string): string {
  const series = (value: (line: EpochLine) => number) => lines.map((line) => ({ x: line.epoch + 1, y: value(line) }));
  // Plain loops: there may be more epochs than a call has room for arguments.
  const [first, last] = [lines[0].epoch + 1, lines.reduce((most, { epoch }) => Math.max(most, epoch + 1), 1)];
  const worst = lines.reduce((most, line) => Math.max(most, 1 - line.trainTop1, 1 - line.valTop1), 0.01);
  const panel = (label: string, y: Plot.ScaleOptions, marks: Plot.Markish[], axis: string | null) =>
    draw({
      width: WIDTH,
      height: PANEL,
      marginLeft: 64,
      marginRight: 20,
      marginTop: 26,
      marginBottom: axis === null ? 24 : 42,
      x: {
        domain: first === last ? [first - 0.5, first + 0.5] : [first, last],
        label: axis,
        ticks: first === last ? [first] : Math.min(10, last - first),
        tickFormat: "d",
      },
      y: { grid: true, label, ticks: 5, nice: true, ...y },
      marks: [...(first === last ? [] : [Plot.ruleX([first], { stroke: "#bbb" })]), ...marks],
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
      { domain: [0, 100 * worst] },
      both(({ trainTop1 }) => 100 * (1 - trainTop1), ({ valTop1 }) => 100 * (1 - valTop1)),
      null,
    ),
    // A logarithm shows what a schedule does; it cannot show a rate of 0.
    panel(
      "learning rate",
      lines.every(({ lr }) => lr > 0) ? { type: "log", ticks: 3, tickFormat: rateText } : {},
      curve(series(({ lr }) => lr), INK),
      "epoch",
    ),
  ]);
}

/**
 * The losses of a range test by their rates.
 *
 * @param points Its steps; at least two.
 * @param suggested The rate that it suggests, if it does.
 * @param title What was trained.
 */
export function ratesSvg(
  points: readonly { readonly rate: number; readonly loss: number; readonly smoothed: number }[],
  suggested: number | undefined,
  title: string,
): string {
  // Beyond this the loss only grows, and what comes before would be flat.
  const most = 1.5 * points[0].smoothed, shown = (y: number) => Math.min(y, most);
  const drawing = draw({
    width: WIDTH,
    height: 2 * PANEL,
    marginLeft: 64,
    marginRight: 20,
    marginTop: 26,
    marginBottom: 42,
    x: { type: "log", label: "learning rate", tickFormat: rateText, ticks: 8 },
    y: { grid: true, label: "loss", nice: true },
    marks: [
      ...(suggested === undefined ? [] : [Plot.ruleX([suggested], { stroke: VALIDATION, strokeDasharray: "4,3" })]),
      Plot.line(points.map(({ rate, loss }) => ({ x: rate, y: shown(loss) })), {
        x: "x",
        y: "y",
        stroke: "#9db2e3",
        strokeWidth: 1,
      }),
      Plot.line(points.map(({ rate, smoothed }) => ({ x: rate, y: shown(smoothed) })), {
        x: "x",
        y: "y",
        stroke: TRAINING,
        strokeWidth: 2,
      }),
    ],
  });
  const key = [["smoothed", TRAINING], ["each step", "#9db2e3"]] as [string, string][];
  if (suggested !== undefined) key.push([`suggested, ${Number(suggested.toPrecision(2))}`, VALIDATION]);
  return page(title, key, WIDTH, [drawing]);
}

/** Classes up to which each is named, and each count is written, and the columns of a name. */
const NAMED = 40, COUNTED = 20, NAME = 22;
/** Classes above which a cell is drawn larger than it is, since it would be less than a few pixels. */
const MANY = 200;

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
  const size = Math.max(400, Math.min(760, 44 * classes.length)), isNamed = classes.length <= NAMED;
  const names = classes.map((name) => cutMiddle(name, NAME));
  const longest = isNamed ? names.reduce((most, name) => Math.max(most, textWidth(name)), 0) : 4;
  const left = Math.ceil(24 + pixels(longest, 12)), below = Math.ceil(20 + Math.SQRT1_2 * (pixels(longest, 12) + 12));
  const domain = classes.map((_, index) => index);
  const ticks = isNamed ? {} : { ticks: domain.filter((index) => index % Math.ceil(classes.length / 10) === 0) };
  const axis = { domain, tickFormat: (index: number) => isNamed ? names[index] : String(index), ...ticks };
  const width = size + left + 24;
  const drawing = draw({
    width,
    height: size + 24 + below + 28,
    marginLeft: left,
    marginRight: 24,
    marginTop: 24,
    marginBottom: below + 28,
    padding: isNamed ? 0.04 : 0,
    x: { ...axis, label: "predicted class", labelAnchor: "center", labelOffset: below + 22, tickRotate: -45 },
    y: { ...axis, label: "true class", labelAnchor: "top", labelOffset: left - 8 },
    color: { type: "linear", domain: [0, 1], range: ["#eef3fb", "#1d4e89"] },
    marks: [
      Plot.cell(cells, { x: "predicted", y: "label", fill: "share", inset: classes.length > MANY ? -1 : 0 }),
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
