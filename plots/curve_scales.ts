/** What the axes of curves show: rates as they are or by their logarithms, and losses up to an edge. */

import type { EpochLine } from "./drawings.ts";

/** A rate in few characters. */
export function rateText(rate: number): string {
  return rate === 0 || rate >= 0.001 ? String(Number(rate.toPrecision(3))) : rate.toExponential(0);
}

/** How far a rate is below the greatest, and in which share of the epochs, where rates are shown by their logarithms. */
const LOW_RATE = 1 / 30, LOW_SHARE = 0.15;
/** The most labels of a logarithmic axis. */
const MOST_POWERS = 5;

/** The axis of rates, as options of a scale. */
export interface RateScale {
  readonly type?: "log";
  readonly zero?: boolean;
  readonly nice?: boolean;
  readonly ticks: number | number[];
  readonly tickFormat: (rate: number) => string;
}

/**
 * The axis of rates. A logarithm shows a schedule that goes through orders of magnitude; of one that ends near 0, as a cosine
 * does, it would show the last epochs alone, and it cannot show a rate of 0.
 */
export function rateScale(lines: readonly EpochLine[]): RateScale {
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
export interface DrawnLoss {
  readonly x: number;
  readonly y: number;
  readonly beyond?: number;
}

/**
 * The losses of validations, those at the edge that are far beyond any of training: one early epoch of a batch norm that has
 * seen little would flatten all others.
 */
export function drawnLosses(lines: readonly EpochLine[]): DrawnLoss[] {
  const most = SPIKE * lines.reduce((most, { trainLoss }) => Math.max(most, trainLoss), 0);
  return lines.map(({ epoch, valLoss }) =>
    most > 0 && valLoss > most ? { x: epoch + 1, y: most, beyond: valLoss } : { x: epoch + 1, y: valLoss }
  );
}
