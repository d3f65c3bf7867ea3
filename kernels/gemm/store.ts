/** How kernels of matrix products finish C: the bias, the epilogue, and a store of four columns at a time. */

import type { WebGpuKernel } from "../../core/mod.ts";
import { range, storeOfFour, vec4 } from "../text.ts";
import type { GemmProblem } from "./problem.ts";

/** WGSL of `fn store(matrix, row, column, value)`, where the first of the four columns is inside. */
export function storeWgsl({ m, n, epilogue }: GemmProblem, name = "store"): string {
  const vector = n % 4 === 0;
  const store = storeOfFour({
    target: "c",
    start: "start",
    vector,
    guard: vector ? undefined : (c) => c === 0 ? "" : `if (column + ${c}u < ${n}u) `,
    epilogue: epilogue?.apply,
  });
  return `fn ${name}(matrix: u32, row: u32, column: u32, value: vec4<f32>) {
  let start = (matrix * ${m}u + row) * ${n}u + column;
  ${store}
}`;
}

/** WGSL of the biases of four columns from `column` on, an expression; those outside are any. */
export function columnBias(n: number, column: (c: number) => string): string {
  return vec4(range(4).map((c) => `bias[min(${column(c)}, ${n - 1}u)]`));
}

/** What {@link storeWgsl} and the bias bind. */
export function storeBindings({ n, buffers, bias, epilogue }: GemmProblem): WebGpuKernel["bindings"] {
  const vector = n % 4 === 0;
  return [
    ...(bias === undefined ? [] : [{ name: "bias", index: bias.buffer }]),
    ...(epilogue?.bindings(vector) ?? []),
    { name: "c", index: buffers.c, write: true, vector },
  ];
}

/** What a kernel binds that reads and stores elements one by one. */
export function scalarBindings({ buffers, bias, epilogue }: GemmProblem): WebGpuKernel["bindings"] {
  return [
    { name: "a", index: buffers.a },
    { name: "b", index: buffers.b },
    ...(bias === undefined ? [] : [{ name: "bias", index: bias.buffer }]),
    ...(epilogue?.bindings(false) ?? []),
    { name: "c", index: buffers.c, write: true },
  ];
}
