import { assert } from "@std/assert";
import { Random } from "../random.ts";
import { CpuMemory } from "./memory.ts";
import { createMatrixProduct } from "./matrix_product.ts";

/** Sizes that are one, prime, multiples of the 6x8 tile, and across the edges of blocks (96, 256, 1024). */
const SIZES = [
  [1, 1, 1],
  [6, 8, 4],
  [5, 7, 3],
  [12, 16, 32],
  [13, 17, 257],
  [97, 9, 12],
  [7, 1030, 5],
  [16, 144, 300],
  [100, 40, 520],
];

for (const build of ["relaxed SIMD", "SIMD"] as const) {
  Deno.test(`matrixProduct() agrees with float64 for all sizes and transposes (${build})`, () => {
    const memory = new CpuMemory(), random = new Random(5, build);
    const { matrixProduct } = createMatrixProduct(memory, build);
    for (const [m, n, k] of SIZES) {
      const take = (count: number) => memory.view(memory.allocate(4 * count), "f32", count) as Float32Array;
      const b = take(k * n), guard = 8, c = take(m * (n + guard));
      const left = take(m * k);
      for (let i = 0; i < left.length; i++) left[i] = random.normal();
      for (let i = 0; i < b.length; i++) b[i] = random.normal();
      for (const [transposeA, transposeB, accumulate] of [[0, 0, 0], [1, 0, 1], [0, 1, 0], [1, 1, 1]]) {
        c.fill(accumulate ? 0.5 : NaN);
        for (let row = 0; row < m; row++) c.fill(-7, row * (n + guard) + n, (row + 1) * (n + guard));
        const [ar, ac] = transposeA ? [1, m] : [k, 1], [br, bc] = transposeB ? [1, k] : [n, 1];
        matrixProduct(m, n, k, left, 0, ar, ac, b, 0, br, bc, c, 0, n + guard, accumulate === 1);
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) {
            let sum = accumulate ? 0.5 : 0;
            for (let p = 0; p < k; p++) sum += left[i * ar + p * ac] * b[p * br + j * bc];
            const actual = c[i * (n + guard) + j];
            assert(
              Math.abs(actual - sum) < 1e-5 * Math.sqrt(k) * 4,
              `${[m, n, k, transposeA, transposeB]} at ${i}, ${j}: ${actual}, not ${sum}`,
            );
          }
          for (let j = n; j < n + guard; j++) assert(c[i * (n + guard) + j] === -7, "wrote beyond a row");
        }
      }
    }
  });
}
