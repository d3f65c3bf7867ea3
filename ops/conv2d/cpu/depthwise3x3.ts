/**
 * Depthwise convolutions of 3x3 kernels on the CPU, whose vectors lie along rows: the arguments of
 * `core/cpu/wasm/assembly/depthwise3x3.ts`.
 */

import type { CpuStages } from "../../../core/mod.ts";
import { roundUp } from "../../../kernels/mod.ts";
import { imagesOf } from "./depthwise.ts";
import { type ConvolutionOperands, epilogueArguments, operandsOf, outputArguments } from "../epilogue.ts";
import type { ConvolutionProblem } from "../problem.ts";

/** Floats of the sums of a kernel's gradient. */
const SUM_FLOATS = 36;
/** The fewest rows and columns of a plane: those of a tile. */
const TILE = 4;

/** Whether it is of 3x3 kernels and of that stride, and divides the input's extents by it, as a padding of 1 does. */
function is3x3(g: ConvolutionProblem, stride: number): boolean {
  const ones = [...g.dilation, ...g.padding].every((extent) => extent === 1);
  return ones && g.kernelHeight === 3 && g.kernelWidth === 3 && g.stride.every((extent) => extent === stride) &&
    g.outputHeight * stride === g.height && g.outputWidth * stride === g.width;
}

/** Whether the forward convolution and the weight's gradient suit. */
export function suitsDepthwise3x3(g: ConvolutionProblem): boolean {
  return is3x3(g, 1) && g.height >= TILE && g.width >= TILE;
}

/** Whether the input's gradient suits. */
export function suitsDepthwise3x3InputGradient(g: ConvolutionProblem): boolean {
  if (g.groupOutputs > 1) return false;
  return suitsDepthwise3x3(g) || is3x3(g, 2) && g.width >= 8;
}

/** y = conv(x, w) (+ bias), and an activation. There must be no residual. */
export function depthwise3x3Forward(g: ConvolutionProblem, operands: ConvolutionOperands): CpuStages {
  const { batch, groups, groupOutputs, height, width } = g;
  const { images, tasks } = imagesOf(batch, groups * groupOutputs, height * width);
  return {
    stages: [{
      kernel: "depthwise3x3",
      tasks,
      arguments: [
        { buffer: 0 },
        { buffer: 1 },
        ...outputArguments(operands),
        groups,
        groupOutputs,
        height,
        width,
        batch,
        images,
        0,
        ...epilogueArguments(operands),
      ],
    }],
  };
}

/** The input's gradient: the convolution of the output's by the kernel read backwards. */
export function depthwise3x3InputGradient(g: ConvolutionProblem): CpuStages {
  const { batch, groups, outputHeight, outputWidth } = g;
  const { images, tasks } = imagesOf(batch, groups, g.height * g.width);
  return {
    scratch: 2 * roundUp(outputWidth + 1, 4),
    stages: [{
      kernel: g.stride[0] === 1 ? "depthwise3x3" : "depthwise3x3Spread",
      tasks,
      arguments: [
        { buffer: 0 },
        { buffer: 1 },
        { buffer: 2 },
        0,
        groups,
        1,
        outputHeight,
        outputWidth,
        batch,
        images,
        1,
        ...epilogueArguments(operandsOf(2)),
      ],
    }],
  };
}

/** The weight's gradient: a task four output channels. */
export function depthwise3x3WeightGradient(g: ConvolutionProblem): CpuStages {
  const { batch, groups, groupOutputs, height, width } = g;
  return {
    scratch: SUM_FLOATS + roundUp(width + 8, 4),
    stages: [{
      kernel: "depthwise3x3WeightGradient",
      tasks: Math.ceil(groups * groupOutputs / 4),
      arguments: [{ buffer: 0 }, { buffer: 1 }, { buffer: 2 }, 0, groups, groupOutputs, height, width, batch],
    }],
  };
}
