/**
 * The direct WebGPU kernel of convolution and of its input gradient. Both are a gather,
 *
 *     result[n, g, r, y, x] = Σ over s, i, j of weight(g, r, s, i, j) · source[n, g, s, fy(y, i), fx(x, j)],
 *
 * and differ in the maps from a result's position to the source's. A thread computes a tile of adjacent x and of r in
 * registers; taps are unrolled.
 */

import { constants, lazyVariant, linearWorkgroups, type MarkedVariant, type WebGpuLimits } from "../../../core/mod.ts";
import { expectIterations } from "../../../kernels/mod.ts";
import { epilogueWgsl, type ForwardOperands, operandBindings, operandsOf } from "./epilogue.ts";
import type { ConvolutionProblem } from "../problem.ts";

/** The register tile of a thread. */
export interface GatherTile {
  /** Adjacent columns. */
  readonly columns: number;
  /** Adjacent result channels. */
  readonly channels: number;
}

/** The tiles that the tuner may choose among, the default first. */
const TILES: readonly GatherTile[] = [{ columns: 4, channels: 8 }, { columns: 4, channels: 4 }, {
  columns: 1,
  channels: 1,
}];

/** Above this many taps a loop over the kernel's rows is bounded, not unrolled. */
const MAX_UNROLLED_TAPS = 49;
const MAX_UNROLLED_COLUMNS = 15;

/** The variants of a convolution, or of its input gradient. */
export function gatherVariants(
  g: ConvolutionProblem,
  limits: WebGpuLimits,
  direction: "forward" | "inputGradient",
  operands: ForwardOperands = operandsOf(2),
): MarkedVariant[] {
  const sources = direction === "forward" ? g.groupInputs : g.groupOutputs, taps = g.kernelHeight * g.kernelWidth;
  const columnLoops = g.kernelWidth <= MAX_UNROLLED_COLUMNS ? 0 : g.kernelWidth;
  const rowLoops = taps <= MAX_UNROLLED_TAPS ? 0 : 1;
  expectIterations("conv2d", sources * (1 + g.kernelHeight * (rowLoops + columnLoops)));
  const channels = direction === "forward" ? g.groupOutputs : g.groupInputs;
  const width = direction === "forward" ? g.outputWidth : g.width;
  const height = direction === "forward" ? g.outputHeight : g.height;
  const tiles = TILES.map((tile) => ({
    columns: Math.min(tile.columns, width),
    channels: Math.min(tile.channels, channels),
  }));
  const unique = tiles.filter((tile, index) =>
    tiles.findIndex((other) => other.columns === tile.columns && other.channels === tile.channels) === index
  );
  return unique.map((tile) => {
    const columnTiles = Math.ceil(width / tile.columns), channelTiles = Math.ceil(channels / tile.channels);
    const threads = columnTiles * height * channelTiles * g.groups * g.batch;
    return lazyVariant({ name: `direct ${tile.columns}x${tile.channels}` }, () => [{
      wgsl: gatherWgsl(g, direction, tile, operands),
      bindings: [
        { name: "source", index: 0 },
        { name: "weight", index: 1 },
        ...operandBindings(operands),
        { name: "result", index: operands.output, write: true },
      ],
      workgroups: linearWorkgroups(threads, limits),
    }]);
  });
}

