/** The training loop. */

import { type Backend, NumericError, UsageError } from "../core/mod.ts";
import {
  type Augmentation,
  BatchLoader,
  defaultPreprocessing,
  type ImageSet,
  measureImages,
  type Normalisation,
} from "../data/mod.ts";
import type { Model } from "../models/mod.ts";
import type { CheckpointInfo, ModelDescription, Progress } from "./checkpoint.ts";
import { evaluateSplit } from "./evaluate.ts";
import type { Evaluation } from "./metrics.ts";
import type { RunFolder } from "./run_folder.ts";
import type { NamedTensor } from "./safetensors.ts";
import { createSchedule, type ScheduleOptions } from "./schedule.ts";
import type { SgdOptions } from "./sgd.ts";
import { compileInference, Trainer } from "./trainer.ts";
import { OPTIMIZER_PREFIX } from "./variables.ts";

/** What a caller sees of each step. */
export interface StepEvent {
  /** The step, from 1. */
  readonly step: number;
  /** The epoch, from 0. */
  readonly epoch: number;
  /** The steps of the whole run. */
  readonly totalSteps: number;
  /** Images in a step. */
  readonly batch: number;
  /** The batch's mean loss before the update. */
  readonly loss: number;
  /** The share of the batch that was right. */
  readonly top1: number;
  /** The learning rate. */
  readonly rate: number;
  /** Images a second, over the steps read together. */
  readonly imagesPerSecond: number;
}

/** What a caller sees of each epoch. */
export interface EpochEvent {
  /** The epoch, from 0. */
  readonly epoch: number;
  /** The mean of the batches' losses. */
  readonly trainLoss: number;
  /** The share of the training images that were right when they were trained on. */
  readonly trainTop1: number;
  /** The validation set, with running statistics. */
  readonly validation: Evaluation;
  /** The learning rate. */
  readonly rate: number;
  /** Seconds of training and validation. */
  readonly seconds: number;
}

/** The options of {@link fit}. */
export interface FitOptions extends SgdOptions, Partial<Omit<ScheduleOptions, "rate" | "epochs">> {
  /** The model. */
  readonly model: Model;
  /** How the model was made, for checkpoints; its name alone unless given. */
  readonly description?: ModelDescription;
  /** Where it runs. */
  readonly backend: Backend;
  /** The images. */
  readonly set: ImageSet;
  /** The number of epochs. */
  readonly epochs: number;
  /** Stops after so many steps of the whole run. */
  readonly steps?: number;
  /** Images in a batch; 128 unless given. An epoch leaves out the images that do not fill a batch. */
  readonly batch?: number;
  /** The first learning rate; 0.1 unless given. */
  readonly rate?: number;
  /** The random changes of the images; none unless given. */
  readonly augmentation?: Augmentation;
  /** Whether each epoch has an order of its own; true unless said otherwise. */
  readonly shuffle?: boolean;
  /** The seed of weights, order and augmentation; 0 unless given. */
  readonly seed?: number;
  /** The share of the target that is spread over all classes; 0 unless given. */
  readonly labelSmoothing?: number;
  /** Weights to start from. */
  readonly initial?: { readonly tensors: ReadonlyMap<string, NamedTensor>; readonly source: string };
  /** Where the run that `initial` belongs to stood, to go on from there. */
  readonly progress?: Progress;
  /** The normalisation; that of the training set unless given. */
  readonly normalisation?: Normalisation;
  /** Where metrics and checkpoints go; nowhere unless given. */
  readonly folder?: RunFolder;
  /** Hears of every step. */
  readonly onStep?: (event: StepEvent) => void;
  /** Hears of every epoch. */
  readonly onEpoch?: (event: EpochEvent) => void;
}

/** What training ended with. */
export interface FitResult {
  /** The last epoch. */
  readonly last: EpochEvent | undefined;
  /** The best validation accuracy. */
  readonly bestTop1: number;
  /** The variables, without the optimiser's. */
  readonly tensors: Map<string, NamedTensor>;
  /** The normalisation. */
  readonly normalisation: Normalisation;
}

/** Steps between readings on a backend that works while more steps are queued. */
const STEPS_IN_FLIGHT = 8;

/**
 * Trains a model on an image set: SGD over shuffled, augmented batches, validation and a checkpoint after every epoch.
 * The order, the augmentation and the first weights follow from the seed, so that a run repeats, and a run resumed from a
 * checkpoint goes on as if it had never stopped.
 *
 * @throws {UsageError} If the set holds fewer images than a batch, or another kind of images than the model takes.
 * @throws {NumericError} If the loss becomes infinite or NaN.
 */
