/**
 * The transforms of Winograd's minimal filtering F(m x m, 3 x 3), after Lavin and Gray 2015, "Fast Algorithms for
 * Convolutional Neural Networks", section 4.1. With d a patch of m+2 by m+2 inputs and g a kernel, its m by m outputs are
 *
 *     Y = Aᵗ [(G g Gᵗ) ⊙ (Bᵗ d B)] A.
 */

import { float } from "../../../../core/mod.ts";
import { range } from "../../../../kernels/mod.ts";

/** The outputs of a tile along an axis. */
export type WinogradTile = 2 | 4;

type Matrix = readonly (readonly number[])[];

interface Transforms {
  /** Aᵗ [m, m+2]. */
  readonly output: Matrix;
  /** G [m+2, 3]. */
  readonly weight: Matrix;
  /** Bᵗ [m+2, m+2]. */
  readonly input: Matrix;
}

const ROOT = Math.SQRT2, HALF = Math.SQRT1_2;

/**
 * Polynomials are interpolated at 0, 1, -1 and infinity, as in the paper, or at 0, ±√½, ±√2 and infinity: with the paper's
 * ±1 and ±2 the factors go up to 8, and the largest errors are some three times as large.
 */
const TRANSFORMS: Readonly<Record<WinogradTile, Transforms>> = {
  2: {
    output: [[1, 1, 1, 0], [0, 1, -1, -1]],
    weight: [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]],
    input: [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
  },
  4: {
    output: [
      [1, 1, 1, 1, 1, 0],
      [0, HALF, -HALF, ROOT, -ROOT, 0],
      [0, 1 / 2, 1 / 2, 2, 2, 0],
      [0, HALF / 2, -HALF / 2, 2 * ROOT, -2 * ROOT, 1],
    ],
    weight: [
      [1, 0, 0],
      [-2 / 3, -ROOT / 3, -1 / 3],
      [-2 / 3, ROOT / 3, -1 / 3],
      [1 / 6, ROOT / 6, 1 / 3],
      [1 / 6, -ROOT / 6, 1 / 3],
      [0, 0, 1],
    ],
    input: [
      [1, 0, -5 / 2, 0, 1, 0],
      [0, -ROOT, -2, HALF, 1, 0],
      [0, ROOT, -2, -HALF, 1, 0],
      [0, -HALF, -1 / 2, ROOT, 1, 0],
      [0, HALF, -1 / 2, -ROOT, 1, 0],
      [0, 1, 0, -5 / 2, 0, 1],
    ],
  },
};

/** Names of the elements of a square: `name2_3` is that of row 2 and column 3. */
export function square(size: number, name: string): string[][] {
  return range(size).map((r) => range(size).map((c) => `${name}${r}_${c}`));
}

/** WGSL of Σ factors · values, all vectors: those by one first, so that the others are fused multiplications. */
function combine(factors: readonly number[], values: readonly string[]): string {
  const terms = factors.map((factor, i) => ({ factor, value: values[i] })).filter(({ factor }) => factor !== 0)
    .sort((a, b) => Number(Math.abs(a.factor) !== 1) - Number(Math.abs(b.factor) !== 1) || b.factor - a.factor);
  return terms.reduce((sum, { factor, value }) => {
    if (sum === "") return factor === 1 ? value : `${float(factor)} * ${value}`;
    if (Math.abs(factor) === 1) return `${sum} ${factor < 0 ? "-" : "+"} ${value}`;
    return `fma(vec4<f32>(${float(factor)}), ${value}, ${sum})`;
  }, "");
}

/**
 * WGSL statements of a transform: Bᵗ d B of an input, G g Gᵗ of a weight, Aᵗ m A of an output.
 *
 * @param values The expressions of the elements, vectors of four, row by row.
 * @param name The name of the results, as {@link square} has them.
 */
export function transformWgsl(
  transform: keyof Transforms,
  tile: WinogradTile,
  values: readonly (readonly string[])[],
  name: string,
): string[] {
  const matrix = TRANSFORMS[tile][transform];
  const columns = values[0].map((_, c) =>
    matrix.map((row, r) => `let ${name}h${r}_${c} = ${combine(row, values.map((line) => line[c]))};`)
  );
  const rows = matrix.flatMap((_, r) =>
    matrix.map((row, c) => `let ${name}${r}_${c} = ${combine(row, values[0].map((_, k) => `${name}h${r}_${k}`))};`)
  );
  return [...columns.flat(), ...rows];
}
