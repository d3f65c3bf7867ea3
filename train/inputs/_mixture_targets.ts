/** Targets of images mixed of two, by mixup or CutMix: a probability for each class. */

import { f32, UsageError, type Value } from "../../core/mod.ts";
import type { Mixture } from "../../data/mod.ts";
import { softTargetCrossEntropy } from "../../ops/mod.ts";
import { partOf, type TargetInputs } from "./_halves.ts";
import { labelTargets, recordLabels } from "./_labels.ts";
import type { PartSpec } from "./batch_inputs.ts";

const TARGET = "target";

/** Targets that are shares of two labels. */
export const mixtureTargets: TargetInputs = {
  record(graph, { count, classes }) {
    const loss = (logits: Value) =>
      softTargetCrossEntropy.apply(graph, [logits, graph.input(TARGET, f32([count, classes]))])[0];
    return { labels: recordLabels(graph, count), loss };
  },
  connect(program, spec) {
    const targets = new Float32Array(spec.count * spec.classes), feedLabels = labelTargets.connect(program, spec);
    return (batch, part, parts) => {
      feedLabels(batch, part, parts);
      const mixture = "mixture" in batch ? batch.mixture : undefined;
      if (mixture === undefined) {
        throw new UsageError("Expected a batch that says of what its images are mixed, but it has no mixture");
      }
      const labels = partOf(batch.labels, part, parts);
      const others = { labels: partOf(mixture.labels, part, parts), shares: partOf(mixture.shares, part, parts) };
      writeTargets(targets, labels, others, spec);
      program.write(TARGET, targets);
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
