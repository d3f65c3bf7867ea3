/** Progress lines: rewritten in place on a terminal, absent elsewhere. */

import type { Callback, ProgressEvent, StepEvent } from "../../train/mod.ts";
import { formatDuration, formatLoss, formatPercent, formatRate } from "./format.ts";
import { type Field, fitFields, rewriteLine, widthOf } from "./layout.ts";

/** What the line shows. */
export interface ProgressState
  extends Pick<StepEvent, "step" | "totalSteps" | "epoch" | "loss" | "top1" | "imagesPerSecond"> {
  /** Seconds until the run ends at this rate. */
  readonly secondsLeft: number;
  /** The share of the time in which other ranks are waited for, where there are some. */
  readonly waiting?: number;
}

/** The fields that fit, with a bar before them where there is room: at most `width` characters. */
function withBar(fields: readonly Field[], share: number, width: number): string {
  const text = fitFields(fields, width).map(({ text }) => text).join("  "),
    room = Math.min(24, width - text.length - 1);
  if (room < 6) return text.slice(0, width);
  const filled = Math.round((room - 2) * Math.min(1, share));
  return `[${"█".repeat(filled)}${" ".repeat(room - 2 - filled)}] ${text}`;
}

/** The line of a training run, at most `width` characters. */
export function formatProgress(state: ProgressState, width: number): string {
  const { step, totalSteps, epoch, loss, top1, imagesPerSecond, secondsLeft, waiting } = state;
  return withBar(
    [
      { text: `epoch ${epoch + 1}`, rank: 0 },
      { text: `step ${step}/${totalSteps}`, rank: 4 },
      { text: `loss ${formatLoss(loss)}`, rank: 1 },
      { text: `accuracy ${formatPercent(top1, 1)}`, rank: 2 },
      { text: `${formatRate(imagesPerSecond)} images/s`, rank: 5 },
      ...(waiting === undefined ? [] : [{ text: `${formatPercent(waiting, 0)} waiting for ranks`, rank: 6 }]),
      { text: `${formatDuration(secondsLeft)} left`, rank: 3 },
    ],
    step / totalSteps,
    width,
  );
}

/**
 * The line of images that are gone through, at most `width` characters.
 *
 * @param what What is done with them.
 */
export function formatCount(what: string, done: number, total: number, seconds: number, width: number): string {
  const rate = done / seconds, known = done > 0 && seconds > 0;
  return withBar(
    [
      { text: what, rank: 2 },
      { text: `${done}/${total} images`, rank: 0 },
      ...(known
        ? [
          { text: `${formatRate(rate)} images/s`, rank: 3 },
          { text: `${formatDuration((total - done) / rate)} left`, rank: 1 },
        ]
        : []),
    ],
    done / total,
    width,
  );
}

/** What the activities beside training are called. */
const ACTIVITIES = { statistics: "measuring", validation: "validating" } as const;

/** Draws the line of a run on standard error, at most ten times a second. */
export class ProgressLine implements Callback, Disposable {
  readonly #enabled: boolean;
  readonly #waiting: (() => number | undefined) | undefined;
  #drawn = 0;
  #rate = 0;
  #loss = 0;
  #top1 = 0;
  #steps = 0;
  #activity: { readonly name: string; readonly since: number; done: number } | undefined;
  #heard = performance.now();

  /**
   * @param wanted Whether the user wants it; it is shown on a terminal only.
   * @param waiting Gives the share of the time so far in which other ranks were waited for. Defaults to none: there is no other.
   */
  constructor(wanted: boolean, waiting?: () => number | undefined) {
    this.#waiting = waiting;
    this.#enabled = wanted && Deno.stderr.isTerminal();
  }

