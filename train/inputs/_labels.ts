/** Targets that are labels: each image is of one class. */

import { type Graph, type Program, u32, type Value } from "../../core/mod.ts";
import { softmaxCrossEntropy } from "../../ops/mod.ts";
import { partOf, type TargetInputs } from "./_halves.ts";
import type { Feed } from "./batch_inputs.ts";

const LABEL = "label";

/** Records the labels of a part. */
export function recordLabels(graph: Graph, count: number): Value {
  return graph.input(LABEL, u32([count]));
}

/** What writes the labels of a part. */
export function feedsLabels(program: Program): Feed {
  return (batch, part, parts) => program.write(LABEL, partOf(batch.labels, part, parts));
}

/** Targets that are labels, of classes that weigh the same. */
export const labelTargets: TargetInputs = {
  record(graph, { count, labelSmoothing }) {
    const labels = recordLabels(graph, count);
    return { labels, loss: (logits) => softmaxCrossEntropy.apply(graph, [logits, labels], { labelSmoothing })[0] };
  },
  connect: feedsLabels,
};
