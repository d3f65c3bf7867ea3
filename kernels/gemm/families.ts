/** The ways in which a matrix product runs on WebGPU, and how it is bound to them. */

import {
  type DeviceAbilities,
  f32,
  implement,
  type Implementation,
  type KernelFamily,
  type KernelSequence,
  MAX_ITERATIONS,
} from "../../core/mod.ts";
import { naiveGemmKernel } from "./naive.ts";
import { packedSizeOfA, packedSizeOfB, packedWidthOfB, packKernelOfA, packKernelOfB } from "./pack.ts";
import { type GemmProblem, workspaceOf } from "./problem.ts";
import { registerGemmKernel, rowOfMatrix } from "./registers.ts";
import { GEMM_RULES } from "./rules.ts";
import { SUBGROUP_BROADCAST_GEMM } from "./subgroup_broadcast.ts";
import { SUBGROUP_MATRIX_GEMM } from "./subgroup_matrix.ts";
import { type RegisterTile, registerTiles } from "./tiles.ts";
import { WORKGROUP_GEMM } from "./workgroup_family.ts";

/** Columns of a thread of the naive kernel. */
const NAIVE_COLUMNS = 4;

/** How the register family is set: a tile, and whether packed operands are read through textures. */
export type RegisterConfiguration = RegisterTile & { readonly viaTexture: boolean };

/** A thread computes some columns of a row; nothing is packed. For one B, and a bias of C's columns. */
const NAIVE_GEMM: KernelFamily<GemmProblem, { readonly columns: number }> = {
  name: "naive GEMM",
  version: 1,
  supports: ({ k, batch = 1, bias, epilogue }) =>
    k <= MAX_ITERATIONS && batch === 1 && bias?.of !== "row" && epilogue === undefined,
  configurations: ({ n }) => [...new Set([Math.min(NAIVE_COLUMNS, n), 1])].map((columns) => ({ columns })),
  nameOf: ({ columns }) => `naive GEMM 1x${columns}`,
  emit: (problem, { columns }, { limits }) => ({ kernels: [naiveGemmKernel(problem, columns, limits)] }),
};

/** A thread computes a tile in registers: A is packed, and B too unless it can be read as it lies. */
export const REGISTER_GEMM: KernelFamily<GemmProblem, RegisterConfiguration> = {
  name: "GEMM in registers",
  version: 1,
  supports: ({ k }) => k <= MAX_ITERATIONS,
  configurations(problem, { limits }) {
    const all = [false, true].flatMap((viaTexture) => registerTiles(problem).map((tile) => ({ ...tile, viaTexture })));
    return all.filter((configuration) => {
      const a = packedSizeOfA(problem, configuration.rows), b = packedSizeOfB(problem);
      const largest = packsB(problem, configuration) ? Math.max(a, b) : a;
      return 4 * largest <= limits.maxStorageBufferBindingSize &&
        (!configuration.viaTexture || Math.max(a, b) <= 4 * limits.maxTexels);
    });
  },
  nameOf: ({ rows, vectors, viaTexture }) =>
    `GEMM in registers ${rows}x${4 * vectors}${viaTexture ? ", via texture" : ""}`,
  emit: emitRegisters,
};

/** A product of one B by a plain kernel or a packed one. Its depth must be no long sum: `isLongSum` tells. */
export function gemm(problem: GemmProblem): Implementation {
  const families = [NAIVE_GEMM, REGISTER_GEMM, WORKGROUP_GEMM, SUBGROUP_BROADCAST_GEMM, SUBGROUP_MATRIX_GEMM];
  return implement<GemmProblem>(problem, families, GEMM_RULES);
}

/** Whether rows of B are whole vectors. */
function hasWholeRows({ n, b }: GemmProblem): boolean {
  return b[0] % 4 === 0 && n % 4 === 0;
}

/** Whether the register kernel cannot read B as it lies. */
function packsB(problem: GemmProblem, { viaTexture }: RegisterConfiguration): boolean {
  return problem.b[1] !== 1 || (viaTexture && !hasWholeRows(problem));
}

function emitRegisters(
  problem: GemmProblem,
  configuration: RegisterConfiguration,
  { limits }: DeviceAbilities,
): KernelSequence {
  const { n, k, b, buffers } = problem, { viaTexture, ...tile } = configuration;
  const workspace = workspaceOf(problem), width = packedWidthOfB(problem), packs = packsB(problem, configuration);
  const operands = packs
    ? { b: workspace + 1, rowOfB: rowOfMatrix(k * width, width), vectorsOfB: true }
    : { b: buffers.b, rowOfB: rowOfMatrix(k * n, b[0]), vectorsOfB: hasWholeRows(problem) };
  const sizes = [packedSizeOfA(problem, tile.rows), ...(packs ? [packedSizeOfB(problem)] : [])];
  return {
    workspace: sizes.map((size) => f32([size])),
    kernels: [
      packKernelOfA(problem, tile.rows, workspace, limits),
      ...(packs ? [packKernelOfB(problem, workspace + 1, limits)] : []),
      registerGemmKernel(problem, { ...operands, packedA: workspace, viaTexture }, tile, limits),
    ],
  };
}
