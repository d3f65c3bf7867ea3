/**
 * The shortcut of option A (He et al. 2015, section 3.3), without parameters: every stride-th position of the input, and
 * channels of zeros after the input's.
 */

import {
  bytesMoved,
  type CpuStages,
  elementCount,
  expectInteger,
  expectSpec,
  f32,
  type Op,
  registerOp,
  ShapeError,
} from "../core/mod.ts";
import { elementwiseKernels, rowsOfTask } from "../kernels/mod.ts";
import { expectPair } from "./_window.ts";

/** The attributes of {@link subsamplePad}. */
export type SubsampleAttributes = {
  /** The distance between the positions that are kept, vertical and horizontal. */
  readonly stride: readonly number[];
  /** The channels of the output. */
  readonly channels: number;
};

/** The attributes of {@link subsamplePadGradient}. */
export type SubsampleGradientAttributes = {
  /** The distance between the positions that were kept, vertical and horizontal. */
  readonly stride: readonly number[];
  /** Channels, height and width of the input. */
  readonly inputShape: readonly number[];
};

/** The stage of a kernel of `core/cpu/wasm/assembly/subsample.ts`, from the shapes of the larger and the smaller tensor. */
function subsampleKernel(
  kernel: "subsample" | "subsampleGradient",
  [batch, inputs, height, width]: readonly number[],
  [, outputs, outputHeight, outputWidth]: readonly number[],
  stride: readonly number[],
): CpuStages {
  const forward = kernel === "subsample", planes = batch * (forward ? outputs : inputs);
  const group = rowsOfTask(planes, forward ? outputHeight * outputWidth : height * width);
  return {
    stages: [{
      kernel,
      tasks: Math.ceil(planes / group),
      arguments: [
        { buffer: 0 },
        { buffer: 1 },
        planes,
        group,
        inputs,
        outputs,
        height,
        width,
        outputHeight,
        outputWidth,
        ...stride,
      ],
    }],
  };
}

const CASES = [
  { input: [1, 1, 1, 1], stride: [1, 1], channels: 3 },
  { input: [2, 3, 7, 9], stride: [2, 2], channels: 6 },
  { input: [3, 4, 8, 8], stride: [2, 2], channels: 4 },
  { input: [2, 3, 9, 23], stride: [2, 2], channels: 5 },
  { input: [1, 5, 6, 5], stride: [3, 1], channels: 7 },
];

/** The gradient of {@link subsamplePad}. Input: `outputGradient` [N, channels, OH, OW]. Output: [N, C, H, W]. */
export const subsamplePadGradient: Op<SubsampleGradientAttributes> = registerOp<SubsampleGradientAttributes>({
  name: "subsamplePadGradient",
  attributes: { stride: [1, 1], inputShape: [1, 1, 1] },
  float16Inputs: () => [0],
  infer([outputGradient], { stride, inputShape: [channels, height, width] }) {
    const op = "subsamplePadGradient";
    expectPair(op, "stride", stride, 1);
    expectSpec(op, "outputGradient", outputGradient, [
      "N",
      "channels",
      Math.ceil(height / stride[0]),
      Math.ceil(width / stride[1]),
    ], "float");
    return [{ ...outputGradient, shape: [outputGradient.shape[0], channels, height, width] }];
  },
  reference({ inputs: [{ shape: [batch, outputs, outputHeight, outputWidth] }], attributes: { stride, inputShape } }) {
    const [channels, height, width] = inputShape;
    return ([dy, dx]) => {
      dx.fill(0);
      for (let n = 0; n < batch; n++) {
        for (let c = 0; c < channels; c++) {
          for (let y = 0; y < outputHeight; y++) {
            for (let x = 0; x < outputWidth; x++) {
              dx[((n * channels + c) * height + y * stride[0]) * width + x * stride[1]] =
                dy[((n * outputs + c) * outputHeight + y) * outputWidth + x];
            }
          }
        }
      }
    };
  },
  cpu: ({ inputs: [input], outputs: [output], attributes: { stride } }) =>
    subsampleKernel("subsampleGradient", output.shape, input.shape, stride),
  webgpu({ inputs: [{ shape: [, outputs, outputHeight, outputWidth] }], outputs: [output], attributes }) {
    const [channels, height, width] = attributes.inputShape, [down, right] = attributes.stride;
    const body = `let x = i % ${width}u; let y = i / ${width}u % ${height}u;
  let c = i / ${width * height}u % ${channels}u; let n = i / ${width * height * channels}u;
  dx[i] = select(0.0, dy[((n * ${outputs}u + c) * ${outputHeight}u + y / ${down}u) * ${outputWidth}u + x / ${right}u],
    (y % ${down}u == 0u) & (x % ${right}u == 0u));`;
    return elementwiseKernels(elementCount(output.shape), ["dy", "dx!"], body);
  },
  cost: (spec) => ({ flops: 0, bytes: bytesMoved(spec) }),
  samples: () =>
    CASES.map(({ input: [n, ...inputShape], stride, channels }) => ({
      inputs: [f32([n, channels, Math.ceil(inputShape[1] / stride[0]), Math.ceil(inputShape[2] / stride[1])])],
      attributes: { stride, inputShape },
    })),
  badSamples: () => [{
    inputs: [f32([1, 4, 3, 3])],
    attributes: { stride: [2, 2], inputShape: [2, 8, 8] },
    message: "expected outputGradient to be f32 [N, channels, 4, 4]",
  }],
});

