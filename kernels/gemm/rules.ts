/** Which kernels of a matrix product run where nothing was measured. */

import type { Rule } from "../../core/mod.ts";
import type { GemmProblem } from "./problem.ts";
import { registerTile } from "./tiles.ts";
import { fastestConfiguration } from "./workgroup_choice.ts";
import { workgroupShape } from "./workgroup_family.ts";

/** Multiplications of a product below which another dispatch costs more than it saves. */
const SMALL_PRODUCT = 1_000_000;
/** Rows, columns and depth from which on a block in workgroup memory is about full, and so worth its memory. */
const FULL_BLOCK = { m: 32, n: 32, k: 16 };

function isLarge({ m, n, k, batch = 1 }: GemmProblem): boolean {
  return m * n * k * batch >= SMALL_PRODUCT;
}

function fillsBlock({ m, n, k }: GemmProblem): boolean {
  return m >= FULL_BLOCK.m && n >= FULL_BLOCK.n && k >= FULL_BLOCK.k;
}

/** The rules of a matrix product. Where none applies, nothing is packed. */
export const GEMM_RULES: readonly Rule<GemmProblem>[] = [
  {
    on: "software",
    because: "a load costs as much as tens of multiplications, and least through a texture",
    when: isLarge,
    family: "GEMM in registers",
    configuration: (problem) => ({ ...registerTile(problem), viaTexture: true }),
  },
  {
    on: "software",
    because: "a load costs as much as tens of multiplications",
    when: isLarge,
    family: "GEMM in registers",
    configuration: (problem) => ({ ...registerTile(problem), viaTexture: false }),
  },
  {
    on: "hardware",
    because: "there is much work or blocks are about full, and these keep the device busy in the fewest cycles",
    when: (problem) => fillsBlock(problem) || isLarge(problem),
    family: "GEMM in workgroup memory",
    configuration: (problem, occupancy) => fastestConfiguration(workgroupShape(problem), occupancy),
  },
];
