/**
 * The weight gradient of 1x1 convolutions on the CPU as one matrix product: the arguments of the kernels in
 * `core/cpu/wasm/assembly/pointwise.ts`, and how their work is split.
 */

import type { CpuStages } from "../../../core/mod.ts";
import { EDGE_FLOATS, packedFloats, panelCount } from "../../../kernels/mod.ts";
import { LEAST_TASKS } from "./split.ts";
import { type ConvolutionProblem, isPositionwise } from "../problem.ts";

/** Depth of a block. */
const DEPTH = 256;
/** Inputs of a block. */
const COLUMNS = 128;
/** The fewest outputs of a block: each block transposes the inputs anew. */
const LEAST_ROWS = 64;

function blocksOf({ groupInputs, groupOutputs }: ConvolutionProblem): { columns: number; rows: number } {
  const columns = Math.ceil(groupInputs / COLUMNS);
  return {
    columns,
    rows: Math.max(1, Math.min(Math.ceil(LEAST_TASKS / columns), Math.floor(groupOutputs / LEAST_ROWS))),
  };
}

/** Whether the sum over positions need not be split for there to be enough tasks. */
export function suitsPointwise(g: ConvolutionProblem): boolean {
  const { columns, rows } = blocksOf(g);
  return g.groups === 1 && isPositionwise(g) && columns * rows >= LEAST_TASKS;
}

/** The gradient of a 1x1 convolution's weight. */
export function pointwiseWeightGradientKernel(g: ConvolutionProblem): CpuStages {
  const { batch, groupInputs: inputs, groupOutputs: outputs } = g, plane = g.height * g.width;
  const panels = panelCount(outputs), blocks = blocksOf(g), blockPanels = Math.ceil(panels / blocks.rows);
  return {
    workspace: packedFloats(outputs, batch * plane),
    scratch: EDGE_FLOATS + DEPTH * COLUMNS,
    stages: [
      {
        kernel: "packPointwise",
        tasks: panels,
        arguments: [{ buffer: 1 }, { workspace: 0 }, outputs, plane, batch],
      },
      {
        kernel: "pointwiseWeightGradient",
        tasks: blocks.columns * blocks.rows,
        arguments: [
          { workspace: 0 },
          { buffer: 0 },
          { buffer: 2 },
          outputs,
          inputs,
          plane,
          batch,
          COLUMNS,
          blockPanels,
          blocks.rows,
        ],
      },
    ],
  };
}
