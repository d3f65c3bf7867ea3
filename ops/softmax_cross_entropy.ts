/** The mean cross-entropy of a softmax over logits, with label smoothing (Szegedy et al. 2016, section 7). */

import {
  bytesMoved,
  elementCount,
  expectSpec,
  f32,
  float,
  type Op,
  registerOp,
  ShapeError,
  type TensorSpec,
  u32,
} from "../core/mod.ts";
import { elementwiseVariants } from "./_elementwise.ts";
import { workgroupSum } from "./_reduce.ts";

/** The attributes of {@link softmaxCrossEntropy}. */
export type LossAttributes = {
  /** The share of the target that is spread over all classes. */
  readonly labelSmoothing: number;
};

const SAMPLES = [[1, 2], [5, 10], [3, 7], [70, 3], [4, 100]];

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
  webgpu({ inputs: [, { shape: [batch, classes] }], attributes: { labelSmoothing } }, limits) {
    const body = `let hit = select(0.0, ${float(1 - labelSmoothing)}, i % ${classes}u == labels[i / ${classes}u]);
  dx[i] = (p[i] - hit - ${float(labelSmoothing / classes)}) * dLoss[0] / ${batch}.0;`;
    return elementwiseVariants(batch * classes, limits, ["dLoss", "p", "labels", "dx!"], body);
  },
  cost: (spec) => ({ flops: 3 * elementCount(spec.inputs[1].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    SAMPLES.flatMap(([n, k]) =>
      [0, 0.1].map((labelSmoothing) => ({ inputs: [f32([]), f32([n, k]), u32([n])], attributes: { labelSmoothing } }))
    ),
  badSamples: () => [{ inputs: [f32([]), f32([2, 3]), f32([2])], message: "expected labels to be u32 [2]" }],
});

/**
 * Mean over the batch of -Σ target·log(softmax(logits)), target being 1 - s at the label plus s/K everywhere, as
 * `torch.nn.CrossEntropyLoss(label_smoothing=s)`. The largest logit is subtracted first, so that nothing overflows.
 * Inputs: `logits` [N, K], `labels` u32 [N], each below K. Outputs: the loss [] and the probabilities [N, K].
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
    return ([x, labels, loss, p]) => {
      let total = 0;
      for (let n = 0; n < batch; n++) {
        const row = n * classes;
        let largest = -Infinity, sum = 0, plain = 0;
        for (let k = 0; k < classes; k++) largest = Math.max(largest, x[row + k]);
        for (let k = 0; k < classes; k++) sum += Math.exp(x[row + k] - largest);
        const logSum = largest + Math.log(sum);
        for (let k = 0; k < classes; k++) {
          p[row + k] = Math.exp(x[row + k] - logSum);
          plain += logSum - x[row + k];
        }
        total += (1 - labelSmoothing) * (logSum - x[row + labels[n]]) + labelSmoothing / classes * plain;
      }
      loss[0] = total / batch;
    };
  },
  webgpu({ inputs: [{ shape: [batch, classes] }], attributes: { labelSmoothing } }) {
    return [{
      name: "one workgroup",
      passes: [{
        wgsl: `${workgroupSum(["total"])}
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var total = 0.0;
  for (var n = lane; n < ${batch}u; n += 64u) {
    let row = n * ${classes}u;
    var largest = x[row];
    for (var k = 1u; k < ${classes}u; k++) { largest = max(largest, x[row + k]); }
    var sum = 0.0;
    for (var k = 0u; k < ${classes}u; k++) { sum += exp(x[row + k] - largest); }
    let logSum = log(sum);
    var plain = 0.0;
    for (var k = 0u; k < ${classes}u; k++) {
      let shifted = x[row + k] - largest;
      p[row + k] = exp(shifted) / sum;
      plain += logSum - shifted;
    }
    let label = min(labels[n], ${classes - 1}u);
    total += ${float(1 - labelSmoothing)} * (logSum - (x[row + label] - largest)) + ${
          float(labelSmoothing / classes)
        } * plain;
  }
  let result = reduceTotal(lane, total);
  if (lane == 0u) { loss[0] = result / ${batch}.0; }
}`,
        bindings: [
          { name: "x", index: 0 },
          { name: "labels", index: 1 },
          { name: "loss", index: 2, write: true },
          { name: "p", index: 3, write: true },
        ],
        workgroups: [1, 1, 1],
      }],
    }];
  },
  cost: (spec) => ({ flops: 8 * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    SAMPLES.flatMap(([n, k]) =>
      [0, 0.1].map((labelSmoothing) => ({
        inputs: [f32([n, k]), u32([n])],
        attributes: { labelSmoothing },
        fill: ([x], random) => x.forEach((_, i) => x[i] = 20 * random.normal()),
      }))
    ),
  badSamples: () => [
    { inputs: [f32([2, 3]), u32([3])], message: "expected labels to be u32 [2]" },
    { inputs: [f32([2, 3]), u32([2])], attributes: { labelSmoothing: 1 }, message: "labelSmoothing" },
  ],
});
