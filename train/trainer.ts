/** The programs of a model on a backend: one that trains a batch, one that computes logits, over the same variables. */

import { type Backend, compile, f32, Graph, type Program, u32 } from "../core/mod.ts";
import type { Model } from "../models/mod.ts";
import { softmaxCrossEntropy, topKCorrect } from "../ops/mod.ts";
import { foldBatchNorm } from "./fold_batch_norm.ts";
import type { NamedTensor } from "./safetensors.ts";
import { LEARNING_RATE, sgd, type SgdOptions } from "./sgd.ts";
import { Variables } from "./variables.ts";

/** The options of {@link Trainer.create}. */
export interface TrainerOptions extends SgdOptions {
  /** The model. */
  readonly model: Model;
  /** Where it runs. */
  readonly backend: Backend;
  /** Images in a batch. */
  readonly batch: number;
  /** The seed of the weights; 0 unless given. */
  readonly seed?: number;
  /** The share of the target that is spread over all classes; 0 unless given. */
  readonly labelSmoothing?: number;
}

/** What a training step gives. */
export interface StepResult {
  /** The mean loss of the batch before the update, without weight decay. */
  readonly loss: number;
  /** The number of images whose class had the largest logit. */
  readonly correct: number;
}

/** Compiles the program that computes a batch's logits with running statistics. Its input is `image`, its output `logits`. */
export function compileInference(
  model: Model,
  backend: Backend,
  batch: number,
  variables: Variables,
  seed = 0,
): Promise<Program> {
  const graph = new Graph({ training: false });
  const logits = model.forward(graph, graph.input("image", f32([batch, ...model.inputShape])));
  variables.add(graph, backend, seed);
  return compile(graph, backend, { outputs: { logits }, variables: variables.storages });
}

/**
 * Compiles the program of {@link compileInference} with batch norm folded into the convolutions: the same logits up to
 * rounding, faster. Its variables are not those of the model, so they cannot be trained further.
 *
 * @param variables A set of its own; it is given the folded tensors.
 * @param tensors The model's tensors, as a checkpoint holds them.
 * @param source The file that they come from, for messages.
 * @throws {DataError} If a tensor is missing, is of another shape, or belongs to nothing.
 *
 * @example
 * ```ts
 * import { CpuBackend } from "../core/mod.ts";
 * import { cifarResNet } from "../models/mod.ts";
 * import { compileFoldedInference, Trainer, Variables } from "./mod.ts";
 * const model = cifarResNet({ depth: 8, inputShape: [3, 8, 8] }), backend = new CpuBackend();
 * const trainer = await Trainer.create({ model, backend, batch: 2 });
 * const tensors = await trainer.variables.read(false);
 * const program = await compileFoldedInference(model, backend, 1, new Variables(), tensors, "the trainer");
 * program.write("image", new Float32Array(3 * 8 * 8).fill(1));
 * program.run();
 * console.log((await program.read("logits")).length); // 10
 * ```
 */
export async function compileFoldedInference(
  model: Model,
  backend: Backend,
  batch: number,
  variables: Variables,
  tensors: ReadonlyMap<string, NamedTensor>,
  source: string,
): Promise<Program> {
  const graph = new Graph({ training: false });
  const logits = model.forward(graph, graph.input("image", f32([batch, ...model.inputShape])));
  const folded = foldBatchNorm(graph, tensors, { logits }, source);
  variables.add(folded.graph, backend, 0);
  variables.write(folded.tensors, source);
  return await compile(folded.graph, backend, { outputs: folded.outputs, variables: variables.storages });
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
  /** The program of a training step. */
  readonly program: Program;
  readonly #rate = new Float32Array(1);

  private constructor(variables: Variables, program: Program) {
    this.variables = variables;
    this.program = program;
  }

  /** Traces, differentiates, plans and compiles a training step, and initialises the variables. */
  static async create(options: TrainerOptions): Promise<Trainer> {
    const { model, backend, batch, seed = 0, labelSmoothing = 0 } = options;
    const graph = new Graph({ training: true });
    const image = graph.input("image", f32([batch, ...model.inputShape])), label = graph.input("label", u32([batch]));
    const logits = model.forward(graph, image);
    const [loss] = softmaxCrossEntropy.apply(graph, [logits, label], { labelSmoothing });
    const [correct] = topKCorrect.apply(graph, [logits, label], { k: 1 });
    sgd(graph, loss, options);
    const variables = new Variables();
    variables.add(graph, backend, seed);
    const program = await compile(graph, backend, { scalars: { loss, correct }, variables: variables.storages });
    return new Trainer(variables, program);
  }

  /**
   * Queues one step of SGD.
   *
   * @param images [batch, C, H, W], normalised.
   * @param labels [batch].
   * @param rate The learning rate.
   */
  step(images: Float32Array, labels: Uint32Array, rate: number): void {
    this.#rate[0] = rate;
    this.program.write("image", images);
    this.program.write("label", labels);
    this.program.write(LEARNING_RATE, this.#rate);
    this.program.run(true);
  }

  /** The results of the steps since the last call. More steps may be queued while the promise is pending. */
  async results(): Promise<StepResult[]> {
    return (await this.program.readScalars()).map(([loss, correct]) => ({ loss, correct }));
  }

  /** Gives the memory back. */
  destroy(): void {
    this.program.destroy();
    this.variables.destroy();
  }
}
