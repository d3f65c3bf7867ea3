/** The program that trains a model on batches. */

import {
  argument,
  type Backend,
  compile,
  expectPrecision,
  OutOfMemoryError,
  type Program,
  sentence,
  type StepProfiler,
  type TuneOptions,
  UsageError,
} from "../core/mod.ts";
import type { Batch } from "../data/mod.ts";
import { Variables } from "../weights/mod.ts";
import { SHARE } from "./_accumulation.ts";
import type { Feed } from "./inputs/batch_inputs.ts";
import { uploadedInputs } from "./inputs/inputs_for.ts";
import { explainMemory } from "./memory.ts";
import { LEARNING_RATE } from "./optimizers/optimizer.ts";
import { partSpec, type StepOptions, traceStep } from "./traced_step.ts";

/** The options of {@link Trainer.create}. */
export interface TrainerOptions extends StepOptions {
  /** Where it runs. */
  readonly backend: Backend;
  /**
   * Whether the backward pass computes activations again instead of keeping them, which takes less memory and more time, and
   * gives the same bits. Defaults to false.
   */
  readonly recompute?: boolean;
  /** Has kernels chosen by timing them, on WebGPU. Nothing is timed by default. */
  readonly tune?: TuneOptions;
  /** The seed of the weights. Defaults to 0. */
  readonly seed?: number;
  /** The variables of another trainer of the model, to change them in turn; they stay its own. Defaults to new ones. */
  readonly variables?: Variables;
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
 * import { CpuBackend } from "@residua/residua/core";
 * import { cifarResNet } from "@residua/residua/models";
 * import { Trainer } from "@residua/residua/train";
 * const model = cifarResNet({ depth: 8, inputShape: [3, 8, 8] });
 * const trainer = await Trainer.create({ model, backend: new CpuBackend(), batch: 2 });
 * const images = new Float32Array(2 * 3 * 8 * 8).map((_, i) => Math.sin(i));
 * trainer.step({ images, labels: Uint32Array.of(3, 7) }, 0.1);
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
  readonly #feed: Feed;
  readonly #ownsVariables: boolean;
  readonly #together: boolean;
  /** Whether a step with other ranks is on its way. */
  #busy = false;
  readonly #scalar = new Float32Array(1);

  private constructor(
    variables: Variables,
    ownsVariables: boolean,
    program: Program,
    update: Program | undefined,
    parts: number,
    feed: Feed,
    together: boolean,
  ) {
    this.variables = variables;
    this.#ownsVariables = ownsVariables;
    this.program = program;
    this.#update = update;
    this.#parts = parts;
    this.#feed = feed;
    this.#together = together;
  }

  /**
   * Traces, differentiates, plans and compiles a training step, and initialises the variables.
   *
   * @throws {UsageError} If a batch does not fall into that number of parts, or the backend does not compute in the precision.
   * @throws {OutOfMemoryError} If it does not fit: it names the largest batch that does.
   */
  static async create(options: TrainerOptions): Promise<Trainer> {
    try {
      return await Trainer.assemble(options);
    } catch (error) {
      throw error instanceof OutOfMemoryError ? explainMemory(options, error) : error;
    }
  }

  /**
   * As {@link Trainer.create}, without looking for a batch that fits.
   *
   * @internal
   */
  static async assemble(options: TrainerOptions): Promise<Trainer> {
    const { backend, accumulate = 1, inputs = uploadedInputs, seed = 0, recompute, tune, collective } = options;
    const { precision = "float32", transport } = options;
    await expectPrecision(backend, precision);
    if (transport === "float16" && precision !== "mixed") {
      throw new UsageError(
        sentence`Gradients of float32 would lose what is small as float16; expected ${
          argument("precision", "mixed")
        } beside ${argument("transport", transport)}`,
      );
    }
    const { graph, scalars, updates } = traceStep(options);
    const { variables = new Variables() } = options, ownsVariables = options.variables === undefined;
    let update: Program | undefined, program: Program;
    try {
      if (updates !== undefined) {
        variables.add(updates, backend, seed);
        update = await compile(updates, backend, { variables: variables.storages, tune, collective });
      }
      variables.add(graph, backend, seed);
      if (ownsVariables) await variables.startAverages();
      const lean = updates !== undefined;
      const planned = { scalars, variables: variables.storages, tune, recompute, lean, collective };
      program = await compile(graph, backend, planned);
    } catch (error) {
      update?.destroy();
      if (ownsVariables) variables.destroy();
      throw error;
    }
    if (accumulate > program.scalarCapacity) {
      throw new UsageError(
        sentence`Expected at most ${program.scalarCapacity} parts of a batch but ${
          argument("accumulate")
        } is ${accumulate}`,
      );
    }
    const feed = inputs.connect(program, partSpec(options));
    return new Trainer(variables, ownsVariables, program, update, accumulate, feed, collective !== undefined);
  }

  /** The steps that can be queued before {@link Trainer.results} must be called. */
  get capacity(): number {
    return Math.floor(this.program.scalarCapacity / this.#parts);
  }

  /**
   * Queues one step.
   *
   * @param batch The images and their labels, or what else the trainer's inputs take.
   * @param rate The learning rate.
   * @returns With a collective, a promise to be awaited before the next step: it resolves once the ranks' gradients are summed
   * and the update is queued, and rejects if a sum does, after which only {@link Trainer.destroy} is left. Else nothing.
   * @throws {UsageError} If the step before, which waits for other ranks, is still on its way.
   */
  step(batch: Batch, rate: number): void | Promise<void> {
    if (this.#together) return this.#withOthers(batch, rate, (program, record) => program.runTogether(record));
    for (const program of this.#runs(batch, rate)) program.run(program === this.program);
  }

  async #withOthers(
    batch: Batch,
    rate: number,
    run: (program: Program, record: boolean) => Promise<void>,
  ): Promise<void> {
    if (this.#busy) throw new UsageError("The step before still waits for other ranks: await it before the next one");
    this.#busy = true;
    try {
      for (const program of this.#runs(batch, rate)) await run(program, program === this.program);
    } finally {
      this.#busy = false;
    }
  }

  /**
   * Runs one step as {@link Trainer.step} does, with the same results, and times it; waits for the device.
   *
   * @param profiler What collects the times, in one of its steps.
   */
  async profile(profiler: StepProfiler, ...step: Parameters<Trainer["step"]>): Promise<void> {
    await this.#withOthers(...step, (program, record) => profiler.run(program, record));
  }

  /** The programs of a step, one after the other, each once its inputs are written. */
  *#runs(batch: Batch, rate: number): Generator<Program, void, void> {
    for (let part = 0; part < this.#parts; part++) {
      this.#feed(batch, part, this.#parts);
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

  /** Gives the memory back; variables of another trainer stay. */
  destroy(): void {
    this.program.destroy();
    this.#update?.destroy();
    if (this.#ownsVariables) this.variables.destroy();
  }

  #write(program: Program, input: string, value: number): void {
    this.#scalar[0] = value;
    program.write(input, this.#scalar);
  }
}
