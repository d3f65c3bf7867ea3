/** Collects the results of an epoch's steps, one reading behind the queue, so that the device never waits for it. */

import type { Collective } from "../core/mod.ts";
import { divergence, overflow } from "./_divergence.ts";
import type { Callback } from "./events.ts";
import type { RunFolder } from "./run_folder.ts";
import type { StepResult, Trainer } from "./trainer.ts";

/** The scale below which gradients that overflow are not the scale's fault. */
const LEAST_LOSS_SCALE = 1;

/** What a rank asks all of them for. */
export interface RankRequests {
  /** To stop the run. */
  readonly stop: boolean;
  /** To save a checkpoint. */
  readonly save: boolean;
}

const NO_REQUESTS: RankRequests = { stop: false, save: false };

/** The options of {@link ResultReader}. */
export interface ReaderOptions {
  /** Images in a step, of all ranks. */
  readonly batch: number;
  /** The ranks whose results are joined, and what this one asks for. Defaults to one rank, which asks nobody. */
  readonly ranks?: { readonly collective: Collective; readonly ask: () => RankRequests };
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
  #pending: Promise<unknown> = Promise.resolve();
  #agreed = NO_REQUESTS;
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

  /** What any rank has asked for since. */
  get agreed(): RankRequests {
    return this.#agreed;
  }

  /** What was asked for is done. */
  clearRequests(): void {
    this.#agreed = NO_REQUESTS;
  }

  /** Notes the learning rate of a step that was queued. */
  queued(rate: number): void {
    this.#rates.push(rate);
  }

  /** Starts to read what is queued, and waits for what was read before. */
  async read(): Promise<void> {
    const before = this.#pending;
    this.#pending = this.#read();
    this.#pending.catch(() => {});
    await this.#end(before);
  }

  /** Waits until every queued step is read. */
  async drain(): Promise<void> {
    const before = this.#pending;
    this.#pending = Promise.resolve();
    await this.#end(before);
    await this.#end(this.#read());
  }

  /** Reads, and collects at once where no other rank has a part: ranks join results where the order of sums is the same for all. */
  #read(): Promise<StepResult[] | void> {
    const results = this.#trainer.results();
    return this.#options.ranks === undefined ? results.then((results) => this.#collect(results)) : results;
  }

  async #end(reading: Promise<unknown>): Promise<void> {
    const results = await reading as StepResult[] | undefined;
    if (results !== undefined && results.length > 0) await this.#collect(await this.#joinRanks(results));
  }

  /** The results of all ranks, and what any of them asks for. */
  async #joinRanks(results: readonly StepResult[]): Promise<StepResult[]> {
    const { collective, ask } = this.#options.ranks!, { size } = collective, asked = ask();
    const requests = [asked.stop || this.#stop, asked.save].map(Number);
    const sums = Float32Array.from([...requests, ...results.flatMap(({ loss, correct }) => [loss, correct])]);
    await collective.sum(sums);
    this.#agreed = { stop: sums[0] > 0, save: sums[1] > 0 };
    return results.map((result, k) => ({ ...result, loss: sums[2 + 2 * k] / size, correct: sums[3 + 2 * k] }));
  }

  async #collect(results: readonly StepResult[]): Promise<void> {
    const { batch, epoch, totalSteps, folder, callbacks, hear } = this.#options;
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
