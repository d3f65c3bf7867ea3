/** A training step as a graph: what it computes, before it is planned for a device. */

import {
  argument,
  type Collective,
  Graph,
  type Precision,
  sentence,
  type Transport,
  UsageError,
  type Value,
} from "../core/mod.ts";
import type { Model } from "../models/mod.ts";
import { topKCorrect } from "../ops/mod.ts";
import { recordAccumulation, updateGraph } from "./_accumulation.ts";
import { sumGradients } from "./_gradient_sums.ts";
import type { BatchInputs, PartSpec } from "./inputs/batch_inputs.ts";
import { uploadedInputs } from "./inputs/inputs_for.ts";
import { frozenNames, parameterNames } from "./freeze.ts";
import { lossScale } from "./optimizers/loss_scale.ts";
import { type Optimizer, parameterGradients, recordUpdates, type UpdateOptions } from "./optimizers/optimizer.ts";
import { sgdOptimizer, type SgdOptions } from "./optimizers/sgd.ts";

/**
 * How ranks train together.
 *
 * @example
 * ```ts
 * import { CpuBackend, localCollectives } from "@residua/residua/core";
 * import { cifarResNet } from "@residua/residua/models";
 * import { Trainer } from "@residua/residua/train";
 * const model = cifarResNet({ depth: 8, inputShape: [3, 8, 8] }), backend = new CpuBackend();
 * const ranks = await Promise.all(
 *   localCollectives(2).map((collective) => Trainer.create({ model, backend, batch: 2, collective, syncBatchNorm: true })),
 * );
 * const images = new Float32Array(2 * 3 * 8 * 8).map((_, i) => Math.sin(i));
 * await Promise.all(ranks.map((trainer, rank) => trainer.step({ images, labels: Uint32Array.of(rank, 7) }, 0.1)));
 * const weights = await Promise.all(ranks.map(({ variables }) => variables.storages.get("conv1.weight")!.read()));
 * console.log(weights[0].every((value, i) => value === weights[1][i])); // true
 * ```
 */
export interface TogetherOptions {
  /**
   * The ranks that train together, each on a batch of its own: updates are by the mean of their gradients. All ranks trace the
   * same step and begin with the same weights. Defaults to one rank alone.
   */
  readonly collective?: Collective;
  /**
   * Whether batch norm takes its statistics over the batches of all ranks, as `torch.nn.SyncBatchNorm` does: ranks of a batch
   * each then compute what one computes of all their images. Defaults to false: over each rank's own.
   */
  readonly syncBatchNorm?: boolean;
  /**
   * The bytes of gradients from which on they are summed together, beside the rest of the backward pass. Defaults to a quarter
   * of all, within 64 KiB and 4 MiB.
   */
  readonly bucketBytes?: number;
  /**
   * How gradients travel. As float16, which takes half of the bytes, they are rounded on their way, and their sums too; that is
   * for mixed precision, whose scaled gradients have the range of float16. Defaults to float32.
   */
  readonly transport?: Transport;
}

