/** The training loop: steps, validation, checkpoints, and where a run that was stopped goes on. */

import { type Backend, type Collective, Pauses, type Program, type StepProfiler } from "../core/mod.ts";
import type { Batch, BatchLoader, DataIdentity, ImageSet, Normalisation } from "../data/mod.ts";
import { BestValidation } from "./_best.ts";
import { divergence, expectFinite, type TrainingPoint } from "./_divergence.ts";
import type { Profiling } from "./_profiling.ts";
import { anyRank, shareVariables } from "./_ranks.ts";
import { ResultReader } from "./_result_reader.ts";
import type { CheckpointInfo, Progress } from "../weights/mod.ts";
import { type EvaluatedSplit, SplitEvaluator } from "../inference/mod.ts";
import type { Callback, EpochEvent, RunMemory } from "./events.ts";
import type { FitResult } from "./fit_options.ts";
import type { RunFolder } from "./run_folder.ts";
import type { Schedule } from "./schedules/schedule.ts";
import type { Trainer } from "./trainer.ts";
import { validationAnswers } from "./validation_answers.ts";

/** When checkpoints are saved beside those at the end of an epoch. */
export interface CheckpointOptions {
  /** Minutes between checkpoints within an epoch. Defaults to none within an epoch. */
  readonly minutes?: number;
  /** Steps between checkpoints within an epoch. Defaults to none within an epoch. */
  readonly steps?: number;
  /** The number of last epochs whose checkpoints are kept under names of their own. Defaults to 0. */
  readonly keep?: number;
}

/** The options of {@link TrainingLoop}. */
export interface LoopOptions {
  readonly backend: Backend;
  /** The ranks that train together. Defaults to one. */
  readonly collective?: Collective;
  readonly trainer: Trainer;
  /** The program of the first epochs, where these train the head alone, and their number. */
  readonly head?: { readonly trainer: Trainer; readonly epochs: number };
  /** The program of validation. The first call compiles it; each call gives the same one. */
  readonly inference: () => Promise<Program>;
  readonly loader: BatchLoader<Batch>;
  readonly set: ImageSet;
  readonly data: DataIdentity;
  readonly normalisation: Normalisation;
  readonly schedule: Schedule;
  /** Images in a batch, of all ranks. */
  readonly batch: number;
  /** The parts of a rank's batch that go through the network one after the other. */
  readonly parts: number;
  /** Images in a batch of validation. */
  readonly validationBatch: number;
  readonly memory: RunMemory;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  /** The epochs without a better validation after which the run ends. Defaults to no end but that of its epochs. */
  readonly earlyStop?: number;
  /** Whether precision is mixed. */
  readonly mixed: boolean;
  readonly progress?: Progress;
  readonly info: CheckpointInfo;
  readonly folder?: RunFolder;
  readonly checkpoints: CheckpointOptions;
  readonly callbacks: readonly Callback[];
  readonly signal?: AbortSignal;
  readonly profiling?: Profiling;
}

/** How a loop ended. */
export type LoopResult = Omit<FitResult, "normalisation">;

/** Milliseconds between writes of metrics. */
const FLUSH_INTERVAL = 1000;

/** Trains from where a run stands to its end, or until it is asked to stop. */
export class TrainingLoop {
  readonly #options: LoopOptions;
  readonly #pauses = new Pauses();
  #epoch: number;
  #step: number;
  readonly #best: BestValidation;
  #lossSum: number;
  #correct: number;
  /** The learning rate of the last step. */
  #rate: number;
  #saved = performance.now();
  #flushed = performance.now();
  /** From the first validation: it keeps the memory of its batches. */
  #evaluator: SplitEvaluator | undefined;

  /** Starts where the run stands. */
  constructor(options: LoopOptions) {
    this.#options = options;
    const { epochs = 0, steps = 0, lossSum = 0, correct = 0 } = options.progress ?? {};
    this.#epoch = epochs;
    this.#step = steps;
    this.#best = new BestValidation(options.set.validation.count, options.progress);
    this.#lossSum = lossSum;
    this.#correct = correct;
    this.#rate = options.schedule.rate(Math.max(0, steps - 1));
  }

