/** Batch norm with running statistics: y = γ·(x - mean)/√(variance + ε) + β, as `torch.nn.BatchNorm2d` in eval mode. */

import {
  bytesMoved,
  expectSpec,
  f32,
  float,
  type NumericArray,
  type Op,
  type OpSpec,
  registerOp,
} from "../../core/mod.ts";
import { applyKernels, applyPlane } from "./apply.ts";
import { channelKernels } from "./families.ts";
import {
  type Epilogue,
  EPILOGUES,
  exceedCeiling,
  expectNormInputs,
  expectResidual,
  type Extents,
  extentsOf,
  NORM_SHAPES,
  normCost,
  sampleShapes,
} from "./norm_shape.ts";
import { gradientKernel, inferenceKernel } from "./cpu.ts";
import { fusionsOf } from "./fusions.ts";
import { gradientSums } from "./sums.ts";

/** The attributes of batch norm with running statistics. */
export type BatchNormInferenceAttributes = {
  /** What is added to the variance. */
  readonly epsilon: number;
};

function positive(array: NumericArray, random: { uniform(low: number, high: number): number }): void {
  array.forEach((_, i) => array[i] = random.uniform(0.5, 2));
}

function gradientOfChannel(e: Extents, epsilon: number, buffers: readonly NumericArray[], c: number): void {
  const [dy, x, gamma, runningMean, runningVariance, dx, dGamma, dBeta] = buffers;
  const mean = runningMean[c], deviation = 1 / Math.sqrt(runningVariance[c] + epsilon), scale = gamma[c] * deviation;
  let sum = 0, product = 0;
  for (let n = 0; n < e.batch; n++) {
    const from = (n * e.channels + c) * e.plane;
    for (let i = from; i < from + e.plane; i++) {
      sum += dy[i];
      product += dy[i] * (x[i] - mean);
      dx[i] = dy[i] * scale;
    }
  }
  dGamma[c] = product * deviation;
  dBeta[c] = sum;
}

/**
 * The gradient of {@link batchNormInference}. Inputs: `outputGradient` and `input` [N, C, H, W], `gamma`, `runningMean` and
 * `runningVariance` [C]. Outputs: the gradients of input, gamma and beta; the statistics are constants.
 */
export const batchNormInferenceGradient: Op<BatchNormInferenceAttributes> = registerOp<BatchNormInferenceAttributes>({
  name: "batchNormInferenceGradient",
  attributes: { epsilon: 1e-5 },
  float16Inputs: () => [0, 1],
  infer(inputs) {
    const name = "batchNormInferenceGradient";
    expectNormInputs(name, inputs, ["gamma", "runningMean", "runningVariance"], 2);
    expectSpec(name, "outputGradient", inputs[0], inputs[1].shape, inputs[1].dtype);
    const channels = f32([inputs[1].shape[1]]);
    return [inputs[1], channels, channels];
  },
  reference({ inputs, attributes: { epsilon } }) {
    const e = extentsOf(inputs[0]);
    return (buffers) => {
      for (let c = 0; c < e.channels; c++) gradientOfChannel(e, epsilon, buffers, c);
    };
  },
  cpu({ inputs, attributes: { epsilon } }: OpSpec<BatchNormInferenceAttributes>) {
    return gradientKernel(extentsOf(inputs[0]), { x: 1, gamma: 2, mean: 3, deviation: 4, dx: 5, epsilon });
  },
  webgpu({ inputs, attributes: { epsilon } }) {
    const inverseStd = `let inverseStd = 1.0 / sqrt(runningVariance[c] + ${float(epsilon)});`;
    return channelKernels(extentsOf(inputs[0]), {
      names: ["dy", "x", "gamma", "runningMean", "runningVariance", "dx", "dGamma", "dBeta"],
      ...gradientSums("runningMean", "dy[i]", ["dy*"]),
      store: {
        buffers: ["runningVariance", "dGamma!", "dBeta!"],
        text: `${inverseStd} dBeta[c] = sum; dGamma[c] = product * inverseStd;`,
      },
      reload: { buffers: [], text: "" },
      apply: {
        buffers: ["dy*", "gamma", "runningVariance", "dx!*"],
        channel: `${inverseStd} let scale = gamma[c] * inverseStd;`,
        unit: "dx[i] = dy[i] * scale;",
      },
    });
  },
  cost: (spec) => ({ flops: normCost(spec, 5), bytes: bytesMoved(spec) }),
  samples: () =>
    NORM_SHAPES.map((shape) => ({
      inputs: [f32(shape), f32(shape), ...Array(3).fill(f32([shape[1]]))],
      fill: (inputs, random) => positive(inputs[4], random),
    })),
  badSamples: () => [{
    inputs: [f32([2, 3, 4, 5]), f32([2, 3, 4, 4]), ...Array(3).fill(f32([3]))],
    message: "expected outputGradient to be f32 [2, 3, 4, 4]",
  }],
});