/** The options of {@link traceStep}: what a training step computes. */
export interface StepOptions extends SgdOptions, UpdateOptions, TogetherOptions {
  /** The model. */
  readonly model: Model;
  /** Images in a batch. */
  readonly batch: number;
  /** How batches reach the step. Defaults to {@link uploadedInputs}. */
  readonly inputs?: BatchInputs;
  /** How gradients change parameters. Defaults to {@link sgdOptimizer} with the options given here. */
  readonly optimizer?: Optimizer;
  /**
   * Parts of a batch, which go through the network one after the other and add up to one update, so that a batch needs less
   * memory. Defaults to 1. Batch norm takes its statistics of each part.
   */
  readonly accumulate?: number;
  /**
   * Whether batch norms whose weight and bias are both frozen normalise by their running statistics and leave these as they
   * are, as PyTorch's do after `eval()`. Defaults to false: their statistics are those of the batch, and the running ones follow.
   */
  readonly freezeStatistics?: boolean;
  /** How it computes. Defaults to float32. Mixed precision takes a WebGPU adapter with float16. */
  readonly precision?: Precision;
  /** The share of the target that is spread over all classes. Defaults to 0. */
  readonly labelSmoothing?: number;
  /** The weight of each class in the loss, above 0. Defaults to 1 for all. */
  readonly classWeights?: readonly number[];
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

/** What goes through the network at a time. */
export function partSpec({ model, batch, accumulate = 1, labelSmoothing = 0, classWeights }: StepOptions): PartSpec {
  const { inputShape: imageShape, classes } = model;
  if (classWeights !== undefined) expectClassWeights(classWeights, classes);
  return { count: batch / accumulate, imageShape, classes, labelSmoothing, classWeights };
}

function expectClassWeights(weights: readonly number[], classes: number): void {
  const wrong = weights.findIndex((weight) => !(weight > 0 && weight < Infinity));
  if (weights.length === classes && wrong < 0) return;
  const cause = weights.length === classes
    ? `that of class ${wrong} is ${weights[wrong]}`
    : `there are ${weights.length} for ${classes} classes`;
  throw new UsageError(
    sentence`Expected ${argument("classWeights")} to be a number above 0 for each class but ${cause}`,
  );
}

/**
 * Records and differentiates a training step. It needs no device.
 *
 * @throws {UsageError} If a batch does not fall into that number of parts, or there is not a weight above 0 for each class.
 *
 * @example
 * ```ts
 * import { cifarResNet } from "@residua/residua/models";
 * import { traceStep } from "@residua/residua/train";
 * const { graph, scalars } = traceStep({ model: cifarResNet({ depth: 8 }), batch: 4 });
 * console.log(graph.precision, scalars.loss.spec.shape); // float32 []
 * ```
 */
export function traceStep(options: StepOptions): TracedStep {
  const { model, batch, accumulate = 1, inputs = uploadedInputs, precision = "float32", collective } = options;
  const { optimizer = sgdOptimizer(options) } = options;
  if (!Number.isInteger(batch / accumulate) || accumulate < 1) {
    throw new UsageError(
      sentence`A batch of ${batch} does not fall into ${accumulate} equal parts; use another ${argument("accumulate")}`,
    );
  }
  const statisticsRanks = options.syncBatchNorm ? collective?.size : undefined;
  const graph = new Graph({ training: true, precision, fixedNorm: fixedNorms(options), statisticsRanks });
  const { images, labels, loss: recordLoss } = inputs.record(graph, partSpec(options));
  const logits = model.forward(graph, images), loss = recordLoss(logits);
  const [correct] = topKCorrect.apply(graph, [logits, labels], { k: 1 });
  // Statistics that stay need no average over the steps.
  const updated = new Set(
    graph.nodes.flatMap(({ op, arguments: all }) => (op.updates ?? []).map((index) => all[index])),
  );
  const states = graph.values.filter((value) => value.kind === "state" && updated.has(value));
  const gradients = parameterGradients(graph, loss, options.freeze, collective?.size);
  const scale = lossScale(graph), scalars = { loss, correct, ...(scale === undefined ? {} : { scale }) };
  if (accumulate === 1) {
    const given = collective === undefined ? gradients : sumGradients(graph, gradients, options);
    recordUpdates(graph, optimizer, given, states, options, collective?.size);
    return { graph, scalars };
  }
  recordAccumulation(graph, gradients);
  return { graph, scalars, updates: updateGraph(gradients, states, optimizer, options) };
}

/** The batch norms that keep their statistics: those whose parameters are all frozen. */
function fixedNorms({ model, freeze = [], freezeStatistics = false }: StepOptions): (name: string) => boolean {
  if (!freezeStatistics) return () => false;
  const frozen = new Set(frozenNames(freeze, parameterNames(model)));
  return (name) => frozen.has(`${name}.weight`) && frozen.has(`${name}.bias`);
}
