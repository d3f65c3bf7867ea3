/** Progress lines: rewritten in place on a terminal, absent elsewhere. */

import type { StepEvent } from "../../train/mod.ts";
import { formatDuration, formatPercent } from "./format.ts";

/** What the line shows. */
export interface ProgressState
  extends Pick<StepEvent, "step" | "totalSteps" | "epoch" | "loss" | "top1" | "imagesPerSecond"> {
  /** Seconds until the run ends at this rate. */
  readonly secondsLeft: number;
}

/** A text with a bar before it where there is room, at most `width` characters. */
function withBar(text: string, share: number, width: number): string {
  const room = Math.min(24, width - text.length - 1);
  if (room < 6) return text.trim().slice(0, width);
  const filled = Math.round((room - 2) * share);
  return `[${"█".repeat(filled)}${" ".repeat(room - 2 - filled)}]${text}`;
}

/** Replaces the terminal's last line, which has no end yet. */
function rewriteLine(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[2K${text}`));
}

/** The line of a training run, at most `width` characters. */
function formatProgress(state: ProgressState, width: number): string {
  const { step, totalSteps, epoch, loss, top1, imagesPerSecond, secondsLeft } = state;
  const text =
    ` epoch ${epoch + 1}  step ${step}/${totalSteps}  loss ${loss.toFixed(4)}  accuracy ${formatPercent(top1, 1)}  ` +
    `${imagesPerSecond.toFixed(0)} images/s  ${formatDuration(secondsLeft)} left`;
  return withBar(text, step / totalSteps, width);
}

/** The line of a count of images, at most `width` characters. */
function formatCount(done: number, total: number, seconds: number, width: number): string {
  const rate = done / seconds;
  const left = done === 0
    ? ""
    : `  ${rate.toFixed(rate < 10 ? 1 : 0)} images/s  ${formatDuration((total - done) / rate)} left`;
  return withBar(` ${done}/${total} images${left}`, done / total, width);
}

/** Draws the line on standard error, at most ten times a second. */
export class ProgressLine {
  readonly #enabled: boolean;
  #drawn = 0;
  #rate = 0;
  #loss = 0;
  #top1 = 0;
  #steps = 0;

  /** @param wanted Whether the user wants it; it is shown on a terminal only. */
  constructor(wanted: boolean) {
    this.#enabled = wanted && Deno.stderr.isTerminal();
  }

  /** Takes in a step; the figures are means that follow the last twenty or so. */
  update(event: StepEvent): void {
    if (!this.#enabled) return;
    const share = Math.max(0.05, 1 / ++this.#steps);
    this.#rate += share * (event.imagesPerSecond - this.#rate);
    this.#loss += share * (event.loss - this.#loss);
    this.#top1 += share * (event.top1 - this.#top1);
    const now = performance.now();
    if (now - this.#drawn < 100) return;
    this.#drawn = now;
    const secondsLeft = (event.totalSteps - event.step) * event.batch / this.#rate;
    const state = { ...event, loss: this.#loss, top1: this.#top1, imagesPerSecond: this.#rate, secondsLeft };
    rewriteLine(formatProgress(state, Deno.consoleSize().columns - 1));
  }

  /** Takes the line away, so that other output stands alone. */
  clear(): void {
    if (this.#enabled) rewriteLine("");
  }
}

/** The line of kernels that are timed, at most `width` characters; `most` is what is left of a budget of seconds. */
function formatTuning(
  done: number,
  total: number,
  what: string,
  seconds: number,
  most: number,
  width: number,
): string {
  const expected = done === 0 ? most : Math.min(most, seconds / done * (total - done));
  const left = expected === Infinity ? "" : `  ${formatDuration(expected)} left`;
  const text = withBar(` timing kernels ${done + 1}/${total}${left}`, done / total, width);
  return `${text}  ${what}`.slice(0, width);
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
    const width = Deno.consoleSize().columns - 1, most = Math.max(0, (this.#until - now) / 1000);
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

/** Draws the line of a count on standard error, at most ten times a second. */
export class CountLine {
  readonly #enabled: boolean;
  readonly #total: number;
  readonly #started = performance.now();
  #drawn = 0;

  /**
   * @param total The number of images.
   * @param wanted Whether the user wants it; it is shown on a terminal only.
   */
  constructor(total: number, wanted: boolean) {
    this.#total = total;
    this.#enabled = wanted && Deno.stderr.isTerminal();
  }

  /** Says how many images are done. */
  update(done: number): void {
    const now = performance.now();
    if (!this.#enabled || now - this.#drawn < 100) return;
    this.#drawn = now;
    rewriteLine(formatCount(done, this.#total, (now - this.#started) / 1000, Deno.consoleSize().columns - 1));
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
  const text = ` ${name}  ${size(done)}${total === undefined ? "" : `/${size(total)}`} MiB  ${size(rate)} MiB/s`;
  return total === undefined
    ? text.slice(0, width)
    : withBar(`${text}  ${formatDuration((total - done) / rate)} left`, Math.min(1, done / total), width);
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
