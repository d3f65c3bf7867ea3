/** The plain kernel of a matrix product on WebGPU: a thread computes some adjacent columns of a row of C, nothing is packed. */

import { type DeviceLimits, elementKernel, type WebGpuKernel } from "../../core/mod.ts";
import { range } from "../text.ts";
import type { GemmProblem } from "./problem.ts";

/**
 * The kernel of a product of one B, whose bias, if there is one, is of C's columns.
 *
 * @param columns Columns of a thread: an element of A is loaded once for all of them.
 */
export function naiveGemmKernel(problem: GemmProblem, columns: number, limits: DeviceLimits): WebGpuKernel {
  const { m, n, k, a, b, buffers, bias } = problem, tiles = Math.ceil(n / columns), ragged = n % columns !== 0;
  const column = (c: number) => ragged ? `min(first + ${c}u, ${n - 1}u)` : `first + ${c}u`;
  const declare = (c: number) => `var sum${c} = ${bias === undefined ? "0.0" : `bias[${column(c)}]`};`;
  const add = (c: number) => `sum${c} += v * b[p * ${b[0]}u + (${column(c)}) * ${b[1]}u];`;
  const store = (c: number) =>
    `${ragged ? `if (first + ${c}u < ${n}u) ` : ""}{ c[row * ${n}u + first + ${c}u] = sum${c}; }`;
  const list = range(columns);
  return elementKernel(
    {
      count: m * tiles,
      iterations: k,
      body: `let row = i / ${tiles}u; let first = i % ${tiles}u * ${columns}u;
  ${list.map(declare).join(" ")}
  for (var p = 0u; p < ${k}u; p++) {
    let v = a[row * ${a[0]}u + p * ${a[1]}u];
    ${list.map(add).join(" ")}
  }
  ${list.map(store).join("\n  ")}`,
    },
    [
      { name: "a", index: buffers.a },
      { name: "b", index: buffers.b },
      ...(bias === undefined ? [] : [{ name: "bias", index: bias.buffer }]),
      { name: "c", index: buffers.c, write: true },
    ],
    limits,
  );
}
