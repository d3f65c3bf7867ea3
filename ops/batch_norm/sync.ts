/**
 * Batch norm in training by the statistics of all ranks that train together, as `torch.nn.SyncBatchNorm`: y = γ·(x - mean)/
 * √(variance + ε) + β. With n elements of a channel on all ranks and sums over all of them, its gradient is that of batch norm
 * of all batches together,
 *
 *     dx = γ/√(variance + ε) · (dy - Σ dy/n - x̂·Σ dy·x̂/n),
 *
 * while those of γ and β are the rank's own part, which is summed with the other gradients.
 */

import {
  bytesMoved,
  elementCount,
  expectInteger,
  expectSpec,
  f32,
  float,
  type Op,
  registerOp,
} from "../../core/mod.ts";
import { elementwiseKernels } from "../../kernels/mod.ts";
import { add } from "../add.ts";
import { allReduce } from "../all_reduce.ts";
import { applyKernels, applyPlane } from "./apply.ts";
import { inferenceKernel } from "./cpu.ts";
import { batchNormInference, batchNormInferenceGradient } from "./inference.ts";
import { EPILOGUES, expectNormInputs, extentsOf, momentsOf, NORM_SHAPES, normCost } from "./norm_shape.ts";

/** The attributes of {@link syncBatchNorm}. */
export type SyncBatchNormAttributes = {
  /** What is added to the variance. */
  readonly epsilon: number;
  /** The ranks, each with a batch of this size. */
  readonly ranks: number;
};

/** The attributes of {@link syncBatchNormTerms}. */
export type SyncBatchNormTermsAttributes = {
  /** What is added to the variance. */
  readonly epsilon: number;
  /** The elements of a channel, on all ranks. */
  readonly count: number;
};

/**
 * What the other elements of a channel have a part in of dx, as a scale of x̂ and a shift: -γ/√(variance + ε)·Σ dy·x̂/n and
 * -γ/√(variance + ε)·Σ dy/n. Inputs: `gamma` and `variance` [C], and the sums over all ranks `product` and `sum` [C]. Outputs:
 * the scale [C] and the shift [C].
 */
