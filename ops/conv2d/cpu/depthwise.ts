/** Convolutions of one input channel a group on the CPU: the arguments of `core/cpu/wasm/assembly/depthwise.ts`. */

import type { CpuStages } from "../../../core/mod.ts";
import { roundUp } from "../../../kernels/mod.ts";
import { type ConvolutionOperands, epilogueArguments, outputArguments } from "../epilogue.ts";
import type { ConvolutionProblem } from "../problem.ts";

/** Vectors of a band: about what a first-level cache holds beside the rest. */
const BAND_VECTORS = 1500;

/** How planes are computed: a band of rows at a time, four channels in the lanes of a vector. */
interface Bands {
  /** Vectors of a row of the woven buffer. */
  readonly row: number;
  /** Rows of outputs of a band. */
  readonly rows: number;
  /** Rows of the buffer under them. */
  readonly bufferRows: number;
}

/** Bands of `height` by `width` outputs, whose planes are `columns` wide with the padding on their left. */
function bandsOf(
  g: ConvolutionProblem,
  height: number,
  width: number,
  columns: number,
  stride: readonly number[],
): Bands {
  // Four outputs are computed at once, so a row is as long as if the width were a multiple of 4.
  const seen = (roundUp(width, 4) - 1) * stride[1] + (g.kernelWidth - 1) * g.dilation[1] + 1;
  const row = Math.max(seen, columns), reach = (g.kernelHeight - 1) * g.dilation[0] + 1;
  const rows = Math.max(1, Math.min(height, Math.floor((BAND_VECTORS / row - reach) / stride[0]) + 1));
  return { row, rows, bufferRows: (rows - 1) * stride[0] + reach };
}

/** Outputs of four planes that are worth a task, and the fewest tasks. */
const LEAST_OUTPUTS = 4096, LEAST_TASKS = 32;

/** How many images a task of four channels takes, and how many tasks there are. */
export function imagesOf(batch: number, channels: number, plane: number): { images: number; tasks: number } {
  const quads = Math.ceil(channels / 4), most = Math.max(1, Math.floor(batch * quads / LEAST_TASKS));
  const images = Math.min(batch, most, Math.ceil(LEAST_OUTPUTS / plane));
  return { images, tasks: quads * Math.ceil(batch / images) };
}

function planeArguments(g: ConvolutionProblem, padding: readonly number[], { row, rows }: Bands): number[] {
  return [
    g.groups,
    g.groupOutputs,
    g.height,
    g.width,
    g.outputHeight,
    g.outputWidth,
    g.kernelHeight,
    g.kernelWidth,
    ...g.stride,
    ...padding,
    ...g.dilation,
    row,
    rows,
    g.batch,
  ];
}

/** Floats behind a woven buffer that its last row may overrun, spread out by the stride. */
function spareFloats({ stride }: ConvolutionProblem): number {
  return 12 * stride[1] + 4;
}

/** Floats of the woven buffer, the woven kernels and the addresses of planes. */
function scratchFloats(g: ConvolutionProblem, { row, bufferRows }: Bands): number {
  return 24 + spareFloats(g) + 4 * g.kernelHeight * g.kernelWidth + 4 * row * bufferRows;
}

/** y = conv(x, w) (+ bias), and an activation: a task four output channels of some images. There must be no residual. */
export function depthwiseForward(g: ConvolutionProblem, operands: ConvolutionOperands): CpuStages {
  const bands = bandsOf(g, g.outputHeight, g.outputWidth, g.padding[1] + g.width, g.stride);
  const { images, tasks } = imagesOf(g.batch, g.groups * g.groupOutputs, g.outputHeight * g.outputWidth);
  return {
    scratch: scratchFloats(g, bands),
    stages: [{
      kernel: "depthwise",
      tasks,
      arguments: [
        { buffer: 0 },
        { buffer: 1 },
        ...outputArguments(operands),
        ...planeArguments(g, g.padding, bands),
        images,
        ...epilogueArguments(operands),
      ],
    }],
  };
}

/** Whether the transposed convolution has a padding, as it has unless the kernel is smaller than the padding. */
export function canSpreadGradient({ kernelHeight, kernelWidth, padding, dilation }: ConvolutionProblem): boolean {
  return (kernelHeight - 1) * dilation[0] >= padding[0] && (kernelWidth - 1) * dilation[1] >= padding[1];
}

/** The input's gradient: the output's, spread out by the stride, under the kernel read backwards. */
export function depthwiseInputGradientKernel(g: ConvolutionProblem): CpuStages {
  const padding = [
    (g.kernelHeight - 1) * g.dilation[0] - g.padding[0],
    (g.kernelWidth - 1) * g.dilation[1] - g.padding[1],
  ];
  const bands = bandsOf(g, g.height, g.width, padding[1] + (g.outputWidth - 1) * g.stride[1] + 1, [1, 1]);
  const { images, tasks } = imagesOf(g.batch, g.groups, g.height * g.width);
  return {
    scratch: scratchFloats(g, bands),
    stages: [{
      kernel: "depthwiseInputGradient",
      tasks,
      arguments: [{ buffer: 0 }, { buffer: 1 }, { buffer: 2 }, 0, ...planeArguments(g, padding, bands), images],
    }],
  };
}

/** The weight's gradient: a task four output channels. */
export function depthwiseWeightGradientKernel(g: ConvolutionProblem): CpuStages {
  const bands = bandsOf(g, g.outputHeight, g.outputWidth, g.padding[1] + g.width, g.stride);
  return {
    scratch: scratchFloats(g, bands) + 4 * g.kernelHeight * g.kernelWidth + 4 * bands.rows * g.outputWidth,
    stages: [{
      kernel: "depthwiseWeightGradient",
      tasks: Math.ceil(g.groups * g.groupOutputs / 4),
      arguments: [{ buffer: 0 }, { buffer: 1 }, { buffer: 2 }, 0, ...planeArguments(g, g.padding, bands)],
    }],
  };
}
