/**
 * The statistics of batch norm over all ranks that train together. Each rank takes the mean and the variance of its own batch.
 * Ranks then sum twice: the means; and the variances with the squares of the own mean around that of all. A single sum, of
 * means and mean squares, would take the variance as a small difference of large numbers where the mean is far from 0.
 * `torch.nn.SyncBatchNorm` gathers each rank's moments instead, which takes memory and time by the number of ranks.
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
  ShapeError,
} from "../../core/mod.ts";
import { elementwiseKernels } from "../../kernels/mod.ts";
import { momentsKernel } from "./cpu.ts";
import { channelSumKernels } from "./families.ts";
import { expectNormInputs, extentsOf, momentsOf, NORM_SHAPES, normCost } from "./norm_shape.ts";
import { momentSums } from "./sums.ts";

/**
 * Input: [N, C, H, W]. Outputs: the mean of each channel [C], and its biased variance [C]. It has no gradient: that of
 * {@link syncBatchNorm} is by its input, through its statistics too.
 */
export const channelMoments: Op = registerOp({
  name: "channelMoments",
  attributes: {},
  float16Inputs: () => [0],
  infer(inputs) {
    expectNormInputs("channelMoments", inputs, []);
    const channels = f32([inputs[0].shape[1]]);
    return [channels, channels];
  },
  reference: ({ inputs: [input] }) => ([x, mean, variance]) => {
    momentsOf(x, extentsOf(input)).forEach((moments, c) => {
      mean[c] = moments.mean;
      variance[c] = moments.variance;
    });
  },
  cpu: ({ inputs: [input] }) => momentsKernel(extentsOf(input)),
  webgpu({ inputs: [input] }) {
    const e = extentsOf(input);
    return channelSumKernels(e, {
      names: ["x", "batchMean", "variance"],
      ...momentSums(e),
      store: {
        buffers: ["batchMean!", "variance!"],
        text: `batchMean[c] = mean;\n  variance[c] = squares / ${e.count}.0;`,
      },
    });
  },
  cost: (spec) => ({ flops: normCost(spec, 4), bytes: bytesMoved(spec) }),
  samples: () =>
    [[1, 2, 1, 1], ...NORM_SHAPES].flatMap((shape) =>
      [0, 30].map((mean) => ({
        inputs: [f32(shape)],
        fill: ([x], random) => x.forEach((_, i) => x[i] = mean + random.normal()),
      }))
    ),
  badSamples: () => [{ inputs: [f32([2, 3])], message: "expected input to be" }],
});

/** The attributes of {@link momentSpread}. */
export type MomentSpreadAttributes = {
  /** The number of ranks. */
  readonly ranks: number;
};

/**
 * The mean squared distance of a rank's elements from the mean of all: variance + (mean - total/ranks)². Inputs: `mean` and
 * `variance` [C] of the rank, and `total` [C], the sum of the ranks' means. Output: [C].
 */
