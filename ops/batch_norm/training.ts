/**
 * Batch norm in training (Ioffe and Szegedy 2015, algorithm 1): y = γ·(x - mean)/√(variance + ε) + β with the batch's own
 * statistics; the running statistics follow with momentum, the variance unbiased, as in PyTorch.
 */

import { bytesMoved, f32, float, type NumericArray, type Op, type OpSpec, registerOp } from "../../core/mod.ts";
import { applyPlane, applyWgsl } from "./apply.ts";
import type { ChannelWork } from "./channel_kernels.ts";
import { channelKernels } from "./families.ts";
import {
  badNormSamples,
  type BatchNormAttributes,
  type Epilogue,
  EPILOGUES,
  exceedCeiling,
  expectNormInputs,
  expectResidual,
  expectSeveral,
  type Extents,
  extentsOf,
  normCost,
  sampleShapes,
} from "./norm_shape.ts";
import { trainingKernel } from "./cpu.ts";
import { fusionsOf } from "./fusions.ts";
import { batchNormGradient } from "./gradient.ts";
import { RECOMPUTED } from "./recompute.ts";
import { momentSums } from "./sums.ts";

/** Normalises one channel, and updates its running statistics. */
function normalizeChannel(
  { batch, channels, plane, count }: Extents,
  epilogue: Epilogue,
  { momentum, epsilon }: BatchNormAttributes,
  buffers: readonly NumericArray[],
  c: number,
): void {
  const [x, gamma, beta, runningMean, runningVariance] = buffers;
  const residual = epilogue.residual ? buffers[5] : undefined;
  const [y, batchMean, inverseStd] = buffers.slice(buffers.length - 3);
  let sum = 0;
  for (let n = 0; n < batch; n++) {
    const from = (n * channels + c) * plane, to = from + plane;
    for (let i = from; i < to; i++) sum += x[i];
  }
  const mean = sum / count;
  let squares = 0;
  for (let n = 0; n < batch; n++) {
    const from = (n * channels + c) * plane, to = from + plane;
    for (let i = from; i < to; i++) {
      const difference = x[i] - mean;
      squares += difference * difference;
    }
  }
  const deviation = 1 / Math.sqrt(squares / count + epsilon);
  batchMean[c] = mean;
  inverseStd[c] = deviation;
  runningMean[c] = (1 - momentum) * runningMean[c] + momentum * mean;
  runningVariance[c] = (1 - momentum) * runningVariance[c] + momentum * squares / (count - 1);
  for (let n = 0; n < batch; n++) {
    const from = (n * channels + c) * plane;
    applyPlane(epilogue, x, residual, y, from, from + plane, mean, deviation * gamma[c], beta[c]);
  }
}

/** Normalises every channel by its own moments, and has the running statistics follow. */
function trainingWork(
  e: Extents,
  epilogue: Epilogue,
  { momentum, epsilon }: BatchNormAttributes,
): ChannelWork {
  const inputs = ["x", "gamma", "beta", "runningMean", "runningVariance", ...(epilogue.residual ? ["residual"] : [])];
  const { sums, join } = momentSums(e);
  return {
    names: [...inputs, "y", "batchMean", "deviation"],
    sums,
    join: { ...join, finish: `let inverseStd = 1.0 / sqrt(squares / ${e.count}.0 + ${float(epsilon)});` },
    store: {
      buffers: ["batchMean!", "deviation!", "runningMean!", "runningVariance!"],
      text: `batchMean[c] = mean;
  deviation[c] = inverseStd;
  runningMean[c] = ${float(1 - momentum)} * runningMean[c] + ${float(momentum)} * mean;
  runningVariance[c] = ${float(1 - momentum)} * runningVariance[c] + ${float(momentum)} * squares / ${e.count - 1}.0;`,
    },
    reload: {
      buffers: ["batchMean", "deviation"],
      text: "let mean = batchMean[c]; let inverseStd = deviation[c];",
    },
    apply: {
      buffers: ["x*", "gamma", "beta", ...(epilogue.residual ? ["residual*"] : []), "y!*"],
      channel: "let scale = inverseStd * gamma[c]; let shift = beta[c];",
      unit: applyWgsl(e, epilogue),
    },
  };
}

