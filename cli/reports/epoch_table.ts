/** The epochs of a run as a table that grows a line at a time; a narrow terminal has fewer of its columns. */

import type { EpochEvent } from "../../train/mod.ts";
import { formatDuration, formatLoss, formatPercent } from "./format.ts";
import { fitFields } from "./layout.ts";

/** A column. */
interface Column {
  readonly name: string;
  /** The characters of its usual values. */
  readonly width: number;
  /** Columns of the greatest rank are the first to be left out. */
  readonly rank: number;
  readonly cell: (event: EpochEvent, epochs: number) => string;
}

const COLUMNS: readonly Column[] = [
  { name: "epoch", width: 0, rank: 0, cell: ({ epoch }, epochs) => `${epoch + 1}/${epochs}` },
  { name: "loss", width: 7, rank: 0, cell: ({ trainLoss }) => formatLoss(trainLoss) },
  { name: "accuracy", width: 8, rank: 0, cell: ({ trainTop1 }) => formatPercent(trainTop1) },
  { name: "val loss", width: 8, rank: 1, cell: ({ validation }) => formatLoss(validation.loss) },
  { name: "val acc", width: 8, rank: 0, cell: ({ validation }) => formatPercent(validation.top1) },
  { name: "lr", width: 9, rank: 2, cell: ({ rate }) => formatLearningRate(rate) },
  { name: "time", width: 7, rank: 3, cell: ({ seconds }) => formatTime(seconds) },
];

/** At most four digits, in nine characters. */
function formatLearningRate(rate: number): string {
  const short = String(Number(rate.toPrecision(4)));
  return short.length <= 9 ? short : rate.toExponential(2);
}

/** Seconds up to a minute, then a duration. */
function formatTime(seconds: number): string {
  return seconds < 59.95 ? `${seconds.toFixed(1)} s` : formatDuration(seconds);
}

/** Writes the lines of epochs, and a header before the first. */
export class EpochTable {
  readonly #epochs: number;
  #shown = "";

  /** @param epochs The epochs of the run. */
  constructor(epochs: number) {
    this.#epochs = epochs;
  }

  /**
   * The line of an epoch, after the header where there was none yet, or one of other columns.
   *
   * @param event The epoch.
   * @param width The characters of a line.
   */
  line(event: EpochEvent, width: number): string {
    const columns = COLUMNS.map((column) => {
      const least = column.width === 0 ? 2 * String(this.#epochs).length + 1 : column.width;
      return { ...column, text: column.name.padStart(least) };
    });
    const shown = fitFields(columns, width) as typeof columns;
    const header = shown.map(({ text }) => text).join("  ");
    const row = shown.map(({ text, cell }) => cell(event, this.#epochs).padStart(text.length)).join("  ");
    const isNew = header !== this.#shown;
    this.#shown = header;
    return isNew ? `${header}\n${row}` : row;
  }
}
