/** The program that trains a model on batches. */

import {
  argument,
  type Backend,
  compile,
  expectPrecision,
  f32,
  Graph,
  OutOfMemoryError,
  type Precision,
  type Program,
  sentence,
  type StepProfiler,
  type TuneOptions,
  u32,
  UsageError,
  type Value,
} from "../core/mod.ts";
import type { Mixture, ResidentImages } from "../data/mod.ts";
import type { Model } from "../models/mod.ts";
import {
  averageUpdate,
  gatherImages,
  softmaxCrossEntropy,
  softTargetCrossEntropy,
  topKCorrect,
  VIEW_WORDS,
} from "../ops/mod.ts";
import { lossScale } from "./optimizers/loss_scale.ts";
import { explainMemory } from "./memory.ts";
import {
  LEARNING_RATE,
  type Optimizer,
  parameterGradients,
  recordUpdates,
  type UpdateOptions,
} from "./optimizers/optimizer.ts";
import { sgdOptimizer, type SgdOptions } from "./optimizers/sgd.ts";
import { TRANSIENT_PREFIX, Variables } from "../weights/mod.ts";

/** The options of {@link Trainer.create}. */
export interface TrainerOptions extends SgdOptions, UpdateOptions {
  /** The model. */
  readonly model: Model;
  /** Where it runs. */
  readonly backend: Backend;
  /** Images in a batch. */
  readonly batch: number;
  /** How gradients change parameters; {@link sgdOptimizer} with the options given here unless given. */
  readonly optimizer?: Optimizer;
  /**
   * Parts of a batch, which go through the network one after the other and add up to one update, so that a batch needs less
   * memory; 1 unless given. Batch norm takes its statistics of each part.
   */
  readonly accumulate?: number;
  /**
   * Whether the backward pass computes activations again instead of keeping them, which takes less memory and more time, and
   * gives the same bits; false unless given.
   */
  readonly recompute?: boolean;
  /** How it computes: float32 unless given. Mixed precision takes a WebGPU adapter with float16. */
  readonly precision?: Precision;
  /** Has kernels chosen by timing them, on WebGPU. Nothing is timed unless given. */
  readonly tune?: TuneOptions;
  /** The seed of the weights; 0 unless given. */
  readonly seed?: number;
  /** The share of the target that is spread over all classes; 0 unless given. */
  readonly labelSmoothing?: number;
  /** The training images, to be kept on the device: a step is then given views of them in place of images. */
  readonly resident?: ResidentImages;
  /** Whether images are mixed of two, so that {@link Trainer.step} is given of what; false unless given. */
  readonly mixed?: boolean;
}

/** A training step before it is planned. */
export interface TracedStep {
  /** The step, or one part of it. */
  readonly graph: Graph;
  /** What is recorded of it. */
  readonly scalars: Readonly<Record<"loss" | "correct", Value>>;
  /** The updates of the parameters, where a step has parts. */
  readonly updates?: Graph;
}

/** What a training step gives. */
export interface StepResult {
  /** The mean loss of the batch before the update, without weight decay. */
  readonly loss: number;
  /** The number of images whose class had the largest logit. */
  readonly correct: number;
  /** Under mixed precision the scale of the loss after the step: it is halved where the step's update was left out. */
  readonly lossScale?: number;
}

/**
 * Trains a model batch by batch.
 *
 * @example
 * ```ts
 * import { CpuBackend } from "../core/mod.ts";
 * import { cifarResNet } from "../models/mod.ts";
 * import { Trainer } from "./mod.ts";
 * const model = cifarResNet({ depth: 8, inputShape: [3, 8, 8] });
 * const trainer = await Trainer.create({ model, backend: new CpuBackend(), batch: 2 });
 * trainer.step(new Float32Array(2 * 3 * 8 * 8).map((_, i) => Math.sin(i)), new Uint32Array([3, 7]), 0.1);
 * const [{ loss }] = await trainer.results();
 * console.log(loss > 0); // true
 * ```
 */
export class Trainer {
  /** The variables: parameters, running statistics, momenta. */
  readonly variables: Variables;
  /** The program of a training step, or of one part of it. */
  readonly program: Program;
  /** The program that updates the parameters once all parts are through, where a step has parts. */
  readonly #update: Program | undefined;
  readonly #parts: number;
  readonly #scalar = new Float32Array(1);
  readonly #targets: SoftTargets | undefined;

  private constructor(
    variables: Variables,
    program: Program,
    update: Program | undefined,
    parts: number,
    targets: SoftTargets | undefined,
  ) {
    this.variables = variables;
    this.program = program;
    this.#update = update;
    this.#parts = parts;
    this.#targets = targets;
  }