export const momentSpread: Op<MomentSpreadAttributes> = registerOp<MomentSpreadAttributes>({
  name: "momentSpread",
  attributes: { ranks: 1 },
  infer(inputs, { ranks }) {
    expectSpec("momentSpread", "mean", inputs[0], ["C"]);
    ["variance", "total"].forEach((name, k) => expectSpec("momentSpread", name, inputs[k + 1], inputs[0].shape));
    expectInteger("momentSpread", "ranks", ranks, 1);
    return [inputs[0]];
  },
  reference: ({ attributes: { ranks } }) => ([mean, variance, total, spread]) => {
    for (let c = 0; c < spread.length; c++) spread[c] = variance[c] + (mean[c] - total[c] / ranks) ** 2;
  },
  webgpu: ({ inputs: [{ shape }], attributes: { ranks } }) =>
    elementwiseKernels(
      elementCount(shape),
      ["batchMean", "variance", "total", "spread!"],
      `let difference = batchMean[i] - total[i] / ${float(ranks)};
  spread[i] = variance[i] + difference * difference;`,
    ),
  cost: (spec) => ({ flops: 4 * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    [[1, 1], [17, 3]].map(([channels, ranks]) => ({ inputs: Array(3).fill(f32([channels])), attributes: { ranks } })),
  badSamples: () => [
    { inputs: [f32([2]), f32([2]), f32([3])], message: "expected total to be f32 [2]" },
    { inputs: Array(3).fill(f32([2])), attributes: { ranks: 0 }, message: "expected ranks" },
  ],
});

/** The attributes of {@link syncStatistics}. */
export type SyncStatisticsAttributes = MomentSpreadAttributes & {
  /** The elements of a channel, on all ranks. */
  readonly count: number;
  /** The share of the batch's statistics in the running ones. */
  readonly momentum: number;
};

/**
 * The statistics of all ranks. Inputs: `total` and `spread` [C], sums over ranks of their means and of what
 * {@link momentSpread} gives, and `runningMean` and `runningVariance` [C], which follow in place, the variance unbiased.
 * Outputs: the mean [C] and the biased variance [C].
 */
export const syncStatistics: Op<SyncStatisticsAttributes> = registerOp<SyncStatisticsAttributes>({
  name: "syncStatistics",
  attributes: { ranks: 1, count: 2, momentum: 0.1 },
  updates: [2, 3],
  infer(inputs, { ranks, count }) {
    expectSpec("syncStatistics", "total", inputs[0], ["C"]);
    ["spread", "runningMean", "runningVariance"].forEach((name, k) =>
      expectSpec("syncStatistics", name, inputs[k + 1], inputs[0].shape)
    );
    expectInteger("syncStatistics", "ranks", ranks, 1);
    if (!(count > 1)) {
      throw new ShapeError(`syncStatistics: expected count to be above 1 when training but it is ${count}`);
    }
    return [inputs[0], inputs[0]];
  },
  reference: ({ attributes: { ranks, count, momentum } }) => (buffers) => {
    const [total, spread, runningMean, runningVariance, mean, variance] = buffers;
    for (let c = 0; c < total.length; c++) {
      mean[c] = total[c] / ranks;
      variance[c] = spread[c] / ranks;
      runningMean[c] = (1 - momentum) * runningMean[c] + momentum * mean[c];
      runningVariance[c] = (1 - momentum) * runningVariance[c] + momentum * variance[c] * count / (count - 1);
    }
  },
  webgpu: ({ inputs: [{ shape }], attributes: { ranks, count, momentum } }) =>
    elementwiseKernels(
      elementCount(shape),
      ["total", "spread", "runningMean!", "runningVariance!", "batchMean!", "variance!"],
      `let mean = total[i] / ${float(ranks)};
  let biased = spread[i] / ${float(ranks)};
  batchMean[i] = mean;
  variance[i] = biased;
  runningMean[i] = ${float(1 - momentum)} * runningMean[i] + ${float(momentum)} * mean;
  runningVariance[i] = ${float(1 - momentum)} * runningVariance[i] + ${
        float(momentum * count / (count - 1))
      } * biased;`,
    ),
  cost: (spec) => ({ flops: 9 * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    [[1, 1, 2], [17, 3, 81]].map(([channels, ranks, count]) => ({
      inputs: Array(4).fill(f32([channels])),
      attributes: { ranks, count },
      fill: ([, spread, , runningVariance], random) => {
        for (const array of [spread, runningVariance]) array.forEach((_, c) => array[c] = random.uniform(0.5, 2));
      },
    })),
  badSamples: () => [
    { inputs: [f32([2]), f32([3]), f32([2]), f32([2])], message: "expected spread to be f32 [2]" },
    { inputs: Array(4).fill(f32([2])), attributes: { count: 1 }, message: "expected count to be above 1" },
  ],
});