function gatherWgsl(
  g: ConvolutionProblem,
  direction: "forward" | "inputGradient",
  tile: GatherTile,
  operands: ForwardOperands,
): string {
  const forward = direction === "forward";
  const [channels, sources] = forward ? [g.groupOutputs, g.groupInputs] : [g.groupInputs, g.groupOutputs];
  const [height, width] = forward ? [g.outputHeight, g.outputWidth] : [g.height, g.width];
  const [sourceHeight, sourceWidth] = forward ? [g.height, g.width] : [g.outputHeight, g.outputWidth];
  const taps = g.kernelHeight * g.kernelWidth;
  const columnTiles = Math.ceil(width / tile.columns), channelTiles = Math.ceil(channels / tile.channels);
  const threads = columnTiles * height * channelTiles * g.groups * g.batch;
  const columns = [...Array(tile.columns).keys()], rows = [...Array(tile.channels).keys()];

  const clamped = (k: number) =>
    channels % tile.channels === 0 ? `firstChannel + ${k}u` : `min(firstChannel + ${k}u, CHANNELS - 1u)`;
  const weightRow = (k: number) =>
    forward
      ? `let w${k} = ((group * CHANNELS + ${clamped(k)}) * SOURCES + s) * TAPS;`
      : `let w${k} = ((group * SOURCES + s) * CHANNELS + ${clamped(k)}) * TAPS;`;

  /** One kernel row: each distinct source column is loaded once and used by every tap and channel that needs it. */
  const kernelRow = (i: string, tapColumns: readonly (number | string)[]): string => {
    const t = forward
      ? `i32(y * ${g.stride[0]}u + ${i} * ${g.dilation[0]}u) - ${g.padding[0]}`
      : `i32(y) + ${g.padding[0]} - i32(${i} * ${g.dilation[0]}u)`;
    const lines = [
      `let t = ${t};`,
      forward
        ? `let inside = t >= 0 && t < ${sourceHeight};`
        : `let inside = t >= 0 && t < ${sourceHeight * g.stride[0]}${
          g.stride[0] === 1 ? "" : ` && t % ${g.stride[0]} == 0`
        };`,
      `let line = plane + u32(clamp(t${forward || g.stride[0] === 1 ? "" : ` / ${g.stride[0]}`}, 0, ${
        sourceHeight - 1
      })) * ${sourceWidth}u;`,
    ];
    const loaded = new Map<string, string>();
    const load = (column: number, j: number | string): string => {
      const offset = forward
        ? (typeof j === "number"
          ? `${column * g.stride[1] + j * g.dilation[1] - g.padding[1]}`
          : `${column * g.stride[1] - g.padding[1]} + i32(${j} * ${g.dilation[1]}u)`)
        : (typeof j === "number"
          ? `${column + g.padding[1] - j * g.dilation[1]}`
          : `${column + g.padding[1]} - i32(${j} * ${g.dilation[1]}u)`);
      const known = loaded.get(offset);
      if (known !== undefined) return known;
      const name = `v${loaded.size}`;
      loaded.set(offset, name);
      lines.push(`let ${name} = load(line, inside, firstColumn + (${offset}));`);
      return name;
    };
    for (const j of tapColumns) {
      const tap = typeof j === "number" ? `${i} * ${g.kernelWidth}u + ${j}u` : `${i} * ${g.kernelWidth}u + ${j}`;
      const values = columns.map((column) => load(column, j));
      const vector = tile.columns === 1 ? values[0] : `vec${tile.columns}<f32>(${values.join(", ")})`;
      lines.push(`{ let v = ${vector};`, ...rows.map((k) => `sum${k} += weight[w${k} + ${tap}] * v;`), "}");
    }
    return `{\n${lines.join("\n")}\n}`;
  };
  const tapColumns: (number | string)[] = g.kernelWidth <= MAX_UNROLLED_COLUMNS
    ? [...Array(g.kernelWidth).keys()]
    : ["j"];
  const row = (i: string) =>
    g.kernelWidth <= MAX_UNROLLED_COLUMNS
      ? kernelRow(i, tapColumns)
      : `for (var j = 0u; j < ${g.kernelWidth}u; j++) ${kernelRow(i, tapColumns)}`;
  const body = taps <= MAX_UNROLLED_TAPS
    ? [...Array(g.kernelHeight).keys()].map((i) => row(`${i}u`)).join("\n")
    : `for (var i = 0u; i < ${g.kernelHeight}u; i++) {\n${row("i")}\n}`;

  const type = tile.columns === 1 ? "f32" : `vec${tile.columns}<f32>`;
  const store = (k: number) =>
    columns.map((column) => {
      const conditions = [
        ...(channels % tile.channels === 0 ? [] : [`firstChannel + ${k}u < CHANNELS`]),
        ...(width % tile.columns === 0 ? [] : [`column + ${column}u < ${width}u`]),
      ];
      const value = tile.columns === 1 ? `sum${k}` : `sum${k}[${column}]`;
      const target = `let place = (resultPlane + ${k}u) * ${height * width}u + y * ${width}u + column + ${column}u;
      result[place] = ${epilogueWgsl(operands, value, "place")};`;
      return `${conditions.length === 0 ? "" : `if (${conditions.join(" && ")}) `}{ ${target} }`;
    }).join("\n");
  const strided = !forward && g.stride[1] !== 1;
  return `${constants({ CHANNELS: channels, SOURCES: sources, TAPS: taps })}
fn load(line: u32, inside: bool, x: i32) -> f32 {
  let ok = inside && x >= 0 && x < ${forward ? sourceWidth : sourceWidth * g.stride[1]}${
    strided ? ` && x % ${g.stride[1]} == 0` : ""
  };
  return select(0.0, source[line + u32(clamp(x${strided ? ` / ${g.stride[1]}` : ""}, 0, ${sourceWidth - 1}))], ok);
}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  var thread = id.y * (groups.x * 64u) + id.x;
  if (thread >= ${threads}u) { return; }
  let column = (thread % ${columnTiles}u) * ${tile.columns}u; thread /= ${columnTiles}u;
  let y = thread % ${height}u; thread /= ${height}u;
  let firstChannel = (thread % ${channelTiles}u) * ${tile.channels}u; thread /= ${channelTiles}u;
  let group = thread % ${g.groups}u;
  let image = thread / ${g.groups}u;
  let firstColumn = i32(column${forward ? ` * ${g.stride[1]}u` : ""});
  let resultPlane = (image * ${g.groups}u + group) * CHANNELS + firstChannel;
  ${
    rows.map((k) =>
      `var sum${k} = ${type}(${operands.bias !== undefined ? `bias[group * CHANNELS + ${clamped(k)}]` : "0.0"});`
    ).join("\n  ")
  }
  for (var s = 0u; s < SOURCES; s++) {
    let plane = ((image * ${g.groups}u + group) * SOURCES + s) * ${sourceHeight * sourceWidth}u;
    ${rows.map(weightRow).join("\n    ")}
    ${body}
  }
  ${rows.map(store).join("\n  ")}
}`;
}
