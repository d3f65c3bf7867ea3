/**
 * Convolutions of 1x1 kernels and stride 1 on the CPU, which read images where they lie: the arguments of
 * `core/cpu/wasm/assembly/pointwise_convolution.ts`, and how their work is split. Every split follows from the shapes alone.
 */

import type { CpuStages } from "../../../core/mod.ts";
import { EDGE_FLOATS, packedFloats, panelCount } from "../../../kernels/mod.ts";
import { type ConvolutionOperands, epilogueArguments, outputArguments } from "../epilogue.ts";
import { type ConvolutionProblem, isPositionwise } from "../problem.ts";
import { packWeightsStage, type WeightStrides } from "./pack_weights.ts";
import { LEAST_TASKS } from "./split.ts";

/** Columns of a tile. */
const PANEL = 8;
/** The fewest columns of a task, in tiles: of fewer, tasks of two threads would write to the same lines of a cache. */
const LEAST_COLUMNS = 4;
/** Floats of an image that stay in a second-level cache. */
const MOST_FLOATS = 1 << 18;
/** Inputs that are few enough for a processor to fetch ahead in each of their planes. */
const FEW_INPUTS = 32;
/** The most outputs of a group: of more, each column is read so often that packing it is worth its time. */
const MOST_OUTPUTS = 192;

/**
 * Whether columns had better be read where they lie, in vectors that never span two lines of a cache: where an image is in the
 * cache, or little of it is needed at a time. Packing it waits less for memory, since nothing else is done meanwhile.
 */
export function suitsPointwiseForward(g: ConvolutionProblem): boolean {
  const plane = g.outputHeight * g.outputWidth;
  return isPositionwise(g) && plane % 4 === 0 && g.groupOutputs <= MOST_OUTPUTS &&
    (g.groupInputs <= FEW_INPUTS || g.groupInputs * plane <= MOST_FLOATS);
}

/** Cuts a grid of tiles into blocks of columns and of rows that make enough tasks of about the same length. */
function cutTiles(images: number, columns: number, rows: number): { columnBlock: number; rowBlock: number } {
  const wanted = Math.ceil(LEAST_TASKS / images);
  let best = { columnBlock: columns, rowBlock: rows }, least = Infinity;
  for (let cuts = 1; cuts <= Math.max(1, Math.min(columns / LEAST_COLUMNS, 2 * wanted)); cuts++) {
    const columnBlock = Math.ceil(columns / cuts), columnBlocks = Math.ceil(columns / columnBlock);
    const rowBlock = Math.ceil(rows / Math.min(rows, Math.ceil(wanted / columnBlocks)));
    const tasks = columnBlocks * Math.ceil(rows / rowBlock);
    // Tiles as if all tasks were as long as the longest and none fewer than wanted; each reads its columns and weights once.
    const cost = columnBlock * rowBlock * Math.max(tasks, wanted) + (columnBlock + rowBlock) * tasks / 8;
    if (cost < least) {
      least = cost;
      best = { columnBlock, rowBlock };
    }
  }
  return best;
}

/** y = conv(x, w) (+ bias), and the epilogue, of weights at those distances. */
export function pointwiseForward(
  g: ConvolutionProblem,
  weightStrides: WeightStrides,
  operands: ConvolutionOperands,
): CpuStages {
  const plane = g.outputHeight * g.outputWidth, images = g.batch * g.groups;
  const columns = Math.ceil(plane / PANEL), rows = panelCount(g.groupOutputs);
  const { columnBlock, rowBlock } = cutTiles(images, columns, rows), rowBlocks = Math.ceil(rows / rowBlock);
  return {
    prepacked: g.groups * packedFloats(g.groupOutputs, g.groupInputs),
    scratch: EDGE_FLOATS,
    stages: [
      packWeightsStage(g, g.groupInputs, 1, weightStrides),
      {
        kernel: "pointwiseConvolution",
        tasks: images * Math.ceil(columns / columnBlock) * rowBlocks,
        arguments: [
          { buffer: 0 },
          { prepacked: 0 },
          ...outputArguments(operands),
          g.groups,
          g.groupInputs,
          g.groupOutputs,
          plane,
          columnBlock * PANEL,
          rowBlock,
          rowBlocks,
          ...epilogueArguments(operands),
        ],
      },
    ],
  };
}
