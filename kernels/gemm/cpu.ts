/** Matrix products on the CPU: panels of A are packed once, then blocks of C are computed on all threads. */

import type { CpuNativeStage, CpuStages } from "../../core/mod.ts";
import type { GemmProblem } from "./problem.ts";

/** Floats of a row and rows of the tile that stands in for one at the edge of C. */
export const EDGE_FLOATS = 40;
/** Columns of C that a task computes. */
const COLUMNS = 128;
/** Depth of a block of B. */
const DEPTH = 256;
/** Blocks of C that a product is split into, where it is large enough: as many as keep many threads busy to the end. */
const BLOCKS = 16;

/** Rows of the next panel of A; `wasm/assembly/tile.ts` explains it. */
function panelHeight(rowsLeft: number): number {
  const after = rowsLeft - 5;
  return after >= 0 && after % 4 <= Math.floor(after / 4) ? 5 : 4;
}

/** Panels of `rows` rows. */
export function panelCount(rows: number): number {
  let panels = 0;
  for (let row = 0; row < rows; panels++) row += panelHeight(rows - row);
  return panels;
}

/** The least multiple that is not below a number. */
export function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/** Floats of a packed matrix: panels may have more rows than the matrix. */
export function packedFloats(rows: number, depth: number): number {
  return roundUp(rows, 4) * depth;
}

/** Matrices of the same shape that lie in a buffer at two regular distances. */
export interface MatrixArray {
  /** The number of the buffer. */
  readonly buffer: number;
  /** Rows of a matrix. */
  readonly rows: number;
  /** Columns of a matrix. */
  readonly depth: number;
  /** Floats from a row to the next, and from a column. */
  readonly strides: readonly [number, number];
  /** Groups of matrices, and floats from a group to the next. */
  readonly groups?: readonly [number, number];
  /** Matrices of a group, and floats from one to the next. */
  readonly members?: readonly [number, number];
  /** Whether they are weights, which are prepacked. */
  readonly prepacks?: boolean;
}

/** The stage that packs the rows of matrices, one after the other: weights to the prepacked ones, others into the workspace. */
export function packRowsStage(
  { buffer, rows, depth, strides, groups = [1, 0], members = [1, 0], prepacks }: MatrixArray,
): CpuNativeStage {
  const panels = panelCount(rows);
  return {
    kernel: "packRows",
    prepacks,
    tasks: panels * groups[0] * members[0],
    arguments: [
      { buffer },
      prepacks ? { prepacked: 0 } : { workspace: 0 },
      rows,
      depth,
      ...strides,
      panels,
      members[0],
      groups[1],
      members[1],
      packedFloats(rows, depth),
    ],
  };
}

/** The most rows of A that are columns of one tile. */
const FEW_ROWS = 8;

/**
 * The stages of a product of few rows of A, which lie along the depth as the columns of B do: these are the rows of tiles,
 * and prepacked. The sums are the same.
 */
function fewRowsStages({ m, n, k, buffers, bias }: GemmProblem): CpuStages {
  const panels = panelCount(n), task = Math.ceil(panels / BLOCKS), packed = { workspace: 0 };
  return {
    prepacked: packedFloats(n, k),
    workspace: FEW_ROWS * k,
    scratch: EDGE_FLOATS,
    stages: [
      packRowsStage({ buffer: buffers.b, rows: n, depth: k, strides: [k, 1], prepacks: true }),
      { kernel: "packFewRows", tasks: 1, arguments: [{ buffer: buffers.a }, packed, m, k] },
      {
        kernel: "fewRows",
        tasks: Math.ceil(panels / task),
        arguments: [
          { prepacked: 0 },
          packed,
          { buffer: buffers.c },
          bias === undefined ? 0 : { buffer: bias.buffer },
          m,
          n,
          k,
          task,
        ],
      },
    ],
  };
}

/** The stages of a product of one B, whose bias, if there is one, is of C's columns. */
export function gemmStages(problem: GemmProblem): CpuStages {
  const { m, n, k, a, b, buffers, bias } = problem;
  if (m <= FEW_ROWS && a[1] === 1 && a[0] === k && b[0] === 1 && b[1] === k) return fewRowsStages(problem);
  const panels = panelCount(m), columnBlocks = Math.ceil(n / COLUMNS), output = { buffer: buffers.c };
  const rowBlocks = Math.min(panels, Math.ceil(BLOCKS / columnBlocks)), blockPanels = Math.ceil(panels / rowBlocks);
  const fills: CpuNativeStage[] = bias === undefined
    ? []
    : [{ kernel: "fillRows", tasks: m, arguments: [{ buffer: bias.buffer }, output, n] }];
  return {
    workspace: packedFloats(m, k),
    scratch: EDGE_FLOATS + Math.min(DEPTH, k) * COLUMNS,
    stages: [
      packRowsStage({ buffer: buffers.a, rows: m, depth: k, strides: a }),
      ...fills,
      {
        kernel: "gemm",
        tasks: columnBlocks * rowBlocks,
        arguments: [
          { workspace: 0 },
          { buffer: buffers.b },
          output,
          m,
          n,
          k,
          ...b,
          n,
          bias === undefined ? 0 : 1,
          COLUMNS,
          blockPanels,
          rowBlocks,
        ],
      },
    ],
  };
}
