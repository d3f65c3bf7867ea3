/**
 * 3x3 convolutions of stride 1 by Winograd's filtering on the CPU: the arguments of `core/cpu/wasm/assembly/winograd.ts`, and
 * how bands of tile rows are dealt out to tasks. Every split follows from the shapes alone.
 */

import type { CpuStages } from "../../../core/mod.ts";
import { packedFloats, panelCount, roundUp } from "../../../kernels/mod.ts";
import { LEAST_TASKS, splitSum } from "./split.ts";
import { type ConvolutionOperands, epilogueArguments, outputArguments } from "../epilogue.ts";
import type { ConvolutionProblem } from "../problem.ts";

/** Products of a tile of 4x4 outputs. */
const POINTS = 36;
/** Floats of the transforms of a task: about what a second-level cache holds. */
const TASK_FLOATS = 100000;
/** The fewest tiles of a task, where there are so many: of a convolution, and of a weight gradient, which sums over them. */
const LEAST_TILES = 32, LEAST_SUMMED_TILES = 64;
/** The most tiles of a task. */
const MOST_TILES = 192;

/** Pairs of channels whose transformed weights, four times the weights, are worth their memory. */
const MOST_PAIRS = 1 << 20;

/** Whether the method applies: with one or two channels the transforms outweigh what they save. */
export function suitsWinograd(g: ConvolutionProblem): boolean {
  return g.groups === 1 && g.kernelHeight === 3 && g.kernelWidth === 3 &&
    [...g.stride, ...g.dilation].every((extent) => extent === 1) && hasLittlePadding(g) &&
    g.groupInputs >= 3 && g.groupOutputs >= 4 && g.groupInputs * g.groupOutputs <= MOST_PAIRS && g.outputHeight > 1 &&
    g.outputWidth > 1;
}

/** Whether no side has more than 2, with which the input gradient would have none of its own. */
function hasLittlePadding(
  { height, width, outputHeight, outputWidth, padding: [top, left] }: ConvolutionProblem,
): boolean {
  return top <= 2 && left <= 2 && outputHeight <= height + top && outputWidth <= width + left;
}

/** How the tiles of all images are dealt out. */
interface Bands {
  /** Tile rows of a band. */
  readonly rows: number;
  /** Bands of an image. */
  readonly perImage: number;
  /** Bands in all. */
  readonly count: number;
  /** Bands that are transformed together. */
  readonly together: number;
  /** Tiles of a band, rounded up to vectors. */
  readonly lanes: number;
  /** Floats of the padded plane of a band, with four rows to spare. */
  readonly planeFloats: number;
}

function bandsOf(
  batch: number,
  outputHeight: number,
  outputWidth: number,
  channels: number,
  leastTiles: number,
): Bands {
  const tilesY = Math.ceil(outputHeight / 4), tilesX = Math.ceil(outputWidth / 4);
  const wanted = Math.min(MOST_TILES, Math.max(leastTiles, Math.floor(TASK_FLOATS / POINTS / channels)));
  const perImage = Math.ceil(tilesY / Math.max(1, Math.min(tilesY, Math.floor(wanted / tilesX))));
  const rows = Math.ceil(tilesY / perImage), lanes = roundUp(rows * tilesX, 4), count = batch * perImage;
  const shared = Math.max(Math.ceil(count / LEAST_TASKS), Math.ceil(leastTiles / lanes));
  const together = Math.max(1, Math.min(shared, Math.floor(wanted / lanes)));
  return { rows, perImage, count, together, lanes, planeFloats: (4 * rows + 6) * (4 * tilesX + 8) };
}

/** Floats of `columns` transformed tiles of so many channels; see `pointStride` in the kernels. */
function tileFloats(rows: number, columns: number): number {
  return columns / 8 * POINTS * (8 * rows + 16);
}