  /**
   * Records and differentiates a training step. It needs no device.
   *
   * @throws {UsageError} If a batch does not fall into so many parts.
   */
  static trace(options: Omit<TrainerOptions, "backend">): TracedStep {
    const { model, batch, accumulate = 1, labelSmoothing = 0, optimizer = sgdOptimizer(options) } = options;
    if (!Number.isInteger(batch / accumulate) || accumulate < 1) {
      throw new UsageError(
        sentence`A batch of ${batch} does not fall into ${accumulate} equal parts; use another ${
          argument("accumulate")
        }`,
      );
    }
    const { precision = "float32" } = options;
    const graph = new Graph({ training: true, precision }), part = batch / accumulate;
    const image = options.resident === undefined
      ? graph.input("image", f32([part, ...model.inputShape]))
      : gatherResident(graph, options.resident, part);
    const label = graph.input("label", u32([part]));
    const logits = model.forward(graph, image);
    const [loss] = options.mixed
      ? softTargetCrossEntropy.apply(graph, [logits, graph.input(TARGET, f32([part, model.classes]))])
      : softmaxCrossEntropy.apply(graph, [logits, label], { labelSmoothing });
    const [correct] = topKCorrect.apply(graph, [logits, label], { k: 1 });
    const states = graph.values.filter(({ kind }) => kind === "state");
    const gradients = parameterGradients(graph, loss, options.freeze);
    const scale = lossScale(graph), scalars = { loss, correct, ...(scale === undefined ? {} : { scale }) };
    if (accumulate === 1) {
      recordUpdates(graph, optimizer, gradients, states, options);
      return { graph, scalars };
    }
    recordAccumulation(graph, gradients);
    return { graph, scalars, updates: updateGraph(gradients, states, optimizer, options) };
  }

  /**
   * Traces, differentiates, plans and compiles a training step, and initialises the variables.
   *
   * @throws {UsageError} If a batch does not fall into so many parts, or the backend does not compute in the precision.
   * @throws {OutOfMemoryError} If it does not fit: it names the largest batch that does.
   */
  static async create(options: TrainerOptions): Promise<Trainer> {
    try {
      return await Trainer.assemble(options);
    } catch (error) {
      throw error instanceof OutOfMemoryError ? explainMemory(options, Trainer.trace, error) : error;
    }
  }

  /**
   * As {@link Trainer.create}, without looking for a batch that fits.
   *
   * @internal
   */
  static async assemble(options: TrainerOptions): Promise<Trainer> {
    const { model, backend, batch, accumulate = 1, seed = 0, labelSmoothing = 0, recompute, tune } = options;
    await expectPrecision(backend, options.precision ?? "float32");
    const { graph, scalars, updates } = Trainer.trace(options), part = batch / accumulate;
    const variables = new Variables();
    let update: Program | undefined, program: Program;
    try {
      if (updates !== undefined) {
        variables.add(updates, backend, seed);
        update = await compile(updates, backend, { variables: variables.storages, tune });
      }
      variables.add(graph, backend, seed);
      await variables.startAverages();
      program = await compile(graph, backend, { scalars, variables: variables.storages, tune, recompute });
    } catch (error) {
      update?.destroy();
      variables.destroy();
      throw error;
    }
    if (accumulate > program.scalarCapacity) {
      throw new UsageError(
        sentence`Expected at most ${program.scalarCapacity} parts of a batch but ${
          argument("accumulate")
        } is ${accumulate}`,
      );
    }
    if (options.resident !== undefined) {
      program.write(BYTES, options.resident.words);
      program.write(LEVELS, options.resident.levels);
    }
    const targets = options.mixed ? new SoftTargets(part, model.classes, labelSmoothing) : undefined;
    return new Trainer(variables, program, update, accumulate, targets);
  }

