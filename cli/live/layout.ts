/** The live view of a training run as lines of text: curves, bars, figures. */

import { cutText, textWidth } from "../../core/mod.ts";
import { formatDuration, formatLoss, formatPercent, formatRate } from "../reports/format.ts";
import { type Field, fitFields } from "../reports/layout.ts";
import { drawChart, legend, type Point } from "./chart.ts";

/** A curve of training and one of validation, over epochs. */
export interface Curves {
  readonly training: readonly Point[];
  readonly validation: readonly Point[];
}

/** What the view shows. */
export interface LiveState {
  /** The network and the images. */
  readonly title: string;
  /** The backend, the adapter. */
  readonly work: string;
  /** Bytes of the device. */
  readonly memory: number;
  /** The epoch, from 0, and all of them. */
  readonly epoch: number;
  readonly epochs: number;
  /** What goes on, and how far in the epoch it is. */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  readonly unit: "steps" | "images";
  /** The steps of the run that are done, and all of them. */
  readonly step: number;
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  /** Means over the last steps; nothing before the first. */
  readonly figures?: {
    readonly loss: number;
    readonly top1: number;
    readonly rate: number;
    readonly imagesPerSecond: number;
    /** Seconds to the end of the epoch, validation included, and to that of the run. */
    readonly epochLeft: number;
    readonly runLeft: number;
  };
  /** The accuracy of the validation whose weights are kept as the best, and its epoch, from 0. */
  readonly best?: { readonly epoch: number; readonly top1: number };
  readonly loss: Curves;
  readonly accuracy: Curves;
  /** Whether the key q is heard. */
  readonly hearsKey: boolean;
  /** Whether the run was asked to stop. */
  readonly stopping: boolean;
}

/** A terminal that is smaller has room for a line alone. */
export const LEAST_COLUMNS = 80, LEAST_ROWS = 16;
/** Wider than this, curves say no more. */
const MOST_COLUMNS = 160;
/** The rows of the curves: a share of the terminal's, within bounds. */
const CHART_SHARE = 0.4, LEAST_CHART = 6, MOST_CHART = 12;
/** The columns between the two charts. */
const GAP = 2;

/**
 * The lines of the view, the first of them empty: what another program prints there disturbs nothing.
 *
 * @param state What is shown.
 * @param columns The terminal's columns; no line takes the last.
 * @param rows The terminal's rows.
 * @param colour Whether colours are wanted.
 */
export function liveLines(state: LiveState, columns: number, rows: number, colour: boolean): string[] {
  const width = Math.min(MOST_COLUMNS, columns - 1);
  const { epoch, epochs, step, totalSteps, figures, phase, done, total, unit } = state;
  const percent = `${Math.floor(100 * step / totalSteps)} %`;
  const left = (seconds: number | undefined) => seconds === undefined ? "" : `${formatDuration(seconds)} left`;
  return [
    "",
    ...charts(state, width, Math.min(MOST_CHART, Math.max(LEAST_CHART, Math.floor(CHART_SHARE * rows))), colour),
    ...bars([
      {
        head: `epoch ${epoch + 1}/${epochs}`,
        share: done / Math.max(1, total),
        what: `${phase} ${done}/${total} ${unit}`,
        left: left(figures?.epochLeft),
      },
      {
        head: "run",
        share: step / totalSteps,
        what: `${percent}, step ${step}/${totalSteps}`,
        left: left(figures?.runLeft),
      },
    ], width),
    cutText(fitFields(figureFields(state), width).map(({ text }) => text).join("  "), width),
    cutText(`${state.work}  memory ${(state.memory / 2 ** 20).toFixed(1)} MiB`, width),
    lastLine(state, width),
  ];
}

/** What is trained, cut to the room that is left, and how to stop it. */
function lastLine({ title, stopping, hearsKey }: LiveState, width: number): string {
  const hint = stopping
    ? "stopping: the step is finished and saved"
    : `${hearsKey ? "q or Ctrl-C" : "Ctrl-C"} stops the run and saves it`;
  return `${cutText(title, width - hint.length - 2)}  ${hint}`;
}

function figureFields({ figures, best }: LiveState): Field[] {
  const fields: Field[] = figures === undefined ? [{ text: "the first step is compiled and run", rank: 0 }] : [
    { text: `loss ${formatLoss(figures.loss)}`, rank: 0 },
    { text: `accuracy ${formatPercent(figures.top1, 1)}`, rank: 1 },
    { text: `lr ${Number(figures.rate.toPrecision(3))}`, rank: 4 },
    { text: `${formatRate(figures.imagesPerSecond)} images/s`, rank: 2 },
  ];
  if (best !== undefined) {
    fields.push({ text: `best ${formatPercent(best.top1)}, epoch ${best.epoch + 1}`, rank: 3 });
  }
  return fields;
}

/** What a bar shows. */
interface Bar {
  /** What it is of. */
  readonly head: string;
  /** How much of it is filled, from 0 to 1. */
  readonly share: number;
  /** What stands behind it: how far that is, and what is left. */
  readonly what: string;
  readonly left: string;
}

/** Bars of one length below each other. */
function bars(all: readonly Bar[], width: number): string[] {
  const longest = (text: (bar: Bar) => string) => all.reduce((most, bar) => Math.max(most, text(bar).length), 0);
  const head = longest((bar) => bar.head), what = longest((bar) => bar.what), left = longest((bar) => bar.left);
  const room = Math.max(0, width - head - what - left - 6);
  return all.map((bar) => {
    const filled = Math.round(room * Math.min(1, Math.max(0, bar.share)));
    const drawn = `[${"█".repeat(filled)}${" ".repeat(room - filled)}]`;
    return cutText(`${bar.head.padEnd(head)} ${drawn} ${bar.what.padEnd(what)}  ${bar.left.padStart(left)}`, width);
  });
}

function charts({ step, stepsPerEpoch, loss, accuracy }: LiveState, width: number, height: number, colour: boolean) {
  const each = Math.floor((width - GAP) / 2), end = step / stepsPerEpoch;
  const shared = { width: each, height, end, endLabel: `epoch ${end.toFixed(end < 10 ? 1 : 0)}`, colour };
  const left = drawChart({
    ...shared,
    title: `loss  ${legend(colour)}`,
    line: loss.training,
    marks: loss.validation,
    format: (value) => value.toFixed(value < 10 ? 3 : 1),
    limits: [-Infinity, mostLoss(loss.training)],
  });
  const right = drawChart({
    ...shared,
    title: "accuracy",
    line: accuracy.training,
    marks: accuracy.validation,
    format: (value) => formatPercent(value, 0),
    limits: [0, 1],
  });
  return left.map((line, k) => line + " ".repeat(each + GAP - visibleWidth(line)) + right[k]);
}

/** How many times the greatest training loss is shown: one validation far beyond would flatten all that is to be seen. */
const SPIKE = 2;

function mostLoss(training: readonly Point[]): number {
  const most = training.reduce((most, { y }) => Math.max(most, y), 0);
  return most > 0 ? SPIKE * most : Infinity;
}

/** The columns of a line with colours. */
export function visibleWidth(line: string): number {
  // deno-lint-ignore no-control-regex
  return textWidth(line.replace(/\x1b\[\d+m/g, ""));
}
