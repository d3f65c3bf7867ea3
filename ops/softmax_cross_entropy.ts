/** The mean cross-entropy of a softmax over logits, with label smoothing (Szegedy et al. 2016, section 7). */

import {
  bytesMoved,
  elementCount,
  expectSpec,
  f32,
  float,
  type NumericArray,
  type Op,
  type OpSpec,
  type Random,
  registerOp,
  ShapeError,
  type TensorSpec,
  u32,
} from "../core/mod.ts";
import {
  elementwiseKernels,
  type ReduceBy,
  rowMain,
  rowSumStages,
  workgroupMax,
  workgroupSum,
} from "../kernels/mod.ts";
import { LOSS_SAMPLES, rowLossKernels, rowLossReference } from "./_row_loss.ts";

/** The attributes of {@link softmaxCrossEntropy}. */
export type LossAttributes = {
  /** The share of the target that is spread over all classes. */
  readonly labelSmoothing: number;
};

function expectSmoothing(op: string, labelSmoothing: number): void {
  if (labelSmoothing >= 0 && labelSmoothing < 1) return;
  throw new ShapeError(`${op}: expected labelSmoothing to be in [0, 1) but it is ${labelSmoothing}`);
}

function expectLabels(op: string, labels: TensorSpec, batch: number): void {
  expectSpec(op, "labels", labels, [batch], "u32");
}

/**
 * The gradient of {@link softmaxCrossEntropy}: (p - target) · outputGradient / N.
 * Inputs: `outputGradient` [], `probabilities` [N, K], `labels` u32 [N]. Output: [N, K].
 */
