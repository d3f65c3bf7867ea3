/** Training as a function: what a run is made of, and what it gives. */

import {
  argument,
  type Backend,
  type Collective,
  type Precision,
  sentence,
  type TuneOptions,
  UsageError,
} from "../core/mod.ts";
import {
  type Augmentation,
  balancedClassWeights,
  balancedOrder,
  type Batch,
  BatchLoader,
  type DataIdentity,
  defaultPreprocessing,
  epochOrder,
  expectSameData,
  identifyData,
  identifyFiles,
  type ImageSet,
  measureImages,
  MemoryDataset,
  type Normalisation,
  rankOrder,
} from "../data/mod.ts";
import type { Model } from "../models/mod.ts";
import { expectEarlyStop } from "./_best.ts";
import { type CheckpointOptions, TrainingLoop } from "./_loop.ts";
import { Profiling, type ProfilingOptions } from "./_profiling.ts";
import { createPrograms } from "./_programs.ts";
import { expectSameRanks, shareVariables } from "./_ranks.ts";
import { withResumeAdvice } from "./_resume_advice.ts";
import {
  expectTensors,
  type ModelDescription,
  type NamedTensor,
  OPTIMIZER_PREFIX,
  type Progress,
  TRANSIENT_PREFIX,
} from "../weights/mod.ts";
import type { Callback, EpochEvent } from "./events.ts";
import { headStep } from "./head.ts";
import { inputsFor } from "./inputs/inputs_for.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import type { RunFolder } from "./run_folder.ts";
import { headFirst } from "./schedules/head_first.ts";
import { createSchedule, type Schedule, type ScheduleName, type ScheduleOptions } from "./schedules/schedule.ts";
import type { SgdOptions } from "./optimizers/sgd.ts";
import type { TogetherOptions } from "./traced_step.ts";
import type { Trainer } from "./trainer.ts";

export type { CheckpointOptions } from "./_loop.ts";
export type { ProfilingOptions } from "./_profiling.ts";

/** The options of {@link fit}. */
export interface FitOptions
  extends
    SgdOptions,
    Callback,
    TogetherOptions,
    Partial<Omit<ScheduleOptions, "schedule" | "rate" | "epochs" | "stepsPerEpoch">> {
  /** How it computes. Defaults to float32. Mixed precision takes a WebGPU adapter with float16. */
  readonly precision?: Precision;
  /** Has the kernels of training and validation chosen by timing them, on WebGPU. Nothing is timed by default. */
  readonly tune?: TuneOptions;
  /** Times some steps of the run. Defaults to none. */
  readonly profile?: ProfilingOptions;
  /** The model. */
  readonly model: Model;
  /** How the model was made, for checkpoints. Defaults to its name alone. */
  readonly description?: ModelDescription;
  /** Where it runs. */
  readonly backend: Backend;
  /** The images. */
  readonly set: ImageSet;
  /** The number of epochs. */
  readonly epochs: number;
  /** The steps of the whole run after which it stops. Defaults to all of its epochs. */
  readonly steps?: number;
  /**
   * The epochs in a row without a better validation after which the run ends: one of a higher accuracy, or of the same and a
   * lower loss. Defaults to no end but that of its epochs.
   */
  readonly earlyStop?: number;
  /**
   * The ranks that train together, of which this is one. Each calls `fit` with the same options and the same images, takes its
   * part of every batch, and starts with the first one's variables. Steps, metrics and checkpoints are of all; one rank should
   * have a `folder`. Defaults to one rank.
   */
  readonly collective?: Collective;
  /**
   * Images in a batch, of all ranks together. Defaults to 128. An epoch leaves out the images that do not fill a batch, others
   * in each.
   */
  readonly batch?: number;
  /**
   * The parts of a batch that go through the network one after the other, or `auto` for the fewest that fit in memory.
   * Defaults to 1. Batch norm takes its statistics of each part.
   */
  readonly accumulate?: number | "auto";
  /** Whether the backward pass computes activations again, to need less memory and more time. Defaults to false. */
  readonly recompute?: boolean;
  /** The first learning rate. Defaults to the optimiser's, 0.1 for SGD and RMSProp and 1e-3 for AdamW. */
  readonly rate?: number;
  /** How the learning rate changes, by name or one's own. Defaults to `step`. */
  readonly schedule?: ScheduleName | Schedule;
  /** How gradients change weights. Defaults to SGD with momentum. */
  readonly optimizer?: Optimizer;
  /** Patterns of the names of parameters that stay as they are. Defaults to none. */
  readonly freeze?: readonly string[];
  /**
   * Whether batch norms whose weight and bias are both frozen keep their running statistics and normalise by them. Defaults to
   * false.
   */
  readonly freezeStatistics?: boolean;
  /**
   * The first epochs, in which the last layer alone is trained, at the first rate; all else, running statistics included, stays
   * until then. The schedule begins after them. Defaults to 0.
   */
  readonly headEpochs?: number;
  /** The norm of all gradients together above which they are scaled down. Defaults to no limit. */
  readonly clipNorm?: number;
  /** The share that each step keeps of an average of the weights, which is then what is evaluated. Defaults to no average. */
  readonly ema?: number;
  /** The random changes of the images. Defaults to none. */
  readonly augmentation?: Augmentation;
  /**
   * Whether each epoch has an order of its own; else it is that of the set, and each epoch begins where the last ended.
   * Defaults to true.
   */
  readonly shuffle?: boolean;
  /** The seed of weights, order and augmentation. Defaults to 0. */
  readonly seed?: number;
  /** The share of the target that is spread over all classes. Defaults to 0. */
  readonly labelSmoothing?: number;
  /**
   * The weight of each class in the training loss, or `balanced` for weights by which each class counts alike. Defaults to 1 for
   * all. Validation does not weigh.
   */
  readonly classWeights?: "balanced" | readonly number[];
  /**
   * Which images an epoch is made of: `each` once, or as many that are drawn with replacement, each class as often as any
   * other. Defaults to `each`.
   */
  readonly sample?: "each" | "balanced";
  /** Weights to start from, and the names of those that stay as initialised, as {@link mismatchedHead} finds them. */
  readonly initial?: {
    readonly tensors: ReadonlyMap<string, NamedTensor>;
    readonly source: string;
    readonly keep?: readonly string[];
  };
  /** Where the run that `initial` belongs to stood, to go on from there. */
  readonly progress?: Progress;
  /** The normalisation. Defaults to that of the training set. */
  readonly normalisation?: Normalisation;
  /** Where metrics and checkpoints go. Defaults to nowhere. */
  readonly folder?: RunFolder;
  /** When checkpoints are saved. Defaults to the end of each epoch. */
  readonly checkpoints?: CheckpointOptions;
  /** Who hears of the run, beside the listeners among these options. */
  readonly callbacks?: readonly Callback[];
  /** Stops the run: it finishes the step in flight and saves a checkpoint. */
  readonly signal?: AbortSignal;
}

