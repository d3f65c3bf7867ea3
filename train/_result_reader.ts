/** Collects the results of an epoch's steps, one reading behind the queue, so that the device never waits for it. */

import { divergence, overflow } from "./_divergence.ts";
import type { Callback } from "./events.ts";
import type { RunFolder } from "./run_folder.ts";
import type { StepResult, Trainer } from "./trainer.ts";

/** The scale below which gradients that overflow are not the scale's fault. */
const LEAST_LOSS_SCALE = 1;

/** The options of {@link ResultReader}. */
export interface ReaderOptions {
  /** Images in a step. */
  readonly batch: number;
  /** The epoch, from 0. */
  readonly epoch: number;
  /** The steps of the whole run. */
  readonly totalSteps: number;
  /** The steps of the run that are done. */
  readonly step: number;
  /** The sum of the losses of the epoch's steps that are done. */
  readonly lossSum: number;
  /** The number of right answers in them. */
  readonly correct: number;
  /** Where the steps are logged. */
  readonly folder?: RunFolder;
  /** The listeners. */
  readonly callbacks: readonly Callback[];
  /** Called with each step's result, before the listeners. */
  readonly hear: (result: StepResult) => void;
}

/** Adds up an epoch's results, logs each and tells the listeners. */
export class ResultReader {
  readonly #trainer: Trainer;
  readonly #options: ReaderOptions;
  readonly #rates: number[] = [];
  #pending: Promise<void> = Promise.resolve();
  #step: number;
  #lossSum: number;
  #correct: number;
  #time = performance.now();
  #stop = false;

  /** Starts where the epoch stands. */
  constructor(trainer: Trainer, options: ReaderOptions) {
    this.#trainer = trainer;
    this.#options = options;
    this.#step = options.step;
    this.#lossSum = options.lossSum;
    this.#correct = options.correct;
  }

  /** The sum of the losses of the epoch's steps. */
  get lossSum(): number {
    return this.#lossSum;
  }

  /** The number of right answers in them. */
  get correct(): number {
    return this.#correct;
  }

  /** Whether a listener asked to stop. */
  get stopRequested(): boolean {
    return this.#stop;
  }

  /** Notes the learning rate of a step that was queued. */
  queued(rate: number): void {
    this.#rates.push(rate);
  }

  /** Starts to read what is queued, and waits for what was read before. */
  async read(): Promise<void> {
    const before = this.#pending;
    this.#pending = this.#collect();
    this.#pending.catch(() => {});
    await before;
  }

  /** Waits until every queued step is read. */
  async drain(): Promise<void> {
    await this.#pending;
    await this.#collect();
  }

  async #collect(): Promise<void> {
    const { batch, epoch, totalSteps, folder, callbacks, hear } = this.#options;
    const results = await this.#trainer.results();
    const now = performance.now(), imagesPerSecond = results.length * batch / (now - this.#time) * 1000;
    this.#time = now;
    for (const result of results) {
      const { loss, correct, lossScale } = result, step = ++this.#step, rate = this.#rates.shift()!;
      if (!Number.isFinite(loss) || lossScale! < LEAST_LOSS_SCALE) {
        await folder?.flush();
        if (Number.isFinite(loss)) throw overflow(2 * lossScale!, { step, epoch });
        throw divergence("loss", loss, { step, epoch, rate, mixed: lossScale !== undefined });
      }
      this.#lossSum += loss;
      this.#correct += correct;
      hear(result);
      folder?.log({ kind: "step", step, epoch, loss, lr: rate, imagesPerSecond, ...(lossScale && { lossScale }) });
      const event = { step, epoch, totalSteps, batch, loss, top1: correct / batch, rate, imagesPerSecond };
      for (const callback of callbacks) if (callback.onStep?.(event) === "stop") this.#stop = true;
    }
  }
}