export async function fit(options: FitOptions): Promise<FitResult> {
  const { model, backend, set, epochs, batch = 128, rate = 0.1, seed = 0, shuffle = true, folder, augmentation } =
    options;
  checkFit(model, set, batch);
  const stepsPerEpoch = Math.floor(set.train.count / batch);
  const totalSteps = Math.min(options.steps ?? Infinity, epochs * stepsPerEpoch);
  const normalisation = options.normalisation ??
    (await measureImages(set.train, set.shape)).normalisation("channel");
  const schedule = createSchedule({ schedule: "step", ...options, rate });
  const trainer = await Trainer.create({ ...options, batch, seed });
  const inference = await compileInference(model, backend, batch, trainer.variables, seed);
  const loader = new BatchLoader({
    dataset: set.train,
    shape: set.shape,
    normalisation,
    augmentation,
    seed,
    batch,
    shuffle,
    epochs,
  });
  try {
    if (options.initial !== undefined) trainer.variables.write(options.initial.tensors, options.initial.source);
    if (options.progress !== undefined) schedule.restore(options.progress.schedule);
    const info = {
      model: options.description ?? { name: model.name, classes: model.classes },
      classes: set.classes,
      normalisation,
      preprocessing: defaultPreprocessing(model.inputShape),
    };
    let step = options.progress?.steps ?? 0, bestTop1 = options.progress?.bestTop1 ?? -1, last: EpochEvent | undefined;

    for (let epoch = options.progress?.epochs ?? 0; epoch < epochs && step < totalSteps; epoch++) {
      const started = performance.now(), current = schedule.rate(epoch);
      const reader = new ResultReader(trainer, {
        batch,
        epoch,
        rate: current,
        totalSteps,
        step,
        folder,
        onStep: options.onStep,
      });
      for (let k = 0; k < stepsPerEpoch && step < totalSteps; k++, step++) {
        const { images, labels } = await loader.fetch(epoch, k);
        trainer.step(images, labels, current);
        if (backend.name === "cpu" || (k + 1) % STEPS_IN_FLIGHT === 0) await reader.read();
      }
      await reader.finish();
      const validation = await evaluateSplit(
        inference,
        { split: set.validation, shape: set.shape, normalisation },
        batch,
        model.classes,
      );
      schedule.observe(validation.loss);
      const seconds = (performance.now() - started) / 1000;
      last = { epoch, trainLoss: reader.meanLoss, trainTop1: reader.top1, validation, rate: current, seconds };
      const improved = validation.top1 > bestTop1;
      if (improved) bestTop1 = validation.top1;
      if (folder !== undefined) {
        const progress = { epochs: epoch + 1, steps: step, bestTop1, schedule: schedule.state() };
        await saveEpoch(folder, trainer, info, progress, last, improved);
      }
      options.onEpoch?.(last);
    }
    return { last, bestTop1, tensors: await trainer.variables.read(false), normalisation };
  } finally {
    await loader.close();
    inference.destroy();
    trainer.destroy();
  }
}

function checkFit(model: Model, set: ImageSet, batch: number): void {
  if (set.train.count < batch) {
    throw new UsageError(
      `${set.name} has ${set.train.count} training images, fewer than a batch of ${batch}; use a smaller batch`,
    );
  }
  if (model.inputShape.join() !== set.shape.join() || model.classes !== set.classes.length) {
    throw new UsageError(
      `${model.name} takes images of ${model.inputShape.join("x")} in ${model.classes} classes, ` +
        `but ${set.name} has images of ${set.shape.join("x")} in ${set.classes.length}`,
    );
  }
}

async function saveEpoch(
  folder: RunFolder,
  trainer: Trainer,
  info: CheckpointInfo,
  progress: Progress,
  { epoch, trainLoss, trainTop1, validation, rate, seconds }: EpochEvent,
  improved: boolean,
): Promise<void> {
  folder.log({
    kind: "epoch",
    epoch,
    trainLoss,
    trainTop1,
    valLoss: validation.loss,
    valTop1: validation.top1,
    lr: rate,
    seconds,
  });
  await folder.flush();
  const tensors = await trainer.variables.read(true);
  if (improved) {
    const model = [...tensors].filter(([name]) => !name.startsWith(OPTIMIZER_PREFIX));
    await folder.save("best", new Map(model), info);
  }
  await folder.save("last", tensors, { ...info, progress });
}

interface ReaderOptions {
  readonly batch: number;
  readonly epoch: number;
  readonly rate: number;
  readonly totalSteps: number;
  readonly step: number;
  readonly folder?: RunFolder;
  readonly onStep?: (event: StepEvent) => void;
}

/** Collects the results of an epoch's steps, one reading behind the queue, so that the device never waits for it. */
class ResultReader {
  readonly #trainer: Trainer;
  readonly #options: ReaderOptions;
  #pending: Promise<void> = Promise.resolve();
  #step: number;
  #count = 0;
  #loss = 0;
  #correct = 0;
  #time = performance.now();

  constructor(trainer: Trainer, options: ReaderOptions) {
    this.#trainer = trainer;
    this.#options = options;
    this.#step = options.step;
  }

  get meanLoss(): number {
    return this.#loss / this.#count;
  }

  get top1(): number {
    return this.#correct / (this.#count * this.#options.batch);
  }

  async read(): Promise<void> {
    const before = this.#pending;
    this.#pending = this.#collect();
    this.#pending.catch(() => {});
    await before;
  }

  async finish(): Promise<void> {
    await this.#pending;
    await this.#collect();
    await this.#options.folder?.flush();
  }

  async #collect(): Promise<void> {
    const { batch, epoch, rate, totalSteps, folder, onStep } = this.#options;
    const results = await this.#trainer.results();
    const now = performance.now(), imagesPerSecond = results.length * batch / (now - this.#time) * 1000;
    this.#time = now;
    for (const { loss, correct } of results) {
      const step = ++this.#step;
      if (!Number.isFinite(loss)) {
        await folder?.flush();
        throw new NumericError(
          `The loss became ${loss} at step ${step} of epoch ${epoch} with a learning rate of ${rate}; start again with a lower --lr`,
        );
      }
      this.#count++;
      this.#loss += loss;
      this.#correct += correct;
      folder?.log({ kind: "step", step, epoch, loss, lr: rate, imagesPerSecond });
      onStep?.({ step, epoch, totalSteps, batch, loss, top1: correct / batch, rate, imagesPerSecond });
    }
  }
}
