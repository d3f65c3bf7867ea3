/** Targets of images mixed of two, by mixup or CutMix: a probability for each class. */

import { f32, type Graph, type Program, UsageError, type Value } from "../../core/mod.ts";
import type { Mixture } from "../../data/mod.ts";
import { softTargetCrossEntropy } from "../../ops/mod.ts";
import { partOf, type TargetInputs } from "./_halves.ts";
import { feedsLabels, recordLabels } from "./_labels.ts";
import type { PartSpec } from "./batch_inputs.ts";

/** The input that holds the targets [count, classes]. */
const TARGET = "target";

/** Records the loss by targets for each class, which sum to 1 where classes have no weights. */
export function recordTargets(graph: Graph, logits: Value, { count, classes, classWeights }: PartSpec): Value {
  const targets = graph.input(TARGET, f32([count, classes]));
  return softTargetCrossEntropy.apply(graph, [logits, targets], { sumToOne: classWeights === undefined })[0];
}

/** What writes the targets of a part: the shares of two labels, by the weights of classes and a factor. */
export function targetWriter(program: Program, spec: PartSpec) {
  const targets = new Float32Array(spec.count * spec.classes), { classes, classWeights } = spec;
  return (labels: Uint32Array, mixture: Mixture, factor = 1): void => {
    writeTargets(targets, labels, mixture, spec);
    if (classWeights !== undefined) {
      targets.forEach((value, i) => targets[i] = value * classWeights[i % classes] * factor);
    }
    program.write(TARGET, targets);
  };
}

/**
 * Targets that are shares of two labels. Where classes have weights, the loss is as `torch.nn.CrossEntropyLoss(weight=…)`
 * defines it for probabilities: the mean over the images, whatever they weigh.
 */
export const mixtureTargets: TargetInputs = {
  record: (graph, spec) => ({
    labels: recordLabels(graph, spec.count),
    loss: (logits) => recordTargets(graph, logits, spec),
  }),
  connect(program, spec) {
    const write = targetWriter(program, spec), feedLabels = feedsLabels(program);
    return (batch, part, parts) => {
      feedLabels(batch, part, parts);
      const mixture = "mixture" in batch ? batch.mixture : undefined;
      if (mixture === undefined) {
        throw new UsageError("Expected a batch that says of what its images are mixed, but it has no mixture");
      }
      const others = { labels: partOf(mixture.labels, part, parts), shares: partOf(mixture.shares, part, parts) };
      write(partOf(batch.labels, part, parts), others);
    };
  },
};

function writeTargets(
  targets: Float32Array,
  labels: Uint32Array,
  mixture: Mixture,
  { classes, labelSmoothing }: PartSpec,
): void {
  const certain = 1 - labelSmoothing;
  targets.fill(labelSmoothing / classes);
  for (let n = 0, row = 0; row < targets.length; n++, row += classes) {
    const share = mixture.shares[n];
    targets[row + labels[n]] += certain * share;
    targets[row + mixture.labels[n]] += certain * (1 - share);
  }
}
