/** What plots are drawn of, and the functions that draw them, without the package that they take. */

import type { MetricsLine } from "../train/mod.ts";

/** An epoch's line of `metrics.jsonl`. */
export type EpochLine = Extract<MetricsLine, { readonly kind: "epoch" }>;

/** What draws plots, as SVG. */
export interface Drawings {
  /** Counts of images by true and predicted class. */
  confusionSvg(confusion: readonly (readonly number[])[], classes: readonly string[], title: string): string;
  /** Loss, error and learning rate by epoch. */
  curvesSvg(lines: readonly EpochLine[], title: string): string;
  /** The losses of a range test by their rates. */
  ratesSvg(
    points: readonly { readonly rate: number; readonly loss: number; readonly smoothed: number }[],
    suggested: number | undefined,
    title: string,
  ): string;
}