export const syncBatchNormTerms: Op<SyncBatchNormTermsAttributes> = registerOp<SyncBatchNormTermsAttributes>({
  name: "syncBatchNormTerms",
  attributes: { epsilon: 1e-5, count: 2 },
  infer(inputs, { count }) {
    expectSpec("syncBatchNormTerms", "gamma", inputs[0], ["C"]);
    ["variance", "product", "sum"].forEach((name, k) =>
      expectSpec("syncBatchNormTerms", name, inputs[k + 1], inputs[0].shape)
    );
    expectInteger("syncBatchNormTerms", "count", count, 1);
    return [inputs[0], inputs[0]];
  },
  reference: ({ attributes: { epsilon, count } }) => ([gamma, variance, product, sum, scale, shift]) => {
    for (let c = 0; c < gamma.length; c++) {
      const factor = -gamma[c] / Math.sqrt(variance[c] + epsilon) / count;
      scale[c] = factor * product[c];
      shift[c] = factor * sum[c];
    }
  },
  webgpu: ({ inputs: [{ shape }], attributes: { epsilon, count } }) =>
    elementwiseKernels(
      elementCount(shape),
      ["gamma", "variance", "product", "total", "scale!", "shift!"],
      `let factor = -gamma[i] / sqrt(variance[i] + ${float(epsilon)}) / ${float(count)};
  scale[i] = factor * product[i];
  shift[i] = factor * total[i];`,
    ),
  cost: (spec) => ({ flops: 6 * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    [[1, 2], [17, 81]].map(([channels, count]) => ({
      inputs: Array(4).fill(f32([channels])),
      attributes: { count },
      fill: ([, variance], random) => variance.forEach((_, c) => variance[c] = random.uniform(0.5, 2)),
    })),
  badSamples: () => [
    { inputs: [f32([2]), f32([3]), f32([2]), f32([2])], message: "expected variance to be f32 [2]" },
    { inputs: Array(4).fill(f32([2])), attributes: { count: 0 }, message: "expected count" },
  ],
});

/**
 * Batch norm by the statistics of all ranks. Inputs: `input` [N, C, H, W], `gamma` and `beta` [C], and `mean` and `variance`
 * [C], biased, which must be those of the inputs of all ranks, as `syncStatistics` gives them: so the gradient by the input
 * goes through them too, and they have none of their own. Output: [N, C, H, W]. The float64 reference, which has one rank,
 * takes them of its input.
 */
export const syncBatchNorm: Op<SyncBatchNormAttributes> = registerOp<SyncBatchNormAttributes>({
  name: "syncBatchNorm",
  attributes: { epsilon: 1e-5, ranks: 1 },
  float16Inputs: () => [0],
  infer(inputs, { ranks }) {
    expectNormInputs("syncBatchNorm", inputs, ["gamma", "beta", "mean", "variance"]);
    expectInteger("syncBatchNorm", "ranks", ranks, 1);
    return [inputs[0]];
  },
  gradient(graph, { arguments: [x, gamma, , mean, variance], attributes: { epsilon, ranks } }, [outputGradient]) {
    const own = batchNormInferenceGradient.apply(graph, [outputGradient!, x, gamma, mean, variance], { epsilon });
    const [dx, dGamma, dBeta] = own, sums = allReduce.apply(graph, [dGamma, dBeta]);
    const count = ranks * extentsOf(x.spec).count;
    const terms = syncBatchNormTerms.apply(graph, [gamma, variance, ...sums], { epsilon, count });
    const [others] = batchNormInference.apply(graph, [x, ...terms, mean, variance], { epsilon });
    return [...add.apply(graph, [dx, others]), dGamma, dBeta, undefined, undefined];
  },
  reference({ inputs: [input], attributes: { epsilon } }) {
    const e = extentsOf(input);
    return ([x, gamma, beta, , , y]) => {
      const moments = momentsOf(x, e);
      for (let plane = 0; plane < e.batch * e.channels; plane++) {
        const c = plane % e.channels, from = plane * e.plane, { mean, variance } = moments[c];
        const scale = gamma[c] / Math.sqrt(variance + epsilon);
        applyPlane(EPILOGUES[""], x, undefined, y, from, from + e.plane, mean, scale, beta[c]);
      }
    };
  },
  cpu: ({ inputs: [input], attributes: { epsilon } }) => inferenceKernel(extentsOf(input), EPILOGUES[""], epsilon),
  webgpu({ inputs, attributes: { epsilon } }) {
    const statistics = `let mean = batchMean[c]; let inverseStd = 1.0 / sqrt(variance[c] + ${float(epsilon)});`;
    const bindings = [{ name: "batchMean", index: 3 }, { name: "variance", index: 4 }];
    return applyKernels(extentsOf(inputs[0]), EPILOGUES[""], statistics, bindings, 5, inputs.length);
  },
  cost: (spec) => ({ flops: normCost(spec, 3), bytes: bytesMoved(spec) }),
  samples: () =>
    NORM_SHAPES.map((shape) => ({
      inputs: [f32(shape), ...Array(4).fill(f32([shape[1]]))],
      fill: ([x, , , mean, variance]) => {
        // Numbers that f16 holds, so that the statistics are those of either type.
        x.forEach((value, i) => x[i] = Math.round(256 * value) / 256);
        momentsOf(x, extentsOf(f32(shape))).forEach((moments, c) => {
          mean[c] = moments.mean;
          variance[c] = moments.variance;
        });
      },
    })),
  badSamples: () => [
    { inputs: [f32([2, 3, 4, 4]), ...Array(4).fill(f32([2]))], message: "expected gamma to be f32 [3]" },
    { inputs: [f32([2, 3, 4, 4]), ...Array(4).fill(f32([3]))], attributes: { ranks: 0 }, message: "expected ranks" },
  ],
});