/**
 * y[n, c, i, j] = x[n, c, i·stride, j·stride] for the input's channels, 0 for those after them.
 * Input: [N, C, H, W]. Output: [N, channels, ceil(H/stride), ceil(W/stride)].
 */
export const subsamplePad: Op<SubsampleAttributes> = registerOp<SubsampleAttributes>({
  name: "subsamplePad",
  attributes: { stride: [1, 1], channels: 1 },
  float16Inputs: () => [0],
  infer([input], { stride, channels }) {
    expectSpec("subsamplePad", "input", input, ["N", "C", "H", "W"], "float");
    expectPair("subsamplePad", "stride", stride, 1);
    expectInteger("subsamplePad", "channels", channels, 1);
    const [batch, inputs, height, width] = input.shape;
    if (channels < inputs) {
      throw new ShapeError(
        `subsamplePad: expected channels to be at least the input's ${inputs} but it is ${channels}`,
      );
    }
    return [{ ...input, shape: [batch, channels, Math.ceil(height / stride[0]), Math.ceil(width / stride[1])] }];
  },
  gradient: (graph, node, [outputGradient]) =>
    subsamplePadGradient.apply(graph, [outputGradient!], {
      stride: node.attributes.stride,
      inputShape: node.inputs[0].shape.slice(1),
    }),
  reference({ inputs: [{ shape: [batch, inputs, height, width] }], outputs: [output], attributes: { stride } }) {
    const [, channels, outputHeight, outputWidth] = output.shape;
    return ([x, y]) => {
      y.fill(0);
      for (let n = 0; n < batch; n++) {
        for (let c = 0; c < inputs; c++) {
          for (let i = 0; i < outputHeight; i++) {
            for (let j = 0; j < outputWidth; j++) {
              y[((n * channels + c) * outputHeight + i) * outputWidth + j] =
                x[((n * inputs + c) * height + i * stride[0]) * width + j * stride[1]];
            }
          }
        }
      }
    };
  },
  cpu: ({ inputs: [input], outputs: [output], attributes: { stride } }) =>
    subsampleKernel("subsample", input.shape, output.shape, stride),
  webgpu({ inputs: [{ shape: [, inputs, height, width] }], outputs: [output], attributes: { stride } }) {
    const [, channels, outputHeight, outputWidth] = output.shape;
    const body = `let column = i % ${outputWidth}u; let row = i / ${outputWidth}u % ${outputHeight}u;
  let c = i / ${outputWidth * outputHeight}u % ${channels}u; let n = i / ${outputWidth * outputHeight * channels}u;
  let source = ((n * ${inputs}u + min(c, ${inputs - 1}u)) * ${height}u + row * ${stride[0]}u) * ${width}u + column * ${
      stride[1]
    }u;
  y[i] = select(0.0, x[source], c < ${inputs}u);`;
    return elementwiseKernels(elementCount(output.shape), ["x", "y!"], body);
  },
  cost: (spec) => ({ flops: 0, bytes: bytesMoved(spec) }),
  samples: () =>
    CASES.map(({ input, stride, channels }) => ({ inputs: [f32(input)], attributes: { stride, channels } })),
  badSamples: () => [{
    inputs: [f32([1, 4, 8, 8])],
    attributes: { stride: [2, 2], channels: 3 },
    message: "expected channels to be at least the input's 4",
  }],
});
