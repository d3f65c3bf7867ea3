/** The transform of Winograd's products back to results: Y = Aᵗ M A, the bias and the epilogue. */

import { type DeviceLimits, elementwise, linearWorkgroups, type WebGpuKernel } from "../../../../core/mod.ts";
import { range, storeOfFour, vec4 } from "../../../../kernels/mod.ts";
import { epilogueWgsl, operandBindings } from "../../epilogue.ts";
import { blockWgsl, counterBinding } from "./chunks.ts";
import { blocksOfChunk, type WinogradGeometry } from "./geometry.ts";
import { square, transformWgsl } from "./transforms.ts";

/** Transforms the products of a chunk back and stores its results; a block a thread. */
export function outputKernel(geometry: WinogradGeometry, limits: DeviceLimits): WebGpuKernel {
  const { convolution, tile, columns, workspace } = geometry;
  const { channels, resultSize: [height, width], operands } = convolution;
  const count = channels * blocksOfChunk(geometry), products = square(tile + 2, "m");
  const loads = products.flat().map((name, point) =>
    `let ${name} = products[${point * channels * columns}u + column];`
  );
  return {
    wgsl: elementwise(
      count,
      `${blockWgsl(geometry, { from: 1, to: 0, by: 1 })}
  let start = (image * ${channels}u + channel) * ${height * width}u;
  ${operands.bias === undefined ? "" : "let shift = vec4<f32>(bias[channel]);"}
  ${[...loads, ...transformWgsl("output", tile, products, "y"), ...storeBlock(geometry)].join("\n  ")}`,
      storeWgsl(geometry),
    ),
    bindings: [
      { name: "products", index: workspace.products, vector: true },
      ...counterBinding(geometry),
      ...operandBindings(operands, width % 4 === 0),
      { name: "result", index: operands.output, write: true, vector: width % 4 === 0 },
    ],
    workgroups: linearWorkgroups(count, limits),
  };
}

/** Stores the results of the four tiles of a block. */
function storeBlock({ convolution: { operands }, tile, block }: WinogradGeometry): string[] {
  const shift = operands.bias === undefined ? "" : " + shift";
  const element = (y: number, x: number) => {
    const t = Math.floor(y / tile) * block[1] + Math.floor(x / tile);
    return `y${y % tile}_${x % tile}[${t}]`;
  };
  return range(block[0] * tile).flatMap((y) =>
    range(block[1] * tile / 4).map((q) => {
      const value = vec4(range(4, 4 * q).map((x) => element(y, x)));
      return `store(start, firstY + ${y}u, firstX + ${4 * q}u, ${value}${shift});`;
    })
  );
}

/** `store(start, y, x, value)`: four adjacent results of a plane, as far as they are inside. */
function storeWgsl({ convolution: { resultSize, operands }, tile, block }: WinogradGeometry): string {
  const [height, width] = resultSize, columnsFit = width % (tile * block[1]) === 0;
  const store = storeOfFour({
    target: "result",
    start: "line + x",
    vector: width % 4 === 0,
    guard: (c) => columnsFit ? "" : `if (x${c === undefined ? "" : ` + ${c}u`} < ${width}u) `,
    epilogue: (value, index, size) => epilogueWgsl(operands, value, index, size),
  });
  return `fn store(start: u32, y: u32, x: u32, value: vec4<f32>) {
  ${height % (tile * block[0]) === 0 ? "" : `if (y >= ${height}u) { return; }`}
  let line = start + y * ${width}u;
  ${store}
}`;
}
