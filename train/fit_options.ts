/** What a run is made of, and what it gives. */

import type { Backend, Collective, Precision, TuneOptions } from "../core/mod.ts";
import type { Augmentation, ImageSet, Normalisation } from "../data/mod.ts";
import type { Model } from "../models/mod.ts";
import type { ModelDescription, NamedTensor, Progress } from "../weights/mod.ts";
import type { CheckpointOptions } from "./_loop.ts";
import type { ProfilingOptions } from "./_profiling.ts";
import type { Callback, EpochEvent } from "./events.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import type { SgdOptions } from "./optimizers/sgd.ts";
import type { RunFolder } from "./run_folder.ts";
import type { Schedule, ScheduleName, ScheduleOptions } from "./schedules/schedule.ts";
import type { TogetherOptions } from "./traced_step.ts";

export type { CheckpointOptions } from "./_loop.ts";
export type { ProfilingOptions } from "./_profiling.ts";

/** The options of `fit`. */
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
