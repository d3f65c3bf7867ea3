/**
 * Convolutions as matrix products on the CPU: the arguments of the kernels in `core/cpu/wasm/assembly/convolution.ts`, and
 * how their work is split. Every split follows from the shapes alone.
 */

import type { CpuStages } from "../../../core/mod.ts";
import { EDGE_FLOATS, packedFloats, packRowsStage, roundUp } from "../../../kernels/mod.ts";
import { packWeightsStage, type WeightStrides } from "./pack_weights.ts";
import { pointwiseForward, suitsPointwiseForward } from "./pointwise.ts";
import { LEAST_TASKS, splitSum } from "./split.ts";
import { type ConvolutionOperands, epilogueArguments, operandsOf, outputArguments } from "../epilogue.ts";
import { type ConvolutionProblem, isPositionwise } from "../problem.ts";

/** Depth of a block. */
const DEPTH = 256;
/** Floats of a block of columns: what stays in a second-level cache, with room for the rest. */
const BLOCK_FLOATS = 1 << 16;
/** The fewest positions that a block is cut down to for the sake of more tasks. */
const LEAST_POSITIONS = 96;
/** Floats between the panels of a weight gradient. */
const PANEL_GAP = 16;
/** Positions of a block of a weight gradient that images smaller than it share. */
const MOST_SHARED = 256;
/** Positions that are worth a part of a weight gradient: fewer would cost more in sums than in products. */
const PART_POSITIONS = 512;

/** Into how many equal ranges channels are split, so that there are enough tasks. */
function rangesOf(tasks: number, channels: number): number {
  let ranges = 1;
  while (tasks * ranges < LEAST_TASKS && channels % (2 * ranges) === 0 && channels / (2 * ranges) >= 8) ranges *= 2;
  return ranges;
}

/** Positions of a block of columns of that many rows. */
function blockOf(rows: number, plane: number): number {
  return Math.min(roundUp(plane, 8), Math.max(8, Math.floor(BLOCK_FLOATS / rows / 8) * 8));
}

/** Positions of a block of a forward convolution: fewer where that makes more tasks, which ranges would by packing anew. */
function forwardBlock(g: ConvolutionProblem, depth: number, plane: number): number {
  const wanted = Math.ceil(plane / Math.ceil(LEAST_TASKS / (g.batch * g.groups)));
  return Math.min(blockOf(depth, plane), Math.max(LEAST_POSITIONS, roundUp(wanted, 8)));
}

/** Floats of the residue planes of a block, and of the table of its positions; see `core/cpu/wasm/assembly/convolution.ts`. */
function workFloats(g: ConvolutionProblem, block: number): number {
  const outputRows = Math.min(g.outputHeight, Math.ceil(block / g.outputWidth) + 1);
  const rows = (outputRows - 1) * g.stride[0] + (g.kernelHeight - 1) * g.dilation[0] + 1;
  const reach = Math.floor((g.kernelWidth - 1) * g.dilation[1] / g.stride[1]);
  return 5 * block + (rows + 1) * g.stride[1] * (roundUp(g.outputWidth + reach + 1, 4) + 8);
}

function geometryArguments(g: ConvolutionProblem, inputs: number, outputs: number): number[] {
  return [
    g.groups,
    inputs,
    g.height,
    g.width,
    outputs,
    g.outputHeight,
    g.outputWidth,
    g.kernelHeight,
    g.kernelWidth,
    ...g.stride,
    ...g.padding,
    ...g.dilation,
  ];
}

/** A product of columns whose weights may be read transposed. */
interface ColumnsProduct {
  readonly weightStrides: WeightStrides;
  readonly operands: ConvolutionOperands;
}

/** Positions of images so small that panels of 8 are far from full. */
const SMALL_PLANE = 64;

/** y = conv(x, w) (+ bias), and the epilogue. */
export function columnsForward(g: ConvolutionProblem, operands: ConvolutionOperands): CpuStages {
  const depth = g.groupInputs * g.kernelHeight * g.kernelWidth;
  return columnsProduct(g, { weightStrides: [depth, 1, g.groupOutputs * depth], operands });
}

function columnsProduct(g: ConvolutionProblem, { weightStrides, operands }: ColumnsProduct): CpuStages {
  if (suitsPointwiseForward(g)) return pointwiseForward(g, weightStrides, operands);
  const taps = g.kernelHeight * g.kernelWidth, depth = g.groupInputs * taps, plane = g.outputHeight * g.outputWidth;
  const count = Math.min(DEPTH, depth), block = forwardBlock(g, count, plane), blocks = Math.ceil(plane / block);
  const ranges = rangesOf(g.batch * g.groups * blocks, g.groupOutputs), outputs = g.groupOutputs / ranges;
  const joins = isPositionwise(g) && g.groups === 1 && g.batch > 1 && plane < SMALL_PLANE && plane % 8 > 0;
  if (ranges > 1 || joins) return sharedColumnsProduct(g, joins ? g.batch : 1, { weightStrides, operands });
  return {
    prepacked: g.groups * packedFloats(outputs, depth),
    scratch: EDGE_FLOATS + count * block + workFloats(g, block),
    stages: [
      packWeightsStage(g, depth, 1, weightStrides),
      {
        kernel: "convolution",
        tasks: g.batch * g.groups * blocks * ranges,
        arguments: [
          { buffer: 0 },
          { prepacked: 0 },
          ...outputArguments(operands),
          ...geometryArguments(g, g.groupInputs, outputs),
          block,
          1,
          ...epilogueArguments(operands),
        ],
      },
    ],
  };
}

