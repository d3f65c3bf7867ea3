/** Kernels that bring the operands of a matrix product into the form that the register kernel loads whole vectors of. */

import { type DeviceLimits, elementKernel, type WebGpuKernel } from "../../core/mod.ts";
import type { GemmProblem } from "./problem.ts";

/** Elements of A in panels of `rows` rows. */
export function packedSizeOfA({ m, k }: Pick<GemmProblem, "m" | "k">, rows: number): number {
  return Math.ceil(m / rows) * k * rows;
}

/** Packs A into `target` as [panels, k, rows]: what a tile needs at a depth is adjacent. Rows beyond the last are zeros. */
export function packKernelOfA(
  { m, k, a, buffers }: GemmProblem,
  rows: number,
  target: number,
  limits: DeviceLimits,
): WebGpuKernel {
  return elementKernel(
    {
      count: packedSizeOfA({ m, k }, rows),
      body: `let row = i / ${k * rows}u * ${rows}u + i % ${rows}u;
  let depth = i / ${rows}u % ${k}u;
  packed[i] = select(0.0, a[min(row, ${m - 1}u) * ${a[0]}u + depth * ${a[1]}u], row < ${m}u);`,
    },
    [{ name: "a", index: buffers.a }, { name: "packed", index: target, write: true }],
    limits,
  );
}

/** Columns of packed B: whole vectors. */
export function packedWidthOfB({ n }: Pick<GemmProblem, "n">): number {
  return 4 * Math.ceil(n / 4);
}

/** Elements of all packed B. */
export function packedSizeOfB({ n, k, batch = 1 }: Pick<GemmProblem, "n" | "k" | "batch">): number {
  return batch * k * packedWidthOfB({ n });
}

/** Packs every B into `target` as [batch, k, columns]; columns beyond the last repeat it. */
export function packKernelOfB(problem: GemmProblem, target: number, limits: DeviceLimits): WebGpuKernel {
  const { n, k, b, buffers } = problem, width = packedWidthOfB(problem);
  return elementKernel(
    {
      count: packedSizeOfB(problem),
      body: `let column = min(i % ${width}u, ${n - 1}u);
  let depth = i / ${width}u % ${k}u;
  packed[i] = b[i / ${width * k}u * ${k * n}u + depth * ${b[0]}u + column * ${b[1]}u];`,
    },
    [{ name: "b", index: buffers.b }, { name: "packed", index: target, write: true }],
    limits,
  );
}
