/**
 * The gradient of batch norm in training. With x̂ the normalised input and means over the channel,
 *
 *     dβ = Σ dy,   dγ = Σ dy·x̂,   dx = γ/√(variance + ε) · (dy - mean(dy) - x̂·mean(dy·x̂))
 *
 * (Ioffe and Szegedy 2015, section 3, simplified). Behind a ReLU, dy counts only where the ReLU's output is positive, and
 * behind a ReLU6 where its output is also below 6.
 */

import { bytesMoved, expectSpec, f32, type NumericArray, type Op, registerOp } from "../../core/mod.ts";
import { channelKernels } from "./families.ts";
import {
  ceilingWgsl,
  EPILOGUES,
  expectNormInputs,
  type Extents,
  extentsOf,
  type FusedActivation,
  normCost,
  sampleShapes,
} from "./norm_shape.ts";
import { gradientKernel } from "./cpu.ts";
import { gradientFusionsOf } from "./fusions.ts";
import { gradientSums } from "./sums.ts";

function gradientOfChannel(
  e: Extents,
  activation: FusedActivation | undefined,
  buffers: readonly NumericArray[],
  c: number,
): void {
  const dy = buffers[0], y = buffers[1];
  const [x, batchMean, inverseStd, gamma, dx, dGamma, dBeta] = buffers.slice(activation === undefined ? 1 : 2);
  const mean = batchMean[c], deviation = inverseStd[c];
  const incoming = (i: number) => activation === undefined || (y[i] > 0 && y[i] < activation.ceiling) ? dy[i] : 0;
  let sum = 0, product = 0;
  for (let n = 0; n < e.batch; n++) {
    const from = (n * e.channels + c) * e.plane, to = from + e.plane;
    for (let i = from; i < to; i++) {
      sum += incoming(i);
      product += incoming(i) * (x[i] - mean);
    }
  }
  product *= deviation;
  dBeta[c] = sum;
  dGamma[c] = product;
  const scale = gamma[c] * deviation, offset = sum / e.count, slope = product / e.count * deviation;
  for (let n = 0; n < e.batch; n++) {
    const from = (n * e.channels + c) * e.plane, to = from + e.plane;
    for (let i = from; i < to; i++) dx[i] = scale * (incoming(i) - offset - (x[i] - mean) * slope);
  }
}

/** WGSL of unit `i` of the gradient that comes to the norm. */
function incomingWgsl(activation: FusedActivation | undefined): string {
  if (activation === undefined) return "dy[i]";
  const ceiling = ceilingWgsl(activation);
  const open = ceiling === undefined ? "y[i] > Unit()" : `(y[i] > Unit()) & (y[i] < ${ceiling})`;
  return `select(Unit(), dy[i], ${open})`;
}

function registerGradient(suffix: string): Op {
  const name = `batchNorm${suffix}Gradient`, epilogue = EPILOGUES[suffix], { activation } = epilogue;
  const behind = activation !== undefined, first = behind ? 2 : 1, masked = behind ? ["y*"] : [];
  const incoming = incomingWgsl(activation);
  return registerOp({
    name,
    attributes: {},
    float16Inputs: () => behind ? [0, 1, 2] : [0, 1],
    infer(inputs) {
      expectNormInputs(name, inputs, ["batchMean", "inverseStd", "gamma"], first + 1);
      const { shape, dtype } = inputs[first];
      expectSpec(name, "outputGradient", inputs[0], shape, dtype);
      if (behind) expectSpec(name, "output", inputs[1], shape, dtype);
      const channels = f32([shape[1]]);
      return [inputs[first], channels, channels];
    },
    reference(spec) {
      const e = extentsOf(spec.inputs[0]);
      return (buffers) => {
        for (let c = 0; c < e.channels; c++) gradientOfChannel(e, activation, buffers, c);
      };
    },
    cpu(spec) {
      const [x, mean, deviation, gamma, dx] = [0, 1, 2, 3, 4].map((i) => first + i);
      const buffers = { x, mean, deviation, gamma, dx, ...(behind ? { activation, output: 1 } : {}) };
      return gradientKernel(extentsOf(spec.inputs[0]), buffers);
    },
    webgpu(spec) {
      const e = extentsOf(spec.inputs[0]), { sums, join } = gradientSums("batchMean", incoming, ["dy*", ...masked]);
      return channelKernels(e, {
        names: ["dy", ...(behind ? ["y"] : []), "x", "batchMean", "inverseStd", "gamma", "dx", "dGamma", "dBeta"],
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
      sampleShapes(epilogue).map((shape) => ({
        inputs: [...Array(first + 1).fill(f32(shape)), ...Array(3).fill(f32([shape[1]]))],
        fill: (inputs, random) => {
          const deviation = inputs[first + 2];
          deviation.forEach((_, i) => deviation[i] = random.uniform(0.5, 2));
          // Outputs of the activation, which are often 0 or at the ceiling.
          if (behind) {
            inputs[1].forEach((value, i) => inputs[1][i] = Math.min(Math.max(4 * value, 0), activation.ceiling));
          }
        },
      })),
    badSamples: () => [{
      inputs: [...Array(first).fill(f32([2, 3, 4, 4])), f32([2, 3, 4, 5]), ...Array(3).fill(f32([3]))],
      message: "expected outputGradient to be f32 [2, 3, 4, 5]",
    }],
    fusions: gradientFusionsOf(activation),
  });
}

/**
 * The gradient of batchNorm. Inputs: `outputGradient` [N, C, H, W], `input` of the same shape, and `batchMean`,
 * `inverseStd` and `gamma` [C]. Outputs: the gradients of input, gamma and beta.
 */
export const batchNormGradient: Op = registerGradient("");

/** The gradients of ReLU and of {@link batchNormGradient} in one pass; the ReLU's `output` is the second input. */
export const batchNormReluGradient: Op = registerGradient("Relu");

/** The gradients of ReLU6 and of {@link batchNormGradient} in one pass; the `output` of ReLU6 is the second input. */
export const batchNormRelu6Gradient: Op = registerGradient("Relu6");