/** As {@link columnsProduct}, of columns that are packed once for all ranges of outputs; so many images are one row of positions. */
function sharedColumnsProduct(
  g: ConvolutionProblem,
  images: number,
  { weightStrides, operands }: ColumnsProduct,
): CpuStages {
  const depth = g.groupInputs * g.kernelHeight * g.kernelWidth, plane = g.outputHeight * g.outputWidth;
  const total = images * plane, members = g.batch * g.groups / images, parts = Math.ceil(depth / DEPTH);
  const cuts = Math.ceil(total / blockOf(Math.min(DEPTH, depth), total)), block = roundUp(Math.ceil(total / cuts), 8);
  const blocks = Math.ceil(total / block), ranges = rangesOf(members * blocks, g.groupOutputs);
  const outputs = g.groupOutputs / ranges, columns = { workspace: 0 };
  const packing = images > 1
    ? {
      kernel: "packSharedPositions",
      arguments: [{ buffer: 0 }, columns, depth, plane, images, block],
    } as const
    : {
      kernel: "packSharedColumns",
      arguments: [{ buffer: 0 }, columns, 0, 0, ...geometryArguments(g, g.groupInputs, outputs), block],
    } as const;
  return {
    prepacked: g.groups * ranges * packedFloats(outputs, depth),
    workspace: members * roundUp(total, 8) * depth,
    scratch: EDGE_FLOATS + workFloats(g, block),
    stages: [
      packWeightsStage(g, depth, ranges, weightStrides),
      { ...packing, tasks: members * blocks * parts },
      {
        kernel: "sharedColumns",
        tasks: members * blocks * ranges,
        arguments: [
          columns,
          { prepacked: 0 },
          ...outputArguments(operands),
          g.groups,
          outputs,
          plane,
          images,
          depth,
          block,
          ranges,
          ...epilogueArguments(operands),
        ],
      },
    ],
  };
}

/** The gradient of a 1x1 convolution's input: a 1x1 convolution of dy, and its epilogue. */
export function positionwiseInputGradient(g: ConvolutionProblem, operands: ConvolutionOperands): CpuStages {
  return columnsProduct(
    { ...g, groupInputs: g.groupOutputs, groupOutputs: g.groupInputs },
    { weightStrides: [1, g.groupInputs, g.groupOutputs * g.groupInputs], operands },
  );
}

/** The input's gradient: columns = wᵀ dy, added back to where they come from; of a 1x1 convolution they are dx itself. */
export function columnsInputGradient(g: ConvolutionProblem): CpuStages {
  if (isPositionwise(g)) return positionwiseInputGradient(g, operandsOf(2));
  const taps = g.kernelHeight * g.kernelWidth, plane = g.outputHeight * g.outputWidth;
  const ranges = rangesOf(g.batch * g.groups, g.groupInputs), inputs = g.groupInputs / ranges, rows = inputs * taps;
  const block = blockOf(rows + g.groupOutputs, plane);
  return {
    prepacked: g.groups * ranges * packedFloats(rows, g.groupOutputs),
    scratch: EDGE_FLOATS + block * (rows + g.groupOutputs) + workFloats(g, block),
    stages: [
      packRowsStage({
        buffer: 1,
        rows,
        depth: g.groupOutputs,
        strides: [1, g.groupInputs * taps],
        groups: [g.groups, g.groupOutputs * g.groupInputs * taps],
        members: [ranges, rows],
        prepacks: true,
      }),
      {
        kernel: "convolutionInputGradient",
        tasks: g.batch * g.groups * ranges,
        arguments: [
          { buffer: 0 },
          { prepacked: 0 },
          { buffer: 2 },
          0,
          ...geometryArguments(g, inputs, g.groupOutputs),
          block,
          ranges,
        ],
      },
    ],
  };
}

/** The weight's gradient: dy columnsᵀ, summed over parts of the batch, then over the parts in order. */
export function columnsWeightGradient(g: ConvolutionProblem): CpuStages {
  const depth = g.groupInputs * g.kernelHeight * g.kernelWidth, plane = g.outputHeight * g.outputWidth;
  const size = g.groups * depth * roundUp(g.groupOutputs, 4);
  const most = Math.min(g.batch, g.batch * plane / PART_POSITIONS);
  // Each range of the one side packs all of the other, so the longer one is cut.
  const cutsDepth = depth > g.groupOutputs, split = splitSum(size, most, cutsDepth ? depth : g.groupOutputs);
  const { parts } = split, depthRange = cutsDepth ? roundUp(split.rangeSize, 8) : depth;
  const depthRanges = Math.ceil(depth / depthRange), ranges = cutsDepth ? 1 : split.ranges;
  const kept = cutsDepth ? roundUp(g.groupOutputs, 4) : split.rangeSize, rows = Math.min(DEPTH, roundUp(depthRange, 4));
  const block = Math.max(blockOf(rows + kept, plane), Math.min(MOST_SHARED, blockOf(rows + kept, Infinity)));
  return {
    workspace: parts * size,
    scratch: block * (rows + kept) + block / 8 * 2 * PANEL_GAP + workFloats(g, block),
    stages: [
      {
        kernel: "convolutionWeightGradient",
        tasks: parts * ranges * depthRanges,
        arguments: [
          { buffer: 0 },
          { buffer: 1 },
          { workspace: 0 },
          0,
          ...geometryArguments(g, g.groupInputs, g.groupOutputs),
          block,
          ranges,
          g.batch,
          parts,
          kept,
          depthRanges,
          depthRange,
        ],
      },
      {
        kernel: "convolutionWeightGradientSum",
        tasks: g.groups * Math.ceil(depth / 16),
        arguments: [{ workspace: 0 }, { buffer: 2 }, g.groups, depth, g.groupOutputs, parts],
      },
    ],
  };
}