/** What training ended with. */
export interface FitResult {
  /** The last epoch. */
  readonly last: EpochEvent | undefined;
  /** The best validation accuracy; -1 before the first validation. */
  readonly bestTop1: number;
  /** The steps that are done, of the whole run. */
  readonly steps: number;
  /** Whether it was stopped before its end. */
  readonly stopped: boolean;
  /** Whether it ended before its last epoch, by `earlyStop`. */
  readonly stoppedEarly: boolean;
  /** The epochs since the one with the best validation. */
  readonly staleEpochs: number;
  /** The variables that are evaluated, without the optimiser's. */
  readonly tensors: Map<string, NamedTensor>;
  /** The normalisation. */
  readonly normalisation: Normalisation;
}

/**
 * Trains a model on an image set: SGD over shuffled, augmented batches, validation and a checkpoint after every epoch.
 * The order, the augmentation and the first weights follow from the seed, so that a run repeats; and a run that goes on from
 * a checkpoint, at whichever step, ends with the same bits as one that never stopped.
 *
 * @throws {UsageError} If the set holds fewer images than a batch, or another kind of images than the model takes; if ranks
 * cannot divide a batch; if the head is to be trained first and cannot be, as {@link headStep} says; or if the run to go on with
 * had another batch.
 * @throws {OutOfMemoryError} If a batch does not fit: it names the largest that does.
 * @throws {DataError} If the run to go on with had other data or another model; or if a rank has other data or options than the
 * first one.
 * @throws {DeviceError} If steps are to be profiled and the device has no timestamps; or if the device, a thread or a worker
 * fails, is lost or hangs: the files of `folder` are whole then, and the run can go on from them.
 * @throws {NumericError} If the loss, the validation loss or a variable becomes infinite or NaN; no file holds such numbers.
 *
 * @example
 * ```ts
 * import { fit, modelByName, openBackend, shapesSet } from "@residua/residua";
 * using backend = await openBackend("cpu");
 * const model = modelByName("resnet8"), set = shapesSet({ trainCount: 40, validationCount: 10 });
 * const { last, steps } = await fit({
 *   model,
 *   backend,
 *   set,
 *   epochs: 2,
 *   batch: 20,
 *   onEpoch: ({ epoch, trainLoss }) => console.log(epoch, trainLoss),
 * });
 * console.log(steps, last!.validation.top1 <= 1); // 4 true
 * ```
 */