  /** Trains. */
  async run(): Promise<LoopResult> {
    try {
      return await this.#train();
    } finally {
      await this.#evaluator?.close();
    }
  }

  async #train(): Promise<LoopResult> {
    const { trainer, totalSteps, progress, folder, callbacks, profiling, parts, memory } = this.#options;
    if (this.#left) {
      profiling?.begin(totalSteps - this.#step);
      await folder?.cutMetrics(progress ?? { epochs: 0, steps: 0 });
      const event = { steps: this.#step, totalSteps, parts, memory };
      for (const callback of callbacks) await callback.onStart?.(event);
    }
    let last: EpochEvent | undefined, stopped = await this.#anyRank(this.#stopAsked);
    while (this.#left && !stopped) {
      const event = await this.#runEpoch();
      if (event === undefined) stopped = true;
      else stopped = await this.#tellEpoch(last = event);
    }
    await profiling?.tell(true);
    const tensors = expectFinite(await trainer.variables.readEvaluated(), this.#point);
    const { top1: bestTop1, staleEpochs } = this.#best, stoppedEarly = this.#unfinished && !this.#left;
    return { last, bestTop1, steps: this.#step, stopped: stopped && this.#left, stoppedEarly, staleEpochs, tensors };
  }

  /** Whether the run has more to do: it does not end early. */
  get #left(): boolean {
    return this.#unfinished && this.#best.staleEpochs < (this.#options.earlyStop ?? Infinity);
  }

  /** Whether there are steps left, or an epoch whose steps are done and whose validation is not. */
  get #unfinished(): boolean {
    const { epochs, totalSteps } = this.#options;
    return this.#epoch < epochs && (this.#step < totalSteps || this.#stepInEpoch === this.#options.stepsPerEpoch);
  }

  get #stepInEpoch(): number {
    return this.#step - this.#epoch * this.#options.stepsPerEpoch;
  }

  /** Where training stands, for the error of what is no longer finite. */
  get #point(): TrainingPoint {
    const { stepsPerEpoch, mixed } = this.#options, epoch = Math.floor(Math.max(0, this.#step - 1) / stepsPerEpoch);
    return { step: this.#step, epoch, rate: this.#rate, mixed };
  }