  /** The steps that can be queued before {@link Trainer.results} must be called. */
  get capacity(): number {
    return Math.floor(this.program.scalarCapacity / this.#parts);
  }

  /**
   * Queues one step.
   *
   * @param images [batch, C, H, W], normalised; or the views [batch, 4] of images on the device.
   * @param labels [batch].
   * @param rate The learning rate.
   * @param mixture Of what images are mixed; only and always where the trainer was told that they are.
   */
  step(images: Float32Array | Uint32Array, labels: Uint32Array, rate: number, mixture?: Mixture): void {
    for (const program of this.#runs(images, labels, rate, mixture)) program.run(program === this.program);
  }

  /**
   * Runs one step as {@link Trainer.step} does, with the same results, and times it; waits for the device.
   *
   * @param profiler What collects the times, in one of its steps.
   */
  async profile(profiler: StepProfiler, ...step: Parameters<Trainer["step"]>): Promise<void> {
    for (const program of this.#runs(...step)) await profiler.run(program, program === this.program);
  }

  /** The programs of a step, one after the other, each once its inputs are written. */
  *#runs(
    images: Float32Array | Uint32Array,
    labels: Uint32Array,
    rate: number,
    mixture?: Mixture,
  ): Generator<Program, void, void> {
    const input = images instanceof Float32Array ? "image" : VIEWS;
    const parts = this.#parts, pixels = images.length / parts, count = labels.length / parts;
    for (let part = 0; part < parts; part++) {
      this.program.write(input, images.subarray(part * pixels, (part + 1) * pixels));
      this.program.write("label", labels.subarray(part * count, (part + 1) * count));
      if (this.#targets !== undefined) this.program.write(TARGET, this.#targets.of(part * count, labels, mixture!));
      if (this.#update === undefined) this.#write(this.program, LEARNING_RATE, rate);
      else this.#write(this.program, SHARE, 1 / (part + 1));
      yield this.program;
    }
    if (this.#update === undefined) return;
    this.#write(this.#update, LEARNING_RATE, rate);
    yield this.#update;
  }

  /** The results of the steps since the last call. More steps may be queued while the promise is pending. */
  async results(): Promise<StepResult[]> {
    const rows = await this.program.readScalars(), parts = this.#parts;
    return Array.from({ length: rows.length / parts }, (_, step) => {
      let loss = 0, correct = 0, lossScale: number | undefined;
      for (const row of rows.slice(step * parts, (step + 1) * parts)) {
        loss += row[0] / parts;
        correct += row[1];
        lossScale = row[2];
      }
      return lossScale === undefined ? { loss, correct } : { loss, correct, lossScale };
    });
  }

  /** Gives the memory back. */
  destroy(): void {
    this.program.destroy();
    this.#update?.destroy();
    this.variables.destroy();
  }

  #write(program: Program, input: string, value: number): void {
    this.#scalar[0] = value;
    program.write(input, this.#scalar);
  }
}

/** The inputs of images that lie on the device: their bytes and what those stand for, written once, and a step's views. */
const BYTES = "bytes", LEVELS = "levels", VIEWS = "views";

function gatherResident(graph: Graph, { words, levels, shape }: ResidentImages, count: number): Value {
  const bytes = graph.input(BYTES, u32([words.length])), views = graph.input(VIEWS, u32([count, VIEW_WORDS]));
  const table = graph.input(LEVELS, f32([shape[0], levels.length / shape[0]]));
  return gatherImages.apply(graph, [bytes, table, views], { imageShape: shape })[0];
}

/** The input of the probabilities that images mixed of two are to get. */
const TARGET = "target";

/** Works out the targets of images mixed of two. */
class SoftTargets {
  readonly #targets: Float32Array;
  readonly #classes: number;
  readonly #labelSmoothing: number;

  constructor(count: number, classes: number, labelSmoothing: number) {
    this.#targets = new Float32Array(count * classes);
    this.#classes = classes;
    this.#labelSmoothing = labelSmoothing;
  }

  /** The targets of the images from `first` on, which the next call overwrites. */
  of(first: number, labels: Uint32Array, mixture: Mixture): Float32Array {
    const targets = this.#targets.fill(this.#labelSmoothing / this.#classes), certain = 1 - this.#labelSmoothing;
    for (let row = 0, n = first; row < targets.length; row += this.#classes, n++) {
      const share = mixture.shares[n];
      targets[row + labels[n]] += certain * share;
      targets[row + mixture.labels[n]] += certain * (1 - share);
    }
    return targets;
  }
}

/** The input with which a part of a batch counts in the mean gradient of the parts so far. */
const SHARE = "share";

type ParameterGradient = ReturnType<typeof parameterGradients>[number];

function meanGradient(graph: Graph, { name, spec }: Value): Value {
  return graph.state(TRANSIENT_PREFIX + name, spec, { kind: "constant", value: 0 });
}

function recordAccumulation(graph: Graph, gradients: readonly ParameterGradient[]): void {
  const share = graph.input(SHARE, f32([]));
  for (const { parameter, gradient } of gradients) {
    averageUpdate.apply(graph, [meanGradient(graph, parameter), gradient, share]);
  }
}

/** A graph of the updates alone, from the mean gradients of the parts. */
function updateGraph(
  gradients: readonly ParameterGradient[],
  states: readonly Value[],
  optimizer: Optimizer,
  options: UpdateOptions & Pick<TrainerOptions, "precision">,
): Graph {
  const graph = new Graph({ training: true, precision: options.precision });
  const means = gradients.map(({ parameter: { name, spec, initializer } }) => {
    const parameter = graph.parameter(name, spec, initializer!);
    return { parameter, gradient: meanGradient(graph, parameter) };
  });
  const known = states.map(({ name, spec, initializer }) => graph.state(name, spec, initializer!));
  recordUpdates(graph, optimizer, means, known, options);
  return graph;
}
