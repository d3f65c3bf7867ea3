/** The transform of Winograd's weights: U = G g Gᵗ. */

import { type DeviceLimits, elementKernel, type WebGpuKernel } from "../../../../core/mod.ts";
import { range, vec4 } from "../../../../kernels/mod.ts";
import { weightRow } from "../weight_row.ts";
import type { WinogradGeometry } from "./geometry.ts";
import { square, transformWgsl } from "./transforms.ts";

/**
 * Transforms the weights to [point, panel, source, channel of the panel], four channels a thread; channels beyond the last
 * repeat it. Those of a gradient are turned around.
 */
export function weightKernel(geometry: WinogradGeometry, limits: DeviceLimits): WebGpuKernel {
  const { convolution, tile, panelRows, panels, workspace } = geometry, { direction, sources, channels } = convolution;
  const quads = panelRows / 4, count = panels * sources * quads, taps = square(3, "g");
  const row = (c: number) => weightRow(convolution, `min(k + ${c}u, ${channels - 1}u)`, "s");
  const rows = range(4).map((c) => `let row${c} = (${row(c)}) * 9u;`);
  const loads = taps.flat().map((name, index) => {
    const tap = direction === "forward" ? index : 8 - index;
    return `let ${name} = ${vec4(range(4).map((k) => `weight[row${k} + ${tap}u]`))};`;
  });
  const stores = square(tile + 2, "u").flat().map((name, point) => `transformed[${point * count}u + i] = ${name};`);
  return elementKernel(
    {
      count,
      body: `let k = i / ${quads * sources}u * ${panelRows}u + i % ${quads}u * 4u;
  let s = i / ${quads}u % ${sources}u;
  ${[...rows, ...loads, ...transformWgsl("weight", tile, taps, "u"), ...stores].join("\n  ")}`,
    },
    [{ name: "weight", index: 1 }, { name: "transformed", index: workspace.weights, write: true, vector: true }],
    limits,
  );
}
