/** The mean cross-entropy of a softmax over logits, for targets that are probabilities, or weights of any sum. */

import {
  bytesMoved,
  elementCount,
  expectSpec,
  f32,
  linearWorkgroups,
  type NumericArray,
  type Op,
  type OpSpec,
  type Random,
  registerOp,
} from "../core/mod.ts";
import {
  elementwiseKernels,
  type ReduceBy,
  reducingWays,
  rowMain,
  rowSumStages,
  workgroupMax,
  workgroupSum,
} from "../kernels/mod.ts";
import { LOSS_SAMPLES, rowLossKernels, rowLossReference } from "./_row_loss.ts";

/** The attributes of {@link softTargetCrossEntropy}. */
export type SoftTargetAttributes = {
  /** Whether the targets of each row sum to 1. */
  readonly sumToOne: boolean;
};

/** The rows' sums, and what is checked of both. */
const SUMS = [true, false];

/** Fills rows with probabilities, or with weights. */
function fillTargets(targets: NumericArray, classes: number, random: Random, sumToOne: boolean): void {
  for (let row = 0; row < targets.length; row += classes) {
    let sum = 0;
    for (let k = row; k < row + classes; k++) sum += targets[k] = random.uniform(0.05, 1);
    if (!sumToOne) sum = random.uniform(0.1, 2);
    for (let k = row; k < row + classes; k++) targets[k] /= sum;
  }
}

/**
 * The gradient of {@link softTargetCrossEntropy} for the logits: (p·Σ target - target) · outputGradient / N, with the sum over
 * the row, which need not be taken where it is 1.
 * Inputs: `outputGradient` [], `probabilities` [N, K], `targets` [N, K]. Output: [N, K].
 */
export const softTargetCrossEntropyGradient: Op<SoftTargetAttributes> = registerOp<SoftTargetAttributes>({
  name: "softTargetCrossEntropyGradient",
  attributes: { sumToOne: true },
  infer([outputGradient, probabilities, targets]) {
    const op = "softTargetCrossEntropyGradient";
    expectSpec(op, "outputGradient", outputGradient, []);
    expectSpec(op, "probabilities", probabilities, ["N", "K"]);
    expectSpec(op, "targets", targets, probabilities.shape);
    return [probabilities];
  },
  reference({ inputs: [, { shape: [batch, classes] }], attributes: { sumToOne } }) {
    return ([dLoss, p, targets, dx]) => {
      for (let row = 0; row < dx.length; row += classes) {
        let sum = sumToOne ? 1 : 0;
        for (let i = row; !sumToOne && i < row + classes; i++) sum += targets[i];
        for (let i = row; i < row + classes; i++) dx[i] = (p[i] * sum - targets[i]) * dLoss[0] / batch;
      }
    };
  },
  webgpu({ inputs: [, { shape: [batch, classes] }], attributes: { sumToOne } }) {
    if (!sumToOne) {
      return reducingWays("workgroup a row", (by, { limits }) => ({
        kernels: [{
          wgsl: gradientWgsl(batch, classes, by),
          bindings: [
            { name: "dLoss", index: 0 },
            { name: "p", index: 1 },
            { name: "targets", index: 2 },
            { name: "dx", index: 3, write: true },
          ],
          workgroups: linearWorkgroups(batch, limits, 1),
        }],
      }));
    }
    const body = `dx[i] = (p[i] - targets[i]) * dLoss[0] / ${batch}.0;`;
    return elementwiseKernels(batch * classes, ["dLoss", "p", "targets", "dx!"], body);
  },
  cost: (spec) => ({
    flops: (spec.attributes.sumToOne ? 3 : 5) * elementCount(spec.inputs[1].shape),
    bytes: bytesMoved(spec),
  }),
  samples: () =>
    SUMS.flatMap((sumToOne) =>
      LOSS_SAMPLES.map((shape) => ({ inputs: [f32([]), f32(shape), f32(shape)], attributes: { sumToOne } }))
    ),
  badSamples: () => [{ inputs: [f32([]), f32([2, 3]), f32([3, 2])], message: "expected targets to be f32 [2, 3]" }],
});

/** WGSL of the gradient of one workgroup a row, whose targets may have any sum. */
function gradientWgsl(batch: number, classes: number, by: ReduceBy): string {
  return `${workgroupSum(["weight"], by)}
${rowMain(batch)}
  let first = row * ${classes}u;
  var weights = 0.0;
  for (var k = lane; k < ${classes}u; k += 64u) { weights += targets[first + k]; }
  let weight = reduceWeight(lane, weights);
  for (var k = lane; k < ${classes}u; k += 64u) {
    dx[first + k] = (p[first + k] * weight - targets[first + k]) * dLoss[0] / ${batch}.0;
  }
}`;
}

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
function rowWgsl(batch: number, classes: number, by: ReduceBy): string {
  return `${workgroupMax(["largest"], by)}
${workgroupSum(["sum", "loss"], by)}
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
 * images mixed from two classes (mixup, CutMix), or for weights of classes, which need not sum to 1. The largest logit is subtracted first, so that
 * nothing overflows.
 * Inputs: `logits` [N, K], `targets` [N, K]. Outputs: the loss [] and the probabilities [N, K].
 */
export const softTargetCrossEntropy: Op<SoftTargetAttributes> = registerOp<SoftTargetAttributes>({
  name: "softTargetCrossEntropy",
  attributes: { sumToOne: true },
  infer([logits, targets]) {
    expectSpec("softTargetCrossEntropy", "logits", logits, ["N", "K"]);
    expectSpec("softTargetCrossEntropy", "targets", targets, logits.shape);
    return [f32([]), logits];
  },
  gradient(graph, { arguments: [, targets], results: [, probabilities], attributes }, [outputGradient]) {
    return softTargetCrossEntropyGradient.apply(graph, [outputGradient!, probabilities, targets], attributes);
  },
  reference({ inputs: [{ shape: [batch, classes] }] }) {
    return rowLossReference(batch, (buffers, n) => lossOfRow(classes, buffers, n));
  },
  cpu: ({ inputs: [{ shape: [batch, classes] }] }: OpSpec<SoftTargetAttributes>) =>
    rowSumStages(batch, 1 / batch, 2, (buffers, n) => lossOfRow(classes, buffers, n)),
  webgpu({ inputs: [{ shape: [batch, classes] }] }) {
    return rowLossKernels(batch, "targets", (by) => rowWgsl(batch, classes, by));
  },
  cost: (spec) => ({ flops: 8 * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    SUMS.flatMap((sumToOne) =>
      LOSS_SAMPLES.map(([n, k]) => ({
        inputs: [f32([n, k]), f32([n, k])],
        attributes: { sumToOne },
        // Logits at which exp overflows, but near enough to each other for float64 to judge.
        fill([x, targets]: readonly NumericArray[], random: Random) {
          x.forEach((_, i) => x[i] = 100 + 3 * random.normal());
          fillTargets(targets, k, random, sumToOne);
        },
      }))
    ),
  badSamples: () => [{ inputs: [f32([2, 3]), f32([2])], message: "expected targets to be f32 [2, 3]" }],
});