function applyChannelPlane(
  e: Extents,
  epilogue: Epilogue,
  epsilon: number,
  buffers: readonly NumericArray[],
  plane: number,
): void {
  const [x, gamma, beta, mean, variance] = buffers, c = plane % e.channels, from = plane * e.plane;
  const scale = gamma[c] / Math.sqrt(variance[c] + epsilon);
  const residual = epilogue.residual ? buffers[5] : undefined;
  applyPlane(epilogue, x, residual, buffers[buffers.length - 1], from, from + e.plane, mean[c], scale, beta[c]);
}

function registerInference(suffix: string): Op<BatchNormInferenceAttributes> {
  const name = `batchNormInference${suffix}`, epilogue = EPILOGUES[suffix];
  return registerOp<BatchNormInferenceAttributes>({
    name,
    attributes: { epsilon: 1e-5 },
    float16Inputs: () => epilogue.residual ? [0, 5] : [0],
    infer(inputs) {
      expectNormInputs(name, inputs, ["gamma", "beta", "runningMean", "runningVariance"]);
      expectResidual(name, inputs, epilogue);
      return [inputs[0]];
    },
    ...(epilogue.activation !== undefined ? {} : {
      gradient: (graph, { arguments: [input, gamma, , mean, variance], attributes }, [outputGradient]) =>
        batchNormInferenceGradient.apply(graph, [outputGradient!, input, gamma, mean, variance], attributes),
    }),
    reference(spec) {
      const e = extentsOf(spec.inputs[0]);
      return (buffers) => {
        for (let plane = 0; plane < e.batch * e.channels; plane++) {
          applyChannelPlane(e, epilogue, spec.attributes.epsilon, buffers, plane);
        }
      };
    },
    cpu(spec: OpSpec<BatchNormInferenceAttributes>) {
      return inferenceKernel(extentsOf(spec.inputs[0]), epilogue, spec.attributes.epsilon);
    },
    webgpu(spec) {
      const statistics = `let mean = runningMean[c]; let inverseStd = 1.0 / sqrt(runningVariance[c] + ${
        float(spec.attributes.epsilon)
      });`;
      const bindings = [{ name: "runningMean", index: 3 }, { name: "runningVariance", index: 4 }];
      return applyKernels(extentsOf(spec.inputs[0]), epilogue, statistics, bindings, 5, spec.inputs.length);
    },
    cost: (spec) => ({ flops: normCost(spec, 3), bytes: bytesMoved(spec) }),
    samples: () =>
      [[1, 1, 1, 1], ...sampleShapes(epilogue)].map((shape) => ({
        inputs: [f32(shape), ...Array(4).fill(f32([shape[1]])), ...(epilogue.residual ? [f32(shape)] : [])],
        fill: (inputs, random) => {
          positive(inputs[4], random);
          exceedCeiling(epilogue, inputs[1]);
        },
      })),
    badSamples: () => [{
      inputs: [f32([2, 3, 4, 4]), ...Array(4).fill(f32([2])), f32([1])],
      message: "expected gamma to be f32 [3]",
    }],
    // By the statistics of all ranks, training normalises as inference does.
    fusions: [
      ...fusionsOf("batchNormInference", epilogue),
      ...fusionsOf("syncBatchNorm", epilogue, ({ epsilon }) => ({ epsilon })),
    ],
  });
}

/**
 * Batch norm with running statistics. Inputs: `input` [N, C, H, W], and `gamma`, `beta`, `runningMean` and
 * `runningVariance` [C]. Output: [N, C, H, W].
 */
export const batchNormInference: Op<BatchNormInferenceAttributes> = registerInference("");

/** {@link batchNormInference} and ReLU in one pass. The planner puts it in. */
export const batchNormInferenceRelu: Op<BatchNormInferenceAttributes> = registerInference("Relu");

/** {@link batchNormInference} and ReLU6 in one pass. The planner puts it in. */
export const batchNormInferenceRelu6: Op<BatchNormInferenceAttributes> = registerInference("Relu6");

/** {@link batchNormInference}, a `residual` added, and ReLU in one pass. The planner puts it in. */
export const batchNormInferenceAddRelu: Op<BatchNormInferenceAttributes> = registerInference("AddRelu");
