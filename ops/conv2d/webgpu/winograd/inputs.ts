/** The transform of Winograd's sources: V = Bᵗ d B. */

import { type DeviceLimits, elementwise, linearWorkgroups, type WebGpuKernel } from "../../../../core/mod.ts";
import { range, vec4 } from "../../../../kernels/mod.ts";
import { type SourceLoads, sourceLoads } from "../source_loads.ts";
import { blockWgsl, counterBinding } from "./chunks.ts";
import { blocksOfChunk, type WinogradGeometry } from "./geometry.ts";
import { square, transformWgsl } from "./transforms.ts";

/** Transforms the sources of a chunk to [point, source, column], each a vector of tiles; a block a thread. */
export function inputKernel(geometry: WinogradGeometry, limits: DeviceLimits): WebGpuKernel {
  const { convolution: { sources, sourceSize: [height, width] }, tile, columns, workspace } = geometry;
  const count = sources * blocksOfChunk(geometry), patch = square(tile + 2, "d");
  const loads = sourceLoads(spanOf(geometry, 0), spanOf(geometry, 1), false), gathers = gatherPatch(geometry, loads);
  const stores = square(tile + 2, "v").flat().map((name, point) =>
    `transformed[${point * sources * columns}u + column] = ${name};`
  );
  return {
    wgsl: elementwise(
      count,
      `${blockWgsl(geometry, { from: 0, to: 1, by: 0 })}
  let plane = (image * ${sources}u + channel) * ${height * width}u;
  let firstRow = i32(firstY);
  let firstColumn = i32(firstX);
  ${[...loads.statements(), ...gathers, ...transformWgsl("input", tile, patch, "v"), ...stores].join("\n  ")}`,
      loads.functions,
    ),
    bindings: [
      { name: "source", index: 0, vector: width % 4 === 0 },
      { name: "transformed", index: workspace.sources, write: true, vector: true },
      ...counterBinding(geometry),
    ],
    workgroups: linearWorkgroups(count, limits),
  };
}

function spanOf({ convolution: { sourceSize }, tile, block, blocks }: WinogradGeometry, axis: 0 | 1) {
  return { size: sourceSize[axis], last: (blocks[axis] - 1) * block[axis] * tile };
}

/** The patches of the four tiles of a block: an element of each in a vector. */
function gatherPatch({ tile, padding, block }: WinogradGeometry, loads: SourceLoads): string[] {
  const element = (row: number, column: number, t: number) => {
    const down = Math.floor(t / block[1]), across = t % block[1];
    return loads.request(down * tile + row - padding[0], across * tile + column - padding[1]);
  };
  return square(tile + 2, "d").flatMap((names, row) =>
    names.map((name, column) => `let ${name} = ${vec4(range(4).map((t) => element(row, column, t)))};`)
  );
}