  /** Takes in a step; the figures are means that follow the last twenty or so. */
  onStep(event: StepEvent): void {
    if (!this.#enabled) return;
    const share = Math.max(0.05, 1 / ++this.#steps);
    this.#rate += share * (event.imagesPerSecond - this.#rate);
    this.#loss += share * (event.loss - this.#loss);
    this.#top1 += share * (event.top1 - this.#top1);
    this.#activity = undefined;
    const now = this.#heard = performance.now();
    if (now - this.#drawn < 100) return;
    this.#drawn = now;
    const secondsLeft = (event.totalSteps - event.step) * event.batch / this.#rate;
    const state = {
      ...event,
      loss: this.#loss,
      top1: this.#top1,
      imagesPerSecond: this.#rate,
      secondsLeft,
      waiting: this.#waiting?.(),
    };
    rewriteLine(formatProgress(state, widthOf(Deno.stderr) - 1));
  }

  /** Takes in how far measuring or validation is. */
  onProgress({ activity: name, done, total }: ProgressEvent): void {
    if (!this.#enabled) return;
    const now = performance.now();
    if (this.#activity?.name !== name || done < this.#activity.done) {
      this.#activity = { name, since: this.#heard, done };
    }
    this.#activity.done = done;
    this.#heard = now;
    if (done === total) return this.clear();
    if (now - this.#drawn < 100) return;
    this.#drawn = now;
    const seconds = (now - this.#activity.since) / 1000;
    rewriteLine(formatCount(ACTIVITIES[name], done, total, seconds, widthOf(Deno.stderr) - 1));
  }

  /** Takes the line away, so that other output stands alone. */
  clear(): void {
    if (this.#enabled) rewriteLine("");
  }

  /** Takes the line away for good. */
  [Symbol.dispose](): void {
    this.clear();
  }
}

/** The line of kernels that are timed, at most `width` characters; `most` is what is left of a budget of seconds. */
export function formatTuning(
  done: number,
  total: number,
  what: string,
  seconds: number,
  most: number,
  width: number,
): string {
  const expected = done === 0 ? most : Math.min(most, seconds / done * (total - done));
  return withBar(
    [
      { text: `timing kernels ${done + 1}/${total}`, rank: 0 },
      ...(expected === Infinity ? [] : [{ text: `${formatDuration(expected)} left`, rank: 1 }]),
      { text: what, rank: 2 },
    ],
    done / total,
    width,
  );
}

/** Draws the line of kernels that are timed on standard error. */
export class TuneLine {
  readonly #enabled: boolean;
  readonly #until: number;
  #started = 0;

  /**
   * Draws nothing yet.
   *
   * @param wanted Whether the user wants it; it is shown on a terminal only.
   * @param until When the timing ends at the latest, in milliseconds of `performance.now()`.
   */
  constructor(wanted: boolean, until: number = Infinity) {
    this.#enabled = wanted && Deno.stderr.isTerminal();
    this.#until = until;
  }

  /** Says how many are done, and which is next; goes away once there is none. */
  update(done: number, total: number, what: string): void {
    if (!this.#enabled) return;
    const now = performance.now();
    if (done === 0) this.#started = now;
    const width = widthOf(Deno.stderr) - 1, most = Math.max(0, (this.#until - now) / 1000);
    rewriteLine(what === "" ? "" : formatTuning(done, total, what, (now - this.#started) / 1000, most, width));
  }

  /** A line that stays, on a terminal. */
  say(text: string): void {
    if (!this.#enabled) return;
    rewriteLine("");
    console.error(text);
  }

  /** Takes the line away, so that other output stands alone. */
  clear(): void {
    if (this.#enabled) rewriteLine("");
  }
}

/** Draws the line of images that are gone through on standard error, at most ten times a second. */
export class CountLine {
  readonly #enabled: boolean;
  readonly #what: string;
  readonly #started = performance.now();
  #drawn = 0;

  /**
   * Draws nothing yet.
   *
   * @param what What is done with the images.
   * @param wanted Whether the user wants it; it is shown on a terminal only.
   */
  constructor(what: string, wanted: boolean) {
    this.#what = what;
    this.#enabled = wanted && Deno.stderr.isTerminal();
  }

  /** Says how many images are done, of how many. */
  update(done: number, total: number): void {
    const now = performance.now();
    if (!this.#enabled || now - this.#drawn < 100) return;
    this.#drawn = now;
    rewriteLine(formatCount(this.#what, done, total, (now - this.#started) / 1000, widthOf(Deno.stderr) - 1));
  }

  /** Takes the line away, so that other output stands alone. */
  clear(): void {
    if (this.#enabled) rewriteLine("");
  }
}

const MIB = 2 ** 20;

/** The line of a file that is fetched, at most `width` characters; `total` is its size in bytes, where that is known. */
function formatDownload(name: string, done: number, total: number | undefined, seconds: number, width: number): string {
  const rate = done / seconds, size = (bytes: number) => (bytes / MIB).toFixed(1);
  const fields = [
    { text: name, rank: 2 },
    { text: `${size(done)}${total === undefined ? "" : `/${size(total)}`} MiB`, rank: 0 },
    { text: `${size(rate)} MiB/s`, rank: 3 },
  ];
  if (total === undefined) return fitFields(fields, width).map(({ text }) => text).join("  ");
  return withBar([...fields, { text: `${formatDuration((total - done) / rate)} left`, rank: 1 }], done / total, width);
}

/** Draws the line of a file that is fetched on standard error, at most ten times a second. */
export class DownloadLine {
  readonly #enabled: boolean;
  readonly #name: string;
  readonly #total: number | undefined;
  readonly #started = performance.now();
  #drawn = 0;

  /**
   * @param name The file's name.
   * @param wanted Whether the user wants it; it is shown on a terminal only.
   * @param total The file's size in bytes, where that is known.
   */
  constructor(name: string, wanted: boolean, total?: number) {
    this.#name = name;
    this.#enabled = wanted && Deno.stderr.isTerminal();
    this.#total = total;
  }

  /** Says how many bytes are there. */
  update(done: number): void {
    const now = performance.now();
    if (!this.#enabled || now - this.#drawn < 100) return;
    this.#drawn = now;
    const seconds = (now - this.#started) / 1000, width = Deno.consoleSize().columns - 1;
    rewriteLine(formatDownload(this.#name, done, this.#total, seconds, width));
  }

  /** Takes the line away, so that other output stands alone. */
  clear(): void {
    if (this.#enabled) rewriteLine("");
  }
}

/** Does something with images while a {@link CountLine} shows how far it is; takes the line away at the end. */
export async function withCountLine<T>(
  what: string,
  wanted: boolean,
  work: (onProgress: (done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  const line = new CountLine(what, wanted);
  try {
    return await work((done, total) => line.update(done, total));
  } finally {
    line.clear();
  }
}