  /** Whether the run was asked to stop before its end. A run whose steps end within an epoch still validates. */
  get #stopAsked(): boolean {
    return this.#left && (this.#options.signal?.aborted ?? false);
  }

  #anyRank(asked: boolean): Promise<boolean> {
    return anyRank(this.#options.collective, asked);
  }

  /** Trains and validates the rest of an epoch. Gives nothing if it was stopped before its end. */
  async #runEpoch(): Promise<EpochEvent | undefined> {
    const { schedule, set, stepsPerEpoch, batch, folder } = this.#options;
    const started = performance.now(), epoch = this.#epoch;
    const finished = await this.#trainSteps();
    const validation = finished ? await this.#validate() : undefined;
    if (validation === undefined) {
      await this.#save();
      return undefined;
    }
    // The loss of the last step is from before its update.
    if (!Number.isFinite(validation.loss) && set.validation.count > 0) {
      await folder?.flush();
      throw divergence("validation loss", validation.loss, this.#point);
    }
    const trained = this.#stepInEpoch, seconds = (performance.now() - started) / 1000;
    const isBest = this.#best.observe(validation, trained === stepsPerEpoch);
    const event = {
      epoch,
      trainLoss: this.#lossSum / trained,
      trainTop1: this.#correct / (trained * batch),
      validation,
      isBest,
      rate: schedule.rate(this.#step - 1),
      seconds,
    };
    folder?.log({
      kind: "epoch",
      epoch,
      trainLoss: event.trainLoss,
      trainTop1: event.trainTop1,
      valLoss: validation.loss,
      valTop1: validation.top1,
      lr: event.rate,
      seconds,
    });
    // A run that ends within an epoch can go on there, so the schedule must not hear of the epoch's end yet.
    if (trained === stepsPerEpoch) {
      schedule.observe?.({ loss: validation.loss, error: 1 - validation.top1 });
      this.#epoch++;
      this.#lossSum = this.#correct = 0;
    }
    for (const callback of this.#options.callbacks) await callback.onValidation?.(event);
    if (isBest) await folder?.saveValidation(validationAnswers(set.validation, validation, epoch, set.classes));
    await this.#save({ epoch: epoch + 1, isBest });
    return event;
  }

  /** Trains to the end of the epoch, or of the run. False if it was stopped before. */
  async #trainSteps(): Promise<boolean> {
    const { backend, collective, head, schedule, stepsPerEpoch, totalSteps, batch, folder, callbacks, profiling } =
      this.#options;
    const { inference } = this.#options, ask = () => ({ stop: this.#stopAsked, save: this.#checkpointDueByTime });
    const trainer = this.#stepTrainer;
    if (trainer !== head?.trainer) head?.trainer.destroy();
    const reader = new ResultReader(trainer, {
      batch,
      epoch: this.#epoch,
      totalSteps,
      step: this.#step,
      lossSum: this.#lossSum,
      correct: this.#correct,
      folder,
      callbacks,
      ranks: collective && { collective, ask },
      hear: ({ correct }) => schedule.hear?.({ error: 1 - correct / batch }),
    });
    const flight = Math.max(1, Math.min(backend.stepsInFlight, trainer.capacity >> 1));
    while (this.#stepInEpoch < stepsPerEpoch && this.#step < totalSteps) {
      const profiler = profiling?.next();
      if (profiler !== undefined) await this.#profileStep(reader, profiler);
      else await this.#queueStep(reader);
      // Compiled while the device is busy with the first step, and before an epoch's work could be lost to an error.
      await inference();
      if (schedule.listens) await reader.drain();
      else if (this.#step % flight === 0) await reader.read();
      await this.#pauses.take();
      const stop = this.#stopsAfter(reader);
      if (stop || this.#savesAfter(reader)) {
        await this.#settle(reader);
        if (stop) return false;
        await this.#save();
        reader.clearRequests();
      } else await this.#flushNowAndThen();
    }
    await this.#settle(reader);
    return !(this.#left && (collective === undefined ? reader.stopRequested : reader.agreed.stop));
  }

  /** Whether the run stops at this step: by what all ranks know, where there are several. */
  #stopsAfter(reader: ResultReader): boolean {
    if (this.#options.collective !== undefined) return this.#left && reader.agreed.stop;
    return this.#stopAsked || (reader.stopRequested && this.#left);
  }

  #savesAfter(reader: ResultReader): boolean {
    if (this.#checkpointDueBySteps) return true;
    return this.#options.collective === undefined ? this.#checkpointDueByTime : this.#inEpoch && reader.agreed.save;
  }

  /** Waits for all steps. What is saved or validated then is what all ranks have. */
  async #settle(reader: ResultReader): Promise<void> {
    await reader.drain();
    this.#lossSum = reader.lossSum;
    this.#correct = reader.correct;
    await shareVariables(this.#options.trainer.variables, this.#options.collective);
  }

  /** What trains in this epoch. */
  get #stepTrainer(): Trainer {
    const { head, trainer } = this.#options;
    return head !== undefined && this.#epoch < head.epochs ? head.trainer : trainer;
  }

  async #queueStep(reader: ResultReader): Promise<void> {
    const { loader, schedule } = this.#options;
    const batch = await loader.fetch(this.#epoch, this.#stepInEpoch);
    const rate = this.#rate = schedule.rate(this.#step);
    await this.#stepTrainer.step(batch, rate);
    reader.queued(rate);
    this.#step++;
  }

  /** Runs a step alone, with the results of {@link TrainingLoop.#queueStep}, and times it. */
  async #profileStep(reader: ResultReader, profiler: StepProfiler): Promise<void> {
    const { loader, schedule, profiling } = this.#options;
    await reader.drain();
    const rate = this.#rate = schedule.rate(this.#step);
    await profiler.step(`step ${this.#step + 1}`, async () => {
      const load = () => loader.fetch(this.#epoch, this.#stepInEpoch);
      const batch = await profiler.span("load batch", load);
      await profiler.span("compute", () => this.#stepTrainer.profile(profiler, batch, rate));
      reader.queued(rate);
      await profiler.span("read results", () => reader.drain());
    });
    this.#step++;
    await profiling?.tell();
  }

  get #inEpoch(): boolean {
    return this.#stepInEpoch < this.#options.stepsPerEpoch;
  }

  /** All ranks count steps alike, those that save nothing too. */
  get #checkpointDueBySteps(): boolean {
    const { folder, collective, checkpoints: { steps = Infinity } } = this.#options;
    return (folder !== undefined || collective !== undefined) && this.#inEpoch && this.#step % steps === 0;
  }

  get #checkpointDueByTime(): boolean {
    const { folder, checkpoints: { minutes = Infinity } } = this.#options;
    return folder !== undefined && this.#inEpoch && performance.now() - this.#saved >= minutes * 60_000;
  }

  async #flushNowAndThen(): Promise<void> {
    if (performance.now() - this.#flushed < FLUSH_INTERVAL) return;
    await this.#options.folder?.flush();
    this.#flushed = performance.now();
  }

  /** Validates. Gives nothing if it was stopped. */
  async #validate(): Promise<EvaluatedSplit | undefined> {
    const { signal, collective } = this.#options;
    try {
      const evaluator = this.#evaluator ??= await this.#createEvaluator();
      // Ranks do not hear of it at the same time; they agree once the validation is done.
      return await evaluator.evaluate(this.#left && collective === undefined ? signal : undefined);
    } catch (error) {
      if (this.#stopAsked && error === signal!.reason) return undefined;
      throw error;
    }
  }

  async #createEvaluator(): Promise<SplitEvaluator> {
    const {
      inference,
      set: { validation: split, shape, classes },
      normalisation,
      validationBatch,
      collective,
      callbacks,
    } = this.#options;
    const onProgress = (done: number, total: number) => {
      for (const callback of callbacks) callback.onProgress?.({ activity: "validation", done, total });
    };
    const program = { program: await inference(), batch: validationBatch, classes: classes.length };
    return new SplitEvaluator(program, { split, shape, normalisation, onProgress, collective });
  }

  /**
   * Saves the last checkpoint, and then what follows from it.
   *
   * @param validated The validation of these weights; nothing within an epoch.
   */
  async #save(validated?: Progress["validated"]): Promise<void> {
    const { folder, trainer, info, schedule, batch, data, checkpoints, callbacks } = this.#options;
    this.#saved = performance.now();
    if (folder === undefined) return;
    await folder.flush();
    const progress: Progress = {
      epochs: this.#epoch,
      steps: this.#step,
      lossSum: this.#lossSum,
      correct: this.#correct,
      ...this.#best.state(),
      validated,
      schedule: schedule.state(),
      batch,
      data,
    };
    const tensors = expectFinite(await trainer.variables.read(true), this.#point);
    const event = { epoch: validated && validated.epoch - 1, steps: this.#step, tensors };
    for (const callback of callbacks) await callback.onCheckpoint?.(event);
    await folder.saveLast(tensors, { ...info, progress });
    await folder.complete(tensors, { ...info, progress }, checkpoints.keep);
  }

  async #tellEpoch(event: EpochEvent): Promise<boolean> {
    let stop = this.#stopAsked;
    for (const callback of this.#options.callbacks) if (await callback.onEpoch?.(event) === "stop") stop = true;
    return await this.#anyRank(stop);
  }
}
