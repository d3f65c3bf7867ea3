/** The mean cross-entropy of a softmax over logits, for targets that are probabilities. */

import {
  bytesMoved,
  elementCount,
  expectSpec,
  f32,
  type NumericArray,
  type Op,
  type OpSpec,
  type Random,
  registerOp,
} from "../core/mod.ts";
import { elementwiseKernels, rowMain, rowSumStages, workgroupMax, workgroupSum } from "../kernels/mod.ts";
import { LOSS_SAMPLES, rowLossKernels, rowLossReference } from "./_row_loss.ts";

/** Fills rows with probabilities. */
function fillTargets(targets: NumericArray, classes: number, random: Random): void {
  for (let row = 0; row < targets.length; row += classes) {
    let sum = 0;
    for (let k = row; k < row + classes; k++) sum += targets[k] = random.uniform(0.05, 1);
    for (let k = row; k < row + classes; k++) targets[k] /= sum;
  }
}

/**
 * The gradient of {@link softTargetCrossEntropy} for the logits: (p - target) · outputGradient / N.
 * Inputs: `outputGradient` [], `probabilities` [N, K], `targets` [N, K]. Output: [N, K].
 */
export const softTargetCrossEntropyGradient: Op = registerOp({
  name: "softTargetCrossEntropyGradient",
  attributes: {},
  infer([outputGradient, probabilities, targets]) {
    const op = "softTargetCrossEntropyGradient";
    expectSpec(op, "outputGradient", outputGradient, []);
    expectSpec(op, "probabilities", probabilities, ["N", "K"]);
    expectSpec(op, "targets", targets, probabilities.shape);
    return [probabilities];
  },
  reference({ inputs: [, { shape: [batch] }] }) {
    return ([dLoss, p, targets, dx]) => {
      for (let i = 0; i < dx.length; i++) dx[i] = (p[i] - targets[i]) * dLoss[0] / batch;
    };
  },
  webgpu({ inputs: [, { shape: [batch, classes] }] }) {
    const body = `dx[i] = (p[i] - targets[i]) * dLoss[0] / ${batch}.0;`;
    return elementwiseKernels(batch * classes, ["dLoss", "p", "targets", "dx!"], body);
  },
  cost: (spec) => ({ flops: 3 * elementCount(spec.inputs[1].shape), bytes: bytesMoved(spec) }),
  samples: () => LOSS_SAMPLES.map((shape) => ({ inputs: [f32([]), f32(shape), f32(shape)] })),
  badSamples: () => [{ inputs: [f32([]), f32([2, 3]), f32([3, 2])], message: "expected targets to be f32 [2, 3]" }],
});

/** Writes the probabilities of row `n` and returns its loss. */
function lossOfRow(classes: number, [x, targets, , p]: readonly NumericArray[], n: number): number {
  const row = n * classes, end = row + classes;
  let largest = -Infinity, sum = 0, loss = 0;
  for (let i = row; i < end; i++) if (x[i] > largest) largest = x[i];
  for (let i = row; i < end; i++) sum += Math.exp(x[i] - largest);
  const logSum = largest + Math.log(sum);
  for (let i = row; i < end; i++) {
    p[i] = Math.exp(x[i] - logSum);
    loss += targets[i] * (logSum - x[i]);
  }
  return loss;
}

/** WGSL of one workgroup a row. */
function rowWgsl(batch: number, classes: number): string {
  return `${workgroupMax(["largest"])}
${workgroupSum(["sum", "loss"])}
${rowMain(batch)}
  let first = row * ${classes}u;
  var highest = x[first];
  for (var k = lane; k < ${classes}u; k += 64u) { highest = max(highest, x[first + k]); }
  let largest = reduceLargest(lane, highest);
  var exponentials = 0.0;
  for (var k = lane; k < ${classes}u; k += 64u) { exponentials += exp(x[first + k] - largest); }
  let sum = reduceSum(lane, exponentials);
  let logSum = log(sum);
  var distances = 0.0;
  for (var k = lane; k < ${classes}u; k += 64u) {
    let shifted = x[first + k] - largest;
    p[first + k] = exp(shifted) / sum;
    distances += targets[first + k] * (logSum - shifted);
  }
  let loss = reduceLoss(lane, distances);
  if (lane == 0u) { rows[row] = loss; }
}`;
}

/**
 * Mean over the batch of -Σ target·log(softmax(logits)), as `torch.nn.CrossEntropyLoss` with probabilities as targets, for
 * images mixed from two classes (mixup, CutMix). The targets of a row sum to 1. The largest logit is subtracted first, so that
 * nothing overflows.
 * Inputs: `logits` [N, K], `targets` [N, K]. Outputs: the loss [] and the probabilities [N, K].
 */
export const softTargetCrossEntropy: Op = registerOp({
  name: "softTargetCrossEntropy",
  attributes: {},
  infer([logits, targets]) {
    expectSpec("softTargetCrossEntropy", "logits", logits, ["N", "K"]);
    expectSpec("softTargetCrossEntropy", "targets", targets, logits.shape);
    return [f32([]), logits];
  },
  gradient(graph, { arguments: [, targets], results: [, probabilities] }, [outputGradient]) {
    return softTargetCrossEntropyGradient.apply(graph, [outputGradient!, probabilities, targets]);
  },
  reference({ inputs: [{ shape: [batch, classes] }] }) {
    return rowLossReference(batch, (buffers, n) => lossOfRow(classes, buffers, n));
  },
  cpu: ({ inputs: [{ shape: [batch, classes] }] }: OpSpec) =>
    rowSumStages(batch, 1 / batch, 2, (buffers, n) => lossOfRow(classes, buffers, n)),
  webgpu({ inputs: [{ shape: [batch, classes] }] }) {
    return rowLossKernels(batch, "targets", rowWgsl(batch, classes));
  },
  cost: (spec) => ({ flops: 8 * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    LOSS_SAMPLES.map(([n, k]) => ({
      inputs: [f32([n, k]), f32([n, k])],
      // Logits at which exp overflows, but near enough to each other for float64 to judge.
      fill([x, targets]: readonly NumericArray[], random: Random) {
        x.forEach((_, i) => x[i] = 100 + 3 * random.normal());
        fillTargets(targets, k, random);
      },
    })),
  badSamples: () => [{ inputs: [f32([2, 3]), f32([2])], message: "expected targets to be f32 [2, 3]" }],
});
