/**
 * The gradient of batch norm in training. With x̂ the normalised input and means over the channel,
 *
 *     dβ = Σ dy,   dγ = Σ dy·x̂,   dx = γ/√(variance + ε) · (dy - mean(dy) - x̂·mean(dy·x̂))
 *
 * (Ioffe and Szegedy 2015, section 3, simplified). Behind a ReLU, dy counts only where the ReLU's output is positive.
 */

import { bytesMoved, expectSpec, f32, type NumericArray, type Op, registerOp } from "../../core/mod.ts";
import { channelVariants } from "./channel_passes.ts";
import { expectNormInputs, type Extents, extentsOf, NORM_SHAPES, normCost } from "./common.ts";
import { gradientKernel } from "./cpu.ts";
import { gradientFusions } from "./fusions.ts";
import { gradientSums } from "./sums.ts";

function gradientOfChannel(e: Extents, relu: boolean, buffers: readonly NumericArray[], c: number): void {
  const dy = buffers[0], y = buffers[1];
  const [x, batchMean, inverseStd, gamma, dx, dGamma, dBeta] = buffers.slice(relu ? 2 : 1);
  const mean = batchMean[c], deviation = inverseStd[c];
  let sum = 0, product = 0;
  for (let n = 0; n < e.batch; n++) {
    const from = (n * e.channels + c) * e.plane, to = from + e.plane;
    if (relu) {
      for (let i = from; i < to; i++) {
        if (y[i] > 0) {
          sum += dy[i];
          product += dy[i] * (x[i] - mean);
        }
      }
    } else {
      for (let i = from; i < to; i++) {
        sum += dy[i];
        product += dy[i] * (x[i] - mean);
      }
    }
  }
  product *= deviation;
  dBeta[c] = sum;
  dGamma[c] = product;
  const scale = gamma[c] * deviation, offset = sum / e.count, slope = product / e.count * deviation;
  for (let n = 0; n < e.batch; n++) {
    const from = (n * e.channels + c) * e.plane, to = from + e.plane;
    if (relu) {
      for (let i = from; i < to; i++) dx[i] = scale * ((y[i] > 0 ? dy[i] : 0) - offset - (x[i] - mean) * slope);
    } else {
      for (let i = from; i < to; i++) dx[i] = scale * (dy[i] - offset - (x[i] - mean) * slope);
    }
  }
}

function registerGradient(relu: boolean): Op {
  const name = relu ? "batchNormReluGradient" : "batchNormGradient", first = relu ? 2 : 1;
  const masked = relu ? ["y*"] : [];
  const incoming = relu ? "select(Unit(), dy[i], y[i] > Unit())" : "dy[i]";
  return registerOp({
    name,
    attributes: {},
    infer(inputs) {
      expectNormInputs(name, inputs, ["batchMean", "inverseStd", "gamma"], first + 1);
      const { shape } = inputs[first];
      expectSpec(name, "outputGradient", inputs[0], shape);
      if (relu) expectSpec(name, "output", inputs[1], shape);
      const channels = f32([shape[1]]);
      return [inputs[first], channels, channels];
    },
    reference(spec) {
      const e = extentsOf(spec.inputs[0]);
      return (buffers) => {
        for (let c = 0; c < e.channels; c++) gradientOfChannel(e, relu, buffers, c);
      };
    },
    cpu(spec) {
      const [x, mean, deviation, gamma, dx] = [0, 1, 2, 3, 4].map((i) => first + i);
      const buffers = { x, mean, deviation, gamma, dx, ...(relu ? { output: 1 } : {}) };
      return gradientKernel(extentsOf(spec.inputs[0]), buffers);
    },
    webgpu(spec, limits) {
      const e = extentsOf(spec.inputs[0]), { sums, join } = gradientSums("batchMean", incoming, ["dy*", ...masked]);
      return channelVariants(e, limits, {
        names: ["dy", ...(relu ? ["y"] : []), "x", "batchMean", "inverseStd", "gamma", "dx", "dGamma", "dBeta"],
        sums,
        join: { ...join, finish: "let scaled = product * inverseStd[c];" },
        store: { buffers: ["inverseStd", "dGamma!", "dBeta!"], text: "dBeta[c] = sum; dGamma[c] = scaled;" },
        reload: { buffers: ["dGamma", "dBeta"], text: "let sum = dBeta[c]; let scaled = dGamma[c];" },
        apply: {
          buffers: ["dy*", ...masked, "x*", "batchMean", "inverseStd", "gamma", "dx!*"],
          channel: `let mean = batchMean[c];
  let scale = gamma[c] * inverseStd[c];
  let offset = sum / ${e.count}.0;
  let slope = scaled / ${e.count}.0 * inverseStd[c];`,
          unit: `dx[i] = scale * (${incoming} - offset - (x[i] - mean) * slope);`,
        },
      });
    },
    cost: (spec) => ({ flops: normCost(spec, 10), bytes: bytesMoved(spec) }),
    samples: () =>
      NORM_SHAPES.map((shape) => ({
        inputs: [...Array(first + 1).fill(f32(shape)), ...Array(3).fill(f32([shape[1]]))],
        fill: (inputs, random) => {
          const deviation = inputs[first + 2];
          deviation.forEach((_, i) => deviation[i] = random.uniform(0.5, 2));
        },
      })),
    badSamples: () => [{
      inputs: [...Array(first).fill(f32([2, 3, 4, 4])), f32([2, 3, 4, 5]), ...Array(3).fill(f32([3]))],
      message: "expected outputGradient to be f32 [2, 3, 4, 5]",
    }],
    fusions: relu ? gradientFusions : [],
  });
}

/**
 * The gradient of batchNorm. Inputs: `outputGradient` [N, C, H, W], `input` of the same shape, and `batchMean`,
 * `inverseStd` and `gamma` [C]. Outputs: the gradients of input, gamma and beta.
 */
export const batchNormGradient: Op = registerGradient(false);

/** The gradients of ReLU and of {@link batchNormGradient} in one pass; the ReLU's `output` is the second input. */
export const batchNormReluGradient: Op = registerGradient(true);
