/** Networks for inference: as graphs of this library, which determine their tensors, and as ONNX models. */

import { f32, Graph, type Value } from "../../core/mod.ts";
import { modelByName, type SequentialModel } from "../../models/mod.ts";
import type { InferenceWork, TrainingWork } from "./work.ts";

/** The network of a piece of work, for its images. */
export function servedModel({ network, size }: Pick<InferenceWork, "network" | "size">): SequentialModel {
  return modelByName(network, { inputShape: [3, size, size] });
}

/** Records a batch's logits by running statistics. */
export function recordNetwork(work: InferenceWork | TrainingWork): { graph: Graph; output: Value } {
  const graph = new Graph(), model = servedModel(work);
  return { graph, output: model.forward(graph, graph.input("image", f32([work.batch, ...model.inputShape]))) };
}

/** The shapes of the images, and of the network's tensors by torchvision's names. */
export function servedShapes(work: InferenceWork | TrainingWork): [string, readonly number[]][] {
  return recordNetwork(work).graph.values.filter(({ kind }) => kind !== "computed" && kind !== "constant")
    .map(({ name, spec }) => [name, spec.shape]);
}
