/** Targets that are labels, where classes may have weights. */

import { partOf, type TargetInputs } from "./_halves.ts";
import { feedsLabels, labelTargets, recordLabels } from "./_labels.ts";
import { recordTargets, targetWriter } from "./_mixture_targets.ts";

/**
 * The loss of a batch with weights w is that of `torch.nn.CrossEntropyLoss(weight=w, label_smoothing=s)`: the sum over images
 * of -Σ w[k]·target[k]·log p[k] by the sum of the weights of their labels. That sum is of the whole batch, so that a batch in
 * parts has the same loss and gradient.
 */
const weightedLabels: TargetInputs = {
  record: (graph, spec) => ({
    labels: recordLabels(graph, spec.count),
    loss: (logits) => recordTargets(graph, logits, spec),
  }),
  connect(program, spec) {
    const { count, classWeights = [] } = spec, write = targetWriter(program, spec), feedLabels = feedsLabels(program);
    const unmixed = { labels: new Uint32Array(count), shares: new Float32Array(count).fill(1) };
    return (batch, part, parts) => {
      feedLabels(batch, part, parts);
      const total = batch.labels.reduce((sum, label) => sum + classWeights[label], 0);
      write(partOf(batch.labels, part, parts), unmixed, batch.labels.length / total);
    };
  },
};

/** Targets that are labels; those of classes with weights where there are any. */
export const weighableLabels: TargetInputs = {
  record: (graph, spec) => kind(spec).record(graph, spec),
  connect: (program, spec) => kind(spec).connect(program, spec),
};

function kind({ classWeights }: { readonly classWeights?: readonly number[] }): TargetInputs {
  return classWeights === undefined ? labelTargets : weightedLabels;
}
