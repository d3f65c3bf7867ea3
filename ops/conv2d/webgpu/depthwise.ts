/**
 * The WebGPU kernel of a depthwise convolution, one kernel a channel, and of its input gradient: a thread computes a tile of
 * rows of four adjacent columns of a phase (`direct_wgsl.ts` explains phases), from source elements that it loads once.
 */

import { elementwise, linearWorkgroups, type MarkedVariant, type WebGpuLimits } from "../../../core/mod.ts";
import { axisOf, sourceLoads } from "./direct_source.ts";
import type { Direction } from "./direct.ts";
import { epilogueWgsl, type ForwardOperands, operandBindings } from "./epilogue.ts";
import type { ConvolutionProblem } from "../problem.ts";

/** Rows of a thread, of all phases together. */
const SOFTWARE_ROWS = 8, HARDWARE_ROWS = 2;

/** Whether each channel of input and output has one kernel, not too large to be unrolled. */
export function isDepthwise(g: ConvolutionProblem): boolean {
  return g.groups > 1 && g.groupInputs === 1 && g.groupOutputs === 1 && g.kernelHeight * g.kernelWidth <= 25;
}

function range(count: number): number[] {
  return [...Array(count).keys()];
}

/** The variant of a depthwise convolution. */
export function depthwiseVariant(
  g: ConvolutionProblem,
  limits: WebGpuLimits,
  direction: Direction,
  operands: ForwardOperands,
): MarkedVariant {
  const y = axisOf(g, direction === "forward", 0), x = axisOf(g, direction === "forward", 1);
  const wanted = limits.software ? SOFTWARE_ROWS : HARDWARE_ROWS;
  const lines = Math.ceil(y.size / y.phases);
  const rowTiles = Math.ceil(lines / Math.max(1, wanted / y.phases)), rows = Math.ceil(lines / rowTiles);
  const columnTiles = Math.ceil(x.size / (4 * x.phases)), threads = columnTiles * rowTiles * g.groups * g.batch;
  const vector = x.size % 4 === 0, taps = g.kernelHeight * g.kernelWidth;
  const elements = g.batch * g.groups * y.sourceSize * x.sourceSize;
  const texels = limits.software && x.sourceSize % 4 === 0 && elements / 4 <= limits.maxTexels;
  const source = sourceLoads(
    { size: y.sourceSize, last: (rowTiles - 1) * rows * y.step },
    { size: x.sourceSize, last: (columnTiles - 1) * 4 * x.step },
    texels,
  );
  const places = range(y.phases).flatMap((a) => range(rows).flatMap((r) => range(x.phases).map((b) => ({ a, r, b }))));
  const sum = ({ a, r, b }: typeof places[number]) => `sum${a}_${r}_${b}`;

  const products = range(g.kernelHeight).flatMap((i) =>
    range(g.kernelWidth).flatMap((j) =>
      places.flatMap((place) => {
        const dy = y.offsets[place.a].get(i), dx = x.offsets[place.b].get(j);
        if (dy === undefined || dx === undefined) return [];
        const values = range(4).map((c) => source.value(place.r * y.step + dy, c * x.step + dx));
        const weight = `vec4<f32>(w${i * g.kernelWidth + j})`;
        return [`${sum(place)} = fma(${weight}, vec4<f32>(${values.join(", ")}), ${sum(place)});`];
      })
    )
  );
  const element = (a: number, r: number, t: number) => `${sum({ a, r, b: t % x.phases })}[${Math.floor(t / x.phases)}]`;
  const stores = range(y.phases).flatMap((a) =>
    range(rows).flatMap((r) =>
      range(x.phases).map((u) => {
        const value = `vec4<f32>(${range(4).map((c) => element(a, r, 4 * u + c)).join(", ")})`;
        return `store(channelPlane, y + ${r * y.phases + a}u, x + ${4 * u}u, ${value});`;
      })
    )
  );
  const storeAll = vector
    ? `let place = (line + x) / 4u; result[place] = ${epilogueWgsl(operands, "value", "place", 4)};`
    : range(4).map((c) =>
      `if (x + ${c}u < ${x.size}u) { let place = line + x + ${c}u; result[place] = ${
        epilogueWgsl(operands, `value[${c}]`, "place")
      }; }`
    ).join("\n  ");
  const start = operands.bias === undefined ? "0.0" : `bias[channel]`;
  return {
    name: `depthwise 4x${rows}${texels ? ", texels" : ""}`,
    kernels: [{
      wgsl: elementwise(
        threads,
        `let columnTile = i % ${columnTiles}u;
  let rowTile = i / ${columnTiles}u % ${rowTiles}u;
  runTile(columnTile, rowTile, i / ${columnTiles * rowTiles}u);`,
        `${source.functions}
fn store(channelPlane: u32, y: u32, x: u32, value: vec4<f32>) {
  if (y >= ${y.size}u || x >= ${x.size}u) { return; }
  let line = (channelPlane * ${y.size}u + y) * ${x.size}u;
  ${storeAll}
}
fn runTile(columnTile: u32, rowTile: u32, channelPlane: u32) {
  let channel = channelPlane % ${g.groups}u;
  let x = columnTile * ${4 * x.phases}u;
  let y = rowTile * ${rows * y.phases}u;
  let firstColumn = i32(columnTile * ${4 * x.step}u);
  let firstRow = i32(rowTile * ${rows * y.step}u);
  ${range(taps).map((tap) => `let w${tap} = weight[channel * ${taps}u + ${tap}u];`).join(" ")}
  ${places.map((place) => `var ${sum(place)} = vec4<f32>(${start});`).join(" ")}
  let plane = channelPlane * ${y.sourceSize * x.sourceSize}u;
  ${source.statements().join("\n  ")}
  ${products.join("\n  ")}
  ${stores.join("\n  ")}
}`,
      ),
      bindings: [
        { name: "source", index: 0, vector: x.sourceSize % 4 === 0, texels },
        { name: "weight", index: 1 },
        ...operandBindings(operands, vector),
        { name: "result", index: operands.output, write: true, vector },
      ],
      workgroups: linearWorkgroups(threads, limits),
    }],
  };
}
