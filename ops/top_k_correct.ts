/** Counts the images whose class is among the k largest logits. */

import { bytesMoved, elementCount, expectInteger, expectSpec, f32, type Op, registerOp, u32 } from "../core/mod.ts";
import { workgroupSum } from "./_reduce.ts";

/**
 * Inputs: `logits` [N, K], `labels` u32 [N]. Output: [], the count. Of equal logits the one of the lower class comes first;
 * a logit that is NaN is never correct.
 */
export const topKCorrect: Op<{ readonly k: number }> = registerOp<{ readonly k: number }>({
  name: "topKCorrect",
  attributes: { k: 1 },
  infer([logits, labels], { k }) {
    expectSpec("topKCorrect", "logits", logits, ["N", "K"]);
    expectSpec("topKCorrect", "labels", labels, [logits.shape[0]], "u32");
    expectInteger("topKCorrect", "k", k, 1);
    return [f32([])];
  },
  reference({ inputs: [{ shape: [batch, classes] }], attributes: { k } }) {
    return ([logits, labels, count]) => {
      let correct = 0;
      for (let n = 0; n < batch; n++) {
        const label = labels[n], score = logits[n * classes + label];
        let ahead = 0;
        for (let c = 0; c < classes; c++) {
          const other = logits[n * classes + c];
          if (other > score || (other === score && c < label)) ahead++;
        }
        if (score === score && ahead < k) correct++;
      }
      count[0] = correct;
    };
  },
  webgpu({ inputs: [{ shape: [batch, classes] }], attributes: { k } }) {
    return [{
      name: "one workgroup",
      passes: [{
        wgsl: `${workgroupSum(["total"])}
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var correct = 0.0;
  for (var n = lane; n < ${batch}u; n += 64u) {
    let label = labels[n];
    let score = logits[n * ${classes}u + min(label, ${classes - 1}u)];
    let isNan = (bitcast<u32>(score) & 0x7fffffffu) > 0x7f800000u;
    var ahead = 0u;
    for (var c = 0u; c < ${classes}u; c++) {
      let other = logits[n * ${classes}u + c];
      if (other > score || (other == score && c < label)) { ahead++; }
    }
    if (!isNan && label < ${classes}u && ahead < ${k}u) { correct += 1.0; }
  }
  let result = reduceTotal(lane, correct);
  if (lane == 0u) { count[0] = result; }
}`,
        bindings: [{ name: "logits", index: 0 }, { name: "labels", index: 1 }, {
          name: "count",
          index: 2,
          write: true,
        }],
        workgroups: [1, 1, 1],
      }],
    }];
  },
  cost: (spec) => ({ flops: elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () => [
    ...[[1, 2], [7, 10], [130, 5]].flatMap(([n, c]) =>
      [1, 3].map((k) => ({ inputs: [f32([n, c]), u32([n])], attributes: { k } }))
    ),
    { inputs: [f32([9, 4]), u32([9])], fill: ([logits]) => void logits.fill(1) },
  ],
  badSamples: () => [
    { inputs: [f32([2, 3]), u32([3])], message: "expected labels to be u32 [2]" },
    { inputs: [f32([2, 3]), u32([2])], attributes: { k: 0 }, message: "expected k to be a whole number" },
  ],
});
