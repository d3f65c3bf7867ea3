/** Counts the images whose class is among the k largest logits. */

import {
  bytesMoved,
  elementCount,
  expectInteger,
  expectSpec,
  f32,
  float,
  linearWorkgroups,
  type NumericArray,
  type Op,
  type OpSpec,
  registerOp,
  u32,
} from "../core/mod.ts";
import { reducingWays, rowMain, rowSumStages, sumKernel, workgroupSum } from "../kernels/mod.ts";

/** The attributes of {@link topKCorrect}. */
export type TopKAttributes = {
  /** The number of largest logits that count. */
  readonly k: number;
};

/** 1 if row `n` is correct, else 0. */
function isCorrect(classes: number, k: number, [logits, labels]: readonly NumericArray[], n: number): number {
  const row = n * classes, label = labels[n];
  if (label >= classes) return 0;
  const score = logits[row + label];
  let ahead = 0;
  for (let c = 0; c < classes; c++) {
    const other = logits[row + c];
    if (other > score || (other === score && c < label)) ahead++;
  }
  return score === score && ahead < k ? 1 : 0;
}

/**
 * Inputs: `logits` [N, K], `labels` u32 [N]. Output: [], the count. Of equal logits that of the lower class ranks first. A label
 * that is no class, or whose logit is NaN, is never correct.
 */
export const topKCorrect: Op<TopKAttributes> = registerOp<TopKAttributes>({
  name: "topKCorrect",
  attributes: { k: 1 },
  infer([logits, labels], { k }) {
    expectSpec("topKCorrect", "logits", logits, ["N", "K"]);
    expectSpec("topKCorrect", "labels", labels, [logits.shape[0]], "u32");
    expectInteger("topKCorrect", "k", k, 1);
    return [f32([])];
  },
  reference({ inputs: [{ shape: [batch, classes] }], attributes: { k } }) {
    return (buffers) => {
      let correct = 0;
      for (let n = 0; n < batch; n++) correct += isCorrect(classes, k, buffers, n);
      buffers[2][0] = correct;
    };
  },
  cpu: ({ inputs: [{ shape: [batch, classes] }], attributes: { k } }: OpSpec<TopKAttributes>) =>
    rowSumStages(batch, 1, 2, (buffers, n) => isCorrect(classes, k, buffers, n)),
  webgpu({ inputs: [{ shape: [batch, classes] }], attributes: { k } }) {
    return reducingWays("workgroup a row", (by, { limits }) => ({
      workspace: [f32([batch])],
      kernels: [{
        wgsl: `${workgroupSum(["ahead"], by)}
${rowMain(batch)}
  let label = labels[row];
  let score = logits[row * ${classes}u + min(label, ${classes - 1}u)];
  let isNan = (bitcast<u32>(score) & 0x7fffffffu) > 0x7f800000u;
  var before = 0.0;
  for (var c = lane; c < ${classes}u; c += 64u) {
    let other = logits[row * ${classes}u + c];
    if (other > score || (other == score && c < label)) { before += 1.0; }
  }
  let ahead = reduceAhead(lane, before);
  if (lane == 0u) { rows[row] = select(0.0, 1.0, !isNan && label < ${classes}u && ahead < ${
          float(Math.min(k, classes))
        }); }
}`,
        bindings: [
          { name: "logits", index: 0 },
          { name: "labels", index: 1 },
          { name: "rows", index: 3, write: true },
        ],
        workgroups: linearWorkgroups(batch, limits, 1),
      }, sumKernel(batch, "1.0", 3, 2, by)],
    }));
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
