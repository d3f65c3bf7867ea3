/**
 * How the staged kernels bring rows of an image into workgroup memory: in vectors of four adjacent elements, of which a thread
 * fetches and parks a whole one. Threads that park parts of one vector would race: WGSL lets a write of a component touch all.
 */

import { range, vec4 } from "../../../kernels/mod.ts";

/** Elements of what is loaded of a buffer at a time, its unit: of whole rows of vectors a vector, of others an element. */
export function unitOf(width: number): 1 | 4 {
  return width % 4 === 0 ? 4 : 1;
}

/**
 * WGSL of a vector of a row; what lies outside is zero.
 *
 * @param buffer The buffer, which is bound in units.
 * @param width Elements of a row.
 * @param line An expression: where the row begins, in units.
 * @param inside An expression: whether the row is inside.
 * @param x An expression: where in the row, an i32, in units.
 */
export function fetchVector(buffer: string, width: number, line: string, inside: string, x: string): string {
  if (unitOf(width) === 1) return vec4(range(4).map((c) => `fetch_${buffer}(${line}, ${inside}, ${x} + ${c})`));
  const vectors = width / 4;
  return `select(vec4<f32>(), ${buffer}[${line} + u32(clamp(${x}, 0, ${
    vectors - 1
  }))], ${inside} & (${x} >= 0) & (${x} < ${vectors}))`;
}

/** The WGSL function that {@link fetchVector} calls, if it calls one. */
export function fetchElementWgsl(buffer: string, width: number): string {
  if (unitOf(width) === 4) return "";
  return `fn fetch_${buffer}(line: u32, inside: bool, column: i32) -> f32 {
  let isIn = inside & (column >= 0) & (column < ${width});
  return select(0.0, ${buffer}[line + u32(clamp(column, 0, ${width - 1}))], isIn);
}
`;
}

/** The first column of a window, given that of what its results meet: where rows are whole vectors, a multiple of four. */
export function windowColumn(first: number, width: number): number {
  const unit = unitOf(width);
  return unit * Math.floor(first / unit);
}