function registerTraining(suffix: string): Op<BatchNormAttributes> {
  const name = `batchNorm${suffix}`, epilogue = EPILOGUES[suffix];
  const plain = epilogue.activation === undefined;
  return registerOp<BatchNormAttributes>({
    name,
    attributes: { momentum: 0.1, epsilon: 1e-5 },
    updates: [3, 4],
    float16Inputs: () => epilogue.residual ? [0, 5] : [0],
    infer(inputs) {
      expectNormInputs(name, inputs, ["gamma", "beta", "runningMean", "runningVariance"]);
      expectResidual(name, inputs, epilogue);
      expectSeveral(name, inputs[0]);
      const channels = f32([inputs[0].shape[1]]);
      return [inputs[0], channels, channels];
    },
    ...(plain
      ? {
        gradient: (graph, { arguments: [input, gamma], results: [, batchMean, inverseStd] }, [outputGradient]) =>
          batchNormGradient.apply(graph, [outputGradient!, input, batchMean, inverseStd, gamma]),
      }
      : {}),
    recompute: ({ arguments: values, results, attributes: { epsilon } }) => {
      const [x, gamma, beta, , , ...residual] = values, [y, ...statistics] = results;
      return {
        op: RECOMPUTED[suffix] as unknown as Op,
        arguments: [x, gamma, beta, ...statistics, ...residual],
        results: [y],
        attributes: { epsilon },
      };
    },
    reference(spec) {
      const e = extentsOf(spec.inputs[0]);
      return (buffers) => {
        for (let c = 0; c < e.channels; c++) normalizeChannel(e, epilogue, spec.attributes, buffers, c);
      };
    },
    cpu(spec: OpSpec<BatchNormAttributes>) {
      return trainingKernel(extentsOf(spec.inputs[0]), epilogue, spec.attributes);
    },
    webgpu(spec) {
      const e = extentsOf(spec.inputs[0]);
      return channelKernels(e, trainingWork(e, epilogue, spec.attributes));
    },
    cost: (spec) => ({ flops: normCost(spec, 7), bytes: bytesMoved(spec) }),
    samples: () =>
      sampleShapes(epilogue).flatMap((shape) =>
        [0, 30].map((mean) => ({
          inputs: [f32(shape), ...Array(4).fill(f32([shape[1]])), ...(epilogue.residual ? [f32(shape)] : [])],
          fill: ([x, gamma, , , runningVariance], random) => {
            x.forEach((_, i) => x[i] = mean + random.normal());
            runningVariance.forEach((_, i) => runningVariance[i] = random.uniform(0.5, 2));
            exceedCeiling(epilogue, gamma);
          },
        }))
      ),
    badSamples: () => badNormSamples(epilogue),
    fusions: fusionsOf("batchNorm", epilogue),
  });
}

/**
 * Batch norm in training. Inputs: `input` [N, C, H, W], `gamma` [C], `beta` [C], and `runningMean` [C] and `runningVariance`
 * [C], which are updated in place. Outputs: y [N, C, H, W], the batch's mean [C] and 1/√(biased variance + ε) [C].
 */
export const batchNorm: Op<BatchNormAttributes> = registerTraining("");

/** {@link batchNorm} and ReLU in one pass. The planner puts it in; models record the two ops. */
export const batchNormRelu: Op<BatchNormAttributes> = registerTraining("Relu");

/** {@link batchNorm} and ReLU6 in one pass. The planner puts it in; models record the two ops. */
export const batchNormRelu6: Op<BatchNormAttributes> = registerTraining("Relu6");

/** {@link batchNorm}, a `residual` of y's shape added, and ReLU in one pass: the end of a residual block. */
export const batchNormAddRelu: Op<BatchNormAttributes> = registerTraining("AddRelu");
