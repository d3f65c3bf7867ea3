/** The matrix product of the CPU backend. */

import type { MatrixProduct } from "../op.ts";
import type { CpuMemory } from "./memory.ts";

export function createMatrixProduct(_memory: CpuMemory): { matrixProduct: MatrixProduct; build: string } {
  return {
    build: "none",
    matrixProduct: (m, n, k, a, ao, ar, ac, b, bo, br, bc, c, co, cr, accumulate) => {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = accumulate ? c[co + i * cr + j] : 0;
          for (let p = 0; p < k; p++) sum += a[ao + i * ar + p * ac] * b[bo + p * br + j * bc];
          c[co + i * cr + j] = sum;
        }
      }
    },
  };
}