/** The convolution of `inputs` channels to `outputs`, whose transformed weights the first stage makes. */
function convolutionKernel(
  { batch, inputs, height, width, outputs, outputHeight, outputWidth, padding }: {
    batch: number;
    inputs: number;
    height: number;
    width: number;
    outputs: number;
    outputHeight: number;
    outputWidth: number;
    padding: readonly number[];
  },
  weights: { readonly outputStride: number; readonly inputStride: number; readonly rotated: boolean },
  operands: ConvolutionOperands,
): CpuStages {
  const bands = bandsOf(batch, outputHeight, outputWidth, inputs + outputs, LEAST_TILES),
    groups = Math.ceil(bands.count / bands.together);
  const panels = panelCount(outputs), ranges = Math.min(panels, Math.ceil(LEAST_TASKS / groups));
  const rangePanels = Math.ceil(panels / ranges), columns = roundUp(bands.together * bands.lanes, 8);
  const rows = Math.min(roundUp(outputs, 4), 5 * rangePanels);
  return {
    prepacked: POINTS * packedFloats(outputs, inputs),
    scratch: Math.max(
      288,
      4 * bands.lanes + 64 + bands.planeFloats + tileFloats(inputs, columns) + rows * (POINTS * columns + 16),
    ),
    stages: [
      {
        kernel: "winogradWeights",
        prepacks: true,
        tasks: panels,
        arguments: [
          { buffer: 1 },
          { prepacked: 0 },
          outputs,
          inputs,
          weights.outputStride,
          weights.inputStride,
          weights.rotated ? 1 : 0,
        ],
      },
      {
        kernel: "winograd",
        tasks: groups * ranges,
        arguments: [
          { buffer: 0 },
          { prepacked: 0 },
          ...outputArguments(operands),
          inputs,
          height,
          width,
          outputs,
          outputHeight,
          outputWidth,
          ...padding,
          bands.rows,
          bands.perImage,
          bands.count,
          bands.together,
          ranges,
          rangePanels,
          ...epilogueArguments(operands),
          operands.mask === undefined ? 0 : { buffer: operands.mask },
        ],
      },
    ],
  };
}

/** y = conv(x, w) (+ bias), and the epilogue. */
export function winogradForward(g: ConvolutionProblem, operands: ConvolutionOperands): CpuStages {
  const weights = { outputStride: 9 * g.groupInputs, inputStride: 9, rotated: false };
  return convolutionKernel({ ...g, inputs: g.groupInputs, outputs: g.groupOutputs }, weights, operands);
}

/** The input's gradient: the convolution of the output's by the kernels turned around, and the residual and the mask. */
export function winogradInputGradient(g: ConvolutionProblem, operands: ConvolutionOperands): CpuStages {
  return convolutionKernel(
    {
      batch: g.batch,
      inputs: g.groupOutputs,
      height: g.outputHeight,
      width: g.outputWidth,
      outputs: g.groupInputs,
      outputHeight: g.height,
      outputWidth: g.width,
      padding: g.padding.map((pad) => 2 - pad),
    },
    { outputStride: 9, inputStride: 9 * g.groupInputs, rotated: true },
    operands,
  );
}

/** The weight's gradient, summed over parts of the batch, then over the parts in order. */
export function winogradWeightGradientKernel(g: ConvolutionProblem): CpuStages {
  const inputs = g.groupInputs, outputs = g.groupOutputs, size = POINTS * inputs * roundUp(outputs, 4);
  const bands = bandsOf(g.batch, g.outputHeight, g.outputWidth, inputs + outputs, LEAST_SUMMED_TILES);
  const { parts, ranges, rangeSize } = splitSum(size, Math.ceil(bands.count / bands.together), outputs);
  const columns = roundUp(bands.together * bands.lanes, 8);
  return {
    workspace: parts * size,
    scratch: Math.max(
      432,
      2 * bands.lanes + bands.planeFloats +
        tileFloats(roundUp(inputs, 4), columns) + tileFloats(rangeSize, columns),
    ),
    stages: [
      {
        kernel: "winogradWeightGradient",
        tasks: parts * ranges,
        arguments: [
          { buffer: 0 },
          { buffer: 1 },
          { workspace: 0 },
          inputs,
          g.height,
          g.width,
          outputs,
          g.outputHeight,
          g.outputWidth,
          ...g.padding,
          bands.rows,
          bands.perImage,
          bands.count,
          bands.together,
          parts,
          ranges,
          rangeSize,
        ],
      },
      {
        kernel: "winogradWeightGradientSum",
        tasks: inputs,
        arguments: [{ workspace: 0 }, { buffer: 2 }, inputs, outputs, parts],
      },
    ],
  };
}
