/** The curves of a run over its epochs, and those of a range test over rates, as SVG. */

import * as Plot from "@observablehq/plot";
import type { EpochLine } from "./drawings.ts";
import { curve, draw, INK, page } from "./sheet.ts";

const TRAINING = "#4269d0", VALIDATION = "#c2410c", WIDTH = 640, PANEL = 200;

/** A rate in few characters. */
function rateText(rate: number): string {
  return rate === 0 || rate >= 0.001 ? String(Number(rate.toPrecision(3))) : rate.toExponential(0);
}

/** How far a rate is below the greatest, and in which share of the epochs, where rates are shown by their logarithms. */
const LOW_RATE = 1 / 30, LOW_SHARE = 0.15;
/** The most labels of a logarithmic axis. */
const MOST_POWERS = 5;

/**
 * The axis of rates. A logarithm shows a schedule that goes through orders of magnitude; of one that ends near 0, as a cosine
 * does, it would show the last epochs alone, and it cannot show a rate of 0.
 */
function rateScale(lines: readonly EpochLine[]): Plot.ScaleOptions {
  const [least, most] = lines.reduce(([least, most], { lr }) => [Math.min(least, lr), Math.max(most, lr)], [
    Infinity,
    0,
  ]);
  const low = lines.filter(({ lr }) => lr < LOW_RATE * most).length;
  if (!(least > 0) || low < LOW_SHARE * lines.length || low < 2) return { zero: true, ticks: 3, tickFormat: rateText };
  const [first, last] = [Math.ceil(Math.log10(least)), Math.floor(Math.log10(most))];
  const step = Math.ceil((last - first + 1) / MOST_POWERS), powers = [];
  for (let power = last; power >= first; power -= step) powers.push(10 ** power);
  return { type: "log", nice: false, ticks: powers, tickFormat: rateText };
}

/** How many times the greatest training loss a validation's may be before it is drawn at the edge instead. */
const SPIKE = 2;

/** A loss as it is drawn: where its point stands, and what it is where that is another. */
interface DrawnLoss {
  readonly x: number;
  readonly y: number;
  readonly beyond?: number;
}

/**
 * The losses of validations, those at the edge that are far beyond any of training: one early epoch of a batch norm that has
 * seen little would flatten all others.
 */
function drawnLosses(lines: readonly EpochLine[]): DrawnLoss[] {
  const most = SPIKE * lines.reduce((most, { trainLoss }) => Math.max(most, trainLoss), 0);
  return lines.map(({ epoch, valLoss }) =>
    most > 0 && valLoss > most ? { x: epoch + 1, y: most, beyond: valLoss } : { x: epoch + 1, y: valLoss }
  );
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
