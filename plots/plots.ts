/** Plots of a run, as SVG: its curves, and which classes are taken for which. */

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { layOutConfusion, legend, SHARE_COLOURS } from "./confusion_layout.ts";
import { type DrawnLoss, drawnLosses, rateScale, rateText } from "./curve_scales.ts";
import type { EpochLine } from "./drawings.ts";
import { FONT_FAMILY, INK, page } from "./sheet.ts";

const { document } = parseHTML("<html></html>") as unknown as Pick<Plot.PlotOptions, "document">;
const TRAINING = "#4269d0", VALIDATION = "#c2410c", WIDTH = 640, PANEL = 200;
const STYLE = { color: INK, fontSize: "12px", fontFamily: FONT_FAMILY };

/** A drawing: its height, and its SVG. */
export function draw(options: Plot.PlotOptions): string[] {
  const svg = Plot.plot({ ...options, document, style: { ...STYLE, ...(options.style as object) } });
  return [String(options.height), svg.outerHTML];
}

/** A curve with its points, as long as these can be told apart. */
export function curve(points: readonly { x: number; y: number }[], stroke: string): Plot.Markish[] {
  const marks: Plot.Markish[] = [Plot.line(points, { x: "x", y: "y", stroke, strokeWidth: 1.8 })];
  if (points.length <= 60) marks.push(Plot.dot(points, { x: "x", y: "y", fill: stroke, r: 2.5 }));
  return marks;
}

/** Marks at the edge. */
function beyondMarks(losses: readonly DrawnLoss[]): Plot.Markish[] {
  const beyond = losses.filter(({ beyond }) => beyond !== undefined);
  return [Plot.dot(beyond, { x: "x", y: "y", symbol: "triangle", fill: VALIDATION, r: 5 })];
}

/**
 * Loss, error and learning rate by epoch. Losses of validations that are more than twice the greatest of training are drawn at
 * the upper edge, whose title tells the greatest.
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
  const losses = drawnLosses(lines), beyond = losses.reduce((most, { beyond = 0 }) => Math.max(most, beyond), 0);
  const key = [["training, augmented", TRAINING], ["validation", VALIDATION]] as const;
  return page(title, key, WIDTH, [
    panel(`loss${beyond === 0 ? "" : `; ▲ above, up to ${Number(beyond.toPrecision(3))}`}`, { zero: true }, [
      ...curve(series(({ trainLoss }) => trainLoss), TRAINING),
      ...curve(losses, VALIDATION),
      ...(beyond === 0 ? [] : beyondMarks(losses)),
    ], null),
    panel(
      "error, %",
      { domain: [0, 100 * worst] },
      [
        ...curve(series(({ trainTop1 }) => 100 * (1 - trainTop1)), TRAINING),
        ...curve(series(({ valTop1 }) => 100 * (1 - valTop1)), VALIDATION),
      ],
      null,
    ),
    panel("learning rate", rateScale(lines), curve(series(({ lr }) => lr), INK), "epoch"),
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

/** Classes up to which each count is written, and those above which a cell is drawn larger than it is, to be seen. */
const COUNTED = 20, MANY = 200;
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
  const digits = cells.reduce((most, { count }) => Math.max(most, `${count}`.length), 1);
  const { size, isNamed, names, font, countFont, rotate, left, below } = layOutConfusion(classes, digits);
  const count = classes.length, domain = classes.map((_, index) => index), of = isNamed ? "" : ", by its number from 0";
  const ticks = isNamed ? {} : { ticks: domain.filter((index) => index % Math.ceil(count / 10) === 0) };
  const axis = { domain, tickFormat: (index: number) => isNamed ? names[index] : String(index), ...ticks };
  const width = size + left + 24;
  const drawing = draw({
    width,
    height: size + 24 + below,
    marginLeft: left,
    marginRight: 24,
    marginTop: 24,
    marginBottom: below,
    style: { fontSize: `${font}px` },
    padding: isNamed ? 0.04 : 0,
    x: { ...axis, label: `predicted class${of}`, labelAnchor: "center", labelOffset: below - 6, tickRotate: rotate },
    y: { ...axis, label: `true class${of}`, labelAnchor: "top", labelOffset: left - 8 },
    color: { type: "linear", domain: [0, 1], range: [...SHARE_COLOURS] },
    marks: [
      Plot.cell(cells, { x: "predicted", y: "label", fill: "share", inset: count > MANY ? -1 : 0 }),
      ...(count > COUNTED ? [] : [
        Plot.text(cells, {
          x: "predicted",
          y: "label",
          text: ({ count }: { count: number }) => String(count),
          fill: ({ share }: { share: number }) => share > 0.5 ? "white" : INK,
          fontSize: countFont,
        }),
      ]),
      Plot.frame({ stroke: "#bbb" }),
    ],
  });
  return page(title, [], width, [drawing, legend(width, left)]);
}
