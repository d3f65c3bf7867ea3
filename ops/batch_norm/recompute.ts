/**
 * Batch norm in training once more, for the backward pass: the same y, to the bit, from the statistics that the forward pass
 * left, without another step of the running statistics.
 */

import { bytesMoved, f32, type Op, type OpSpec, registerOp } from "../../core/mod.ts";
import { applyKernels, applyPlane } from "./apply.ts";
import {
  badNormSamples,
  type Epilogue,
  EPILOGUES,
  exceedCeiling,
  expectNormInputs,
  expectResidual,
  expectSeveral,
  extentsOf,
  momentsOf,
  normCost,
  sampleShapes,
} from "./norm_shape.ts";
import { recomputeKernel } from "./cpu.ts";

/** The attributes of batch norm that is computed again. */
export type BatchNormRecomputeAttributes = {
  /** What was added to the variance. */
  readonly epsilon: number;
};

function registerRecompute(suffix: string): Op<BatchNormRecomputeAttributes> {
  const name = `batchNormRecompute${suffix}`, epilogue: Epilogue = EPILOGUES[suffix];
  return registerOp<BatchNormRecomputeAttributes>({
    name,
    attributes: { epsilon: 1e-5 },
    infer(inputs) {
      expectNormInputs(name, inputs, ["gamma", "beta", "batchMean", "inverseStd"]);
      expectResidual(name, inputs, epilogue);
      expectSeveral(name, inputs[0]);
      return [inputs[0]];
    },
    reference({ inputs }) {
      const e = extentsOf(inputs[0]);
      return (buffers) => {
        const [x, gamma, beta, mean, inverseStd] = buffers, y = buffers[buffers.length - 1];
        const residual = epilogue.residual ? buffers[5] : undefined;
        for (let plane = 0; plane < e.batch * e.channels; plane++) {
          const c = plane % e.channels, from = plane * e.plane;
          applyPlane(epilogue, x, residual, y, from, from + e.plane, mean[c], inverseStd[c] * gamma[c], beta[c]);
        }
      };
    },
    cpu({ inputs, attributes }: OpSpec<BatchNormRecomputeAttributes>) {
      return recomputeKernel(extentsOf(inputs[0]), epilogue, attributes.epsilon);
    },
    webgpu({ inputs }) {
      const statistics = "let mean = batchMean[c]; let inverseStd = deviation[c];";
      const bindings = [{ name: "batchMean", index: 3 }, { name: "deviation", index: 4 }];
      return applyKernels(extentsOf(inputs[0]), epilogue, statistics, bindings, 5, inputs.length);
    },
    cost: (spec) => ({ flops: normCost(spec, 3), bytes: bytesMoved(spec) }),
    samples: () =>
      sampleShapes(epilogue).flatMap((shape) =>
        // Of a few values far from 0 and close to each other, statistics in float32 leave little.
        (extentsOf(f32(shape)).count < 16 ? [0] : [0, 30]).map((mean) => ({
          inputs: [f32(shape), ...Array(4).fill(f32([shape[1]])), ...(epilogue.residual ? [f32(shape)] : [])],
          fill: ([x, gamma, , batchMean, inverseStd], random) => {
            x.forEach((_, i) => x[i] = mean + random.normal());
            momentsOf(x, extentsOf(f32(shape))).forEach(({ mean, variance }, c) => {
              batchMean[c] = mean;
              inverseStd[c] = 1 / Math.sqrt(variance + 1e-5);
            });
            exceedCeiling(epilogue, gamma);
          },
        }))
      ),
    badSamples: () => badNormSamples(epilogue),
  });
}

/**
 * Batch norm in training from its own statistics. Inputs: `input` [N, C, H, W], `gamma` and `beta` [C], and `batchMean` and
 * `inverseStd` [C], which must be those that `batchNorm` gave for this input and this epsilon: the CPU backend, which holds
 * them in float64 while it works, takes them of the input again. Output: y [N, C, H, W].
 */
export const batchNormRecompute: Op<BatchNormRecomputeAttributes> = registerRecompute("");

/** {@link batchNormRecompute} and ReLU in one pass. */
export const batchNormRecomputeRelu: Op<BatchNormRecomputeAttributes> = registerRecompute("Relu");

/** {@link batchNormRecompute} and ReLU6 in one pass. */
export const batchNormRecomputeRelu6: Op<BatchNormRecomputeAttributes> = registerRecompute("Relu6");

/** {@link batchNormRecompute}, a `residual` of y's shape added, and ReLU in one pass. */
export const batchNormRecomputeAddRelu: Op<BatchNormRecomputeAttributes> = registerRecompute("AddRelu");

/** The op that computes again what `batchNorm` followed by a suffix computes. */
export const RECOMPUTED: Readonly<Record<string, Op<BatchNormRecomputeAttributes>>> = {
  "": batchNormRecompute,
  Relu: batchNormRecomputeRelu,
  Relu6: batchNormRecomputeRelu6,
  AddRelu: batchNormRecomputeAddRelu,
};