export async function fit(options: FitOptions): Promise<FitResult> {
  const { model, backend, set, epochs, batch = 128, seed = 0, shuffle = true, progress } = options;
  const { rate = options.optimizer?.defaultRate ?? 0.1, collective } = options,
    { rank = 0, size = 1 } = collective ?? {};
  const named = identifyData(set);
  if (progress !== undefined) checkProgress(progress, batch, named, set.name);
  const data = { ...named, files: await identifyFiles(set, progress?.data.files) };
  checkFit(model, set, batch, options.headEpochs ?? 0);
  if (batch % size !== 0) {
    throw new UsageError(
      sentence`Expected a batch that ${size} ranks can divide but ${
        argument("batch")
      } is ${batch}; take a multiple of ${size}`,
    );
  }
  expectEarlyStop(options.earlyStop, set);
  const stepsPerEpoch = Math.floor(set.train.count / batch);
  const totalSteps = Math.min(options.steps ?? Infinity, epochs * stepsPerEpoch);
  const { augmentation, folder, signal, callbacks = [], checkpoints = {} } = options;
  const { train: dataset, shape } = set, measuring = measured(options);
  const headEpochs = Math.min(options.headEpochs ?? 0, epochs), headSteps = headEpochs * stepsPerEpoch;
  const head = headEpochs > (progress?.epochs ?? 0) ? headStep(model, options.freeze) : undefined;
  const prepare = async () => {
    const main = typeof options.schedule === "object" ? options.schedule : createSchedule({
      ...options,
      schedule: options.schedule ?? "step",
      rate,
      epochs: Math.max(1, epochs - headEpochs),
      stepsPerEpoch,
      steps: Math.max(1, totalSteps - headSteps),
    });
    const schedule = headEpochs === 0 ? main : headFirst(main, { epochs: headEpochs, stepsPerEpoch, rate });
    if (progress !== undefined) schedule.restore(progress.schedule);
    const profiling = options.profile && await Profiling.create(options.profile, backend);
    // Only images in memory may lie on the device, by their normalisation; those that are read are measured meanwhile.
    const normalisation = dataset instanceof MemoryDataset ? await measuring : UNKNOWN;
    const ways = inputsFor(dataset, { shape, normalisation, augmentation, seed }, backend);
    const classWeights = options.classWeights === "balanced"
      ? balancedClassWeights(dataset.labels, set.classes.length)
      : options.classWeights;
    const given = { ...options, classWeights, batch: batch / size, seed, head };
    const programs = await createPrograms(given, ways, options.accumulate ?? 1);
    return { schedule, profiling, classWeights, ...programs };
  };
  const [normalisation, prepared] = await bothInOrder(measuring, prepare(), ({ destroy }) => destroy());
  const { schedule, profiling, classWeights, trainer, validation, memory, options: found, destroy } = prepared;
  const preparation = { shape, normalisation, augmentation, seed };
  const wholeOrder = (epoch: number) =>
    options.sample === "balanced"
      ? balancedOrder(dataset.labels, seed, epoch)
      : epochOrder(dataset.count, seed, epoch, shuffle, batch * stepsPerEpoch);
  let loader: BatchLoader<Batch> | undefined;
  try {
    loader = new BatchLoader({
      ...preparation,
      dataset,
      batch: batch / size,
      order: (epoch) => rankOrder(wholeOrder(epoch), batch, rank, size),
      epochs,
      filler: found.inputs.filler,
    });
    await writeInitial(trainer, options);
    await expectSameRanks(collective, {
      data: dataText(data),
      options: JSON.stringify([
        ...[model.name, batch, epochs, options.steps, seed, shuffle, options.sample, augmentation, classWeights, rate],
        ...[
          headEpochs,
          found.accumulate,
          options.precision,
          options.checkpoints?.steps,
          options.schedule,
          normalisation,
        ],
        ...[progress?.steps, options.earlyStop, options.syncBatchNorm, options.bucketBytes, options.transport],
      ]),
      // Backends read results at other steps.
      hardware: backend.name,
    });
    await shareVariables(trainer.variables, collective);
    const info = {
      model: options.description ?? { name: model.name, classes: model.classes },
      classes: set.classes,
      normalisation,
      preprocessing: defaultPreprocessing(model.inputShape),
    };
    if (progress !== undefined && options.initial !== undefined) {
      await folder?.complete(options.initial.tensors, { ...info, progress }, checkpoints.keep);
    }
    const loop = new TrainingLoop({
      backend,
      collective,
      trainer,
      head: prepared.head && { trainer: prepared.head, epochs: headEpochs },
      inference: validation,
      loader,
      set,
      data,
      normalisation,
      schedule,
      batch,
      parts: found.accumulate,
      validationBatch: batch / size / found.accumulate,
      memory,
      epochs,
      stepsPerEpoch,
      totalSteps,
      earlyStop: options.earlyStop,
      mixed: options.precision === "mixed",
      progress,
      info,
      folder,
      checkpoints,
      callbacks: [...callbacks, options],
      signal,
      profiling,
    });
    try {
      return { ...await loop.run(), normalisation };
    } catch (error) {
      throw folder === undefined ? error : withResumeAdvice(error);
    }
  } finally {
    await loader?.close();
    destroy();
  }
}