export const softmaxCrossEntropyGradient: Op<LossAttributes> = registerOp<LossAttributes>({
  name: "softmaxCrossEntropyGradient",
  attributes: { labelSmoothing: 0 },
  infer([outputGradient, probabilities, labels], { labelSmoothing }) {
    const op = "softmaxCrossEntropyGradient";
    expectSpec(op, "outputGradient", outputGradient, []);
    expectSpec(op, "probabilities", probabilities, ["N", "K"]);
    expectLabels(op, labels, probabilities.shape[0]);
    expectSmoothing(op, labelSmoothing);
    return [probabilities];
  },
  reference({ inputs: [, { shape: [batch, classes] }], attributes: { labelSmoothing } }) {
    return ([dLoss, p, labels, dx]) => {
      for (let i = 0; i < dx.length; i++) {
        const target = (i % classes === labels[Math.floor(i / classes)] ? 1 - labelSmoothing : 0) +
          labelSmoothing / classes;
        dx[i] = (p[i] - target) * dLoss[0] / batch;
      }
    };
  },
  cpu({ inputs: [, { shape: [batch, classes] }], attributes: { labelSmoothing } }: OpSpec<LossAttributes>) {
    const spread = labelSmoothing / classes;
    return {
      stages: [{
        tasks: 1,
        run([dLoss, p, labels, dx]) {
          const scale = dLoss[0] / batch;
          for (let n = 0; n < batch; n++) {
            const row = n * classes, end = row + classes;
            for (let i = row; i < end; i++) dx[i] = (p[i] - spread) * scale;
            if (labels[n] < classes) dx[row + labels[n]] = (p[row + labels[n]] - spread - (1 - labelSmoothing)) * scale;
          }
        },
      }],
    };
  },
  webgpu({ inputs: [, { shape: [batch, classes] }], attributes: { labelSmoothing } }) {
    const body = `let hit = select(0.0, ${float(1 - labelSmoothing)}, i % ${classes}u == labels[i / ${classes}u]);
  dx[i] = (p[i] - hit - ${float(labelSmoothing / classes)}) * dLoss[0] / ${batch}.0;`;
    return elementwiseKernels(batch * classes, ["dLoss", "p", "labels", "dx!"], body);
  },
  cost: (spec) => ({ flops: 3 * elementCount(spec.inputs[1].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    LOSS_SAMPLES.flatMap(([n, k]) =>
      [0, 0.1].map((labelSmoothing) => ({ inputs: [f32([]), f32([n, k]), u32([n])], attributes: { labelSmoothing } }))
    ),
  badSamples: () => [{ inputs: [f32([]), f32([2, 3]), f32([2])], message: "expected labels to be u32 [2]" }],
});

/** Writes the probabilities of row `n` and returns its loss; NaN if the label is no class. */
function lossOfRow(classes: number, smoothing: number, buffers: readonly NumericArray[], n: number): number {
  const [x, labels, , p] = buffers, row = n * classes, end = row + classes, label = labels[n];
  let largest = -Infinity, sum = 0, plain = 0;
  for (let i = row; i < end; i++) if (x[i] > largest) largest = x[i];
  for (let i = row; i < end; i++) sum += Math.exp(x[i] - largest);
  const logSum = largest + Math.log(sum);
  for (let i = row; i < end; i++) {
    p[i] = Math.exp(x[i] - logSum);
    plain += logSum - x[i];
  }
  const score = label < classes ? x[row + label] : NaN;
  return (1 - smoothing) * (logSum - score) + smoothing / classes * plain;
}

/**
 * WGSL of one workgroup a row. The largest logits, which add exactly 1 each, are kept apart from the `rest` of the sum. Where
 * the rest is small, log(1 + rest) is computed by its series, since 1 + rest would lose its digits.
 */
function rowWgsl(batch: number, classes: number, smoothing: number, by: ReduceBy): string {
  return `${workgroupMax(["largest"], by)}
${workgroupSum(["ties", "rest", "plain"], by)}
fn logOnePlus(t: f32) -> f32 {
  return select(log(1.0 + t), t * (1.0 - t * (0.5 - t * (1.0 / 3.0 - t * 0.25))), t < 0.02);
}
${rowMain(batch)}
  let first = row * ${classes}u;
  var highest = x[first];
  for (var k = lane; k < ${classes}u; k += 64u) { highest = max(highest, x[first + k]); }
  let largest = reduceLargest(lane, highest);
  var tied = 0.0;
  var others = 0.0;
  var distances = 0.0;
  for (var k = lane; k < ${classes}u; k += 64u) {
    let shifted = x[first + k] - largest;
    if (shifted == 0.0) { tied += 1.0; } else { others += exp(shifted); }
    distances -= shifted;
  }
  let ties = reduceTies(lane, tied);
  let rest = reduceRest(lane, others);
  let plain = reducePlain(lane, distances);
  let sum = ties + rest;
  for (var k = lane; k < ${classes}u; k += 64u) { p[first + k] = exp(x[first + k] - largest) / sum; }
  if (lane == 0u) {
    let logSum = log(ties) + logOnePlus(rest / ties);
    let label = labels[row];
    let distance = largest - x[first + min(label, ${classes - 1}u)];
    let loss = logSum + ${float(1 - smoothing)} * distance + ${float(smoothing / classes)} * plain;
    rows[row] = bitcast<f32>(select(bitcast<u32>(loss), 0x7fc00000u, label >= ${classes}u));
  }
}`;
}

/**
 * Mean over the batch of -Σ target·log(softmax(logits)), where a target is s/K for each class plus 1 - s for the label, as
 * `torch.nn.CrossEntropyLoss(label_smoothing=s)`. The largest logit is subtracted first, so that nothing overflows.
 * Inputs: `logits` [N, K], `labels` u32 [N]. Outputs: the loss [] and the probabilities [N, K]. Loading data checks that
 * labels are below K; any other label makes the loss NaN.
 */
export const softmaxCrossEntropy: Op<LossAttributes> = registerOp<LossAttributes>({
  name: "softmaxCrossEntropy",
  attributes: { labelSmoothing: 0 },
  infer([logits, labels], { labelSmoothing }) {
    expectSpec("softmaxCrossEntropy", "logits", logits, ["N", "K"]);
    expectLabels("softmaxCrossEntropy", labels, logits.shape[0]);
    expectSmoothing("softmaxCrossEntropy", labelSmoothing);
    return [f32([]), logits];
  },
  gradient(graph, { arguments: [, labels], results: [, probabilities], attributes }, [outputGradient]) {
    return softmaxCrossEntropyGradient.apply(graph, [outputGradient!, probabilities, labels], attributes);
  },
  reference({ inputs: [{ shape: [batch, classes] }], attributes: { labelSmoothing } }) {
    return rowLossReference(batch, (buffers, n) => lossOfRow(classes, labelSmoothing, buffers, n));
  },
  cpu: ({ inputs: [{ shape: [batch, classes] }], attributes: { labelSmoothing } }: OpSpec<LossAttributes>) =>
    rowSumStages(batch, 1 / batch, 2, (buffers, n) => lossOfRow(classes, labelSmoothing, buffers, n)),
  webgpu({ inputs: [{ shape: [batch, classes] }], attributes: { labelSmoothing } }) {
    return rowLossKernels(batch, "labels", (by) => rowWgsl(batch, classes, labelSmoothing, by));
  },
  cost: (spec) => ({ flops: 8 * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () => [
    { inputs: [f32([3, 1]), u32([3])], fill: ([, labels]) => void labels.fill(0) },
    ...LOSS_SAMPLES.flatMap(([n, k]) =>
      [0, 0.1].map((labelSmoothing) => ({
        inputs: [f32([n, k]), u32([n])],
        attributes: { labelSmoothing },
        // Logits at which exp overflows, but near enough to each other for float64 to judge.
        fill: ([x]: readonly NumericArray[], random: Random) => x.forEach((_, i) => x[i] = 100 + 3 * random.normal()),
      }))
    ),
  ],
  badSamples: () => [
    { inputs: [f32([2, 3]), u32([3])], message: "expected labels to be u32 [2]" },
    { inputs: [f32([2, 3]), u32([2])], attributes: { labelSmoothing: 1 }, message: "labelSmoothing" },
  ],
});
