/**
 * How a batch reaches a training step. Images are uploaded, or lie on the device and only views of them are uploaded.
 * Targets are labels, or shares of two labels. A run chooses once, by `inputsFor`.
 */

import type { Graph, Program, Value } from "../../core/mod.ts";
import type { Batch, BatchFiller } from "../../data/mod.ts";

/** What goes through the network at a time: a batch, or a part of one. */
export interface PartSpec {
  /** The number of images. */
  readonly count: number;
  /** The shape of an image: channels, height and width. */
  readonly imageShape: readonly number[];
  /** The number of classes. */
  readonly classes: number;
  /** The share of the target that is spread over all classes. */
  readonly labelSmoothing: number;
  /** The weight of each class in the loss. Defaults to 1 for all. */
  readonly classWeights?: readonly number[];
}

/** The inputs of a step, as they stand in its graph. */
export interface RecordedInputs {
  /** [count, C, H, W]. */
  readonly images: Value;
  /** [count]. */
  readonly labels: Value;
  /** Records the mean loss [] of the logits [count, classes]. */
  loss(logits: Value): Value;
}

/**
 * Writes the inputs of one part of a batch.
 *
 * @param batch The whole batch.
 * @param part The part, from 0.
 * @param parts The number of parts.
 */
export type Feed = (batch: Batch, part: number, parts: number) => void;

/** How batches reach a training step. */
export interface BatchInputs {
  /** Fills the batches that a step is fed with. Defaults to the filler of the set: batches of images. */
  readonly filler?: BatchFiller<Batch>;
  /** Records the inputs of a part. */
  record(graph: Graph, part: PartSpec): RecordedInputs;
  /** Writes what every step shares into a program of such a graph, and gives what writes the rest. */
  connect(program: Program, part: PartSpec): Feed;
}