/** What tells the images of a rank from those of another: not when their files were written. */
function dataText({ files, ...named }: DataIdentity): string {
  return JSON.stringify([named, files?.map((file) => file && [file.sizes, file.content])]);
}

/** What stands for the normalisation of images that are read, where the programs are made: these do not depend on it. */
const UNKNOWN: Normalisation = { mean: [], std: [] };

async function measured(options: FitOptions): Promise<Normalisation> {
  const { normalisation, set, callbacks = [] } = options;
  const onProgress = (done: number, total: number) => {
    for (const callback of [...callbacks, options]) callback.onProgress?.({ activity: "statistics", done, total });
  };
  return normalisation ?? (await measureImages(set.train, set.shape, onProgress)).normalisation("channel");
}

/**
 * Waits for both, and fails as if the second had begun after the first.
 *
 * @param release Gives back what the second made, where the first failed.
 */
async function bothInOrder<A, B>(first: Promise<A>, second: Promise<B>, release: (made: B) => void): Promise<[A, B]> {
  const [one, other] = await Promise.allSettled([first, second]);
  if (one.status === "rejected") {
    if (other.status === "fulfilled") release(other.value);
    throw one.reason;
  }
  if (other.status === "rejected") throw other.reason;
  return [one.value, other.value];
}

/** Writes the weights to start from; of a run to go on with, the optimiser's variables too. */
async function writeInitial({ variables }: Trainer, { initial, progress }: FitOptions): Promise<void> {
  if (initial === undefined) return;
  if (progress !== undefined) {
    // Of another model, the optimiser's tensors are others too.
    const model = [...variables.storages].filter(([name]) => !name.startsWith(OPTIMIZER_PREFIX));
    expectTensors(new Map(model.map(([name, { spec }]) => [name, spec])), initial.tensors, initial.source);
    const missing = [...variables.storages.keys()].find((name) =>
      name.startsWith(OPTIMIZER_PREFIX) && !name.startsWith(TRANSIENT_PREFIX) && !initial.tensors.has(name)
    );
    if (missing !== undefined) {
      throw new UsageError(
        `${initial.source}: there is no tensor ${missing}; the run was trained with another optimiser`,
      );
    }
    return variables.write(initial.tensors, initial.source);
  }
  const model = [...initial.tensors].filter(([name]) => !name.startsWith(OPTIMIZER_PREFIX));
  variables.write(new Map(model), initial.source, initial);
  await variables.startAverages();
}

function checkFit(model: Model, set: ImageSet, batch: number, headEpochs: number): void {
  if (!Number.isInteger(headEpochs) || headEpochs < 0) {
    throw new UsageError(
      sentence`Expected the epochs of the head to be a whole number of at least 0 but ${
        argument("headEpochs")
      } is ${headEpochs}`,
    );
  }
  if (set.train.count < batch) {
    throw new UsageError(
      sentence`${set.name} has ${set.train.count} training images, fewer than a batch of ${batch}; use ${
        argument("batch", set.train.count)
      } or less`,
    );
  }
  if (model.inputShape.join() !== set.shape.join() || model.classes !== set.classes.length) {
    throw new UsageError(
      `${model.name} takes images of ${model.inputShape.join("x")} in ${model.classes} classes, ` +
        `but ${set.name} has images of ${set.shape.join("x")} in ${set.classes.length}`,
    );
  }
}

function checkProgress(progress: Progress, batch: number, data: DataIdentity, name: string): void {
  expectSameData(progress.data, data, name);
  if (progress.batch === batch) return;
  throw new UsageError(
    `The run was trained with a batch of ${progress.batch}, so it cannot go on with one of ${batch}`,
  );
}
