/**
 * The naive WebGPU kernel of a convolution and of its input gradient, which takes any shape. A thread computes a tile of
 * adjacent columns and channels in registers; the source's positions are found at run time, short loops over taps unrolled.
 */

import { constants, type KernelFamily, linearWorkgroups, MAX_ITERATIONS } from "../../../core/mod.ts";
import { range } from "../../../kernels/mod.ts";
import type { DirectedConvolution } from "../directed.ts";
import { epilogueWgsl, operandBindings } from "../epilogue.ts";
import { isInsideSource, positionStep, sourcePosition } from "./positions.ts";

/** The register tile of a thread. */
export type NaiveTile = {
  /** Adjacent columns. */
  readonly columns: number;
  /** Adjacent result channels. */
  readonly channels: number;
};

const TILES: readonly NaiveTile[] = [
  { columns: 4, channels: 8 },
  { columns: 4, channels: 4 },
  { columns: 1, channels: 1 },
];

/** Taps above which the kernel's rows are looped over. */
const MAX_UNROLLED_TAPS = 49;
/** The kernel's width above which its columns are looped over. */
const MAX_UNROLLED_COLUMNS = 15;

/** The family. */
export const NAIVE: KernelFamily<DirectedConvolution, NaiveTile> = {
  name: "naive",
  version: 1,
  supports: (convolution) => naiveIterations(convolution) <= MAX_ITERATIONS,
  configurations: fittedTiles,
  nameOf: ({ columns, channels }) => `naive ${columns}x${channels}`,
  emit: (convolution, tile, { limits }) => ({
    kernels: [{
      wgsl: naiveWgsl(convolution, tile),
      bindings: [
        { name: "source", index: 0 },
        { name: "weight", index: 1 },
        ...operandBindings(convolution.operands),
        { name: "result", index: convolution.operands.output, write: true },
      ],
      workgroups: linearWorkgroups(tilesOf(convolution, tile).threads, limits),
    }],
  }),
};

/** Loop iterations of a thread. */
export function naiveIterations(convolution: DirectedConvolution): number {
  const { sources, kernelSize: [height, width] } = convolution;
  const rowLoops = unrollsRows(convolution) ? 0 : 1, columnLoops = unrollsColumns(convolution) ? 0 : width;
  return sources * (1 + height * (rowLoops + columnLoops));
}

/** The tiles, none larger than the result, each once. */
function fittedTiles({ resultSize: [, width], channels }: DirectedConvolution): NaiveTile[] {
  const tiles = TILES.map((tile) => ({
    columns: Math.min(tile.columns, width),
    channels: Math.min(tile.channels, channels),
  }));
  const same = (a: NaiveTile, b: NaiveTile) => a.columns === b.columns && a.channels === b.channels;
  return tiles.filter((tile, index) => tiles.findIndex((other) => same(other, tile)) === index);
}

function unrollsRows({ taps }: DirectedConvolution): boolean {
  return taps <= MAX_UNROLLED_TAPS;
}

function unrollsColumns({ kernelSize: [, width] }: DirectedConvolution): boolean {
  return width <= MAX_UNROLLED_COLUMNS;
}

/** How many tiles there are along columns and channels, and in all. */
function tilesOf({ batch, groups, channels, resultSize: [height, width] }: DirectedConvolution, tile: NaiveTile) {
  const columnTiles = Math.ceil(width / tile.columns), channelTiles = Math.ceil(channels / tile.channels);
  return { columnTiles, channelTiles, threads: columnTiles * height * channelTiles * groups * batch };
}

function naiveWgsl(convolution: DirectedConvolution, tile: NaiveTile): string {
  const { direction, channels, sources, groups, taps, stride, resultSize: [height] } = convolution;
  const { sourceSize: [sourceHeight, sourceWidth] } = convolution;
  const { columnTiles, channelTiles, threads } = tilesOf(convolution, tile), ks = range(tile.channels);
  return `${constants({ CHANNELS: channels, SOURCES: sources, TAPS: taps })}
${loadWgsl(convolution)}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  var thread = id.y * (groups.x * 64u) + id.x;
  if (thread >= ${threads}u) { return; }
  let column = (thread % ${columnTiles}u) * ${tile.columns}u; thread /= ${columnTiles}u;
  let y = thread % ${height}u; thread /= ${height}u;
  let firstChannel = (thread % ${channelTiles}u) * ${tile.channels}u; thread /= ${channelTiles}u;
  let group = thread % ${groups}u;
  let image = thread / ${groups}u;
  let firstColumn = i32(column${direction === "forward" ? ` * ${stride[1]}u` : ""});
  let resultPlane = (image * ${groups}u + group) * CHANNELS + firstChannel;
  ${ks.map((k) => declareSum(convolution, tile, k)).join("\n  ")}
  for (var s = 0u; s < SOURCES; s++) {
    let plane = ((image * ${groups}u + group) * SOURCES + s) * ${sourceHeight * sourceWidth}u;
    ${ks.map((k) => weightRow(convolution, tile, k)).join("\n    ")}
    ${addTaps(convolution, tile)}
  }
  ${ks.flatMap((k) => range(tile.columns).map((column) => store(convolution, tile, k, column))).join("\n  ")}
}`;
}

/** `load(line, inside, x)`: the source's element of a column, times the step of positions; what lies outside is zero. */
function loadWgsl(convolution: DirectedConvolution): string {
  const width = convolution.sourceSize[1];
  return `fn load(line: u32, inside: bool, x: i32) -> f32 {
  let ok = inside & ${isInsideSource(convolution, 1, "x")};
  return select(0.0, source[line + u32(clamp(${unspread(convolution, 1, "x")}, 0, ${width - 1}))], ok);
}`;
}

/** A position as a row or column of the source. */
function unspread(convolution: DirectedConvolution, axis: 0 | 1, position: string): string {
  const step = positionStep(convolution, axis);
  return step === 1 ? position : `${position} / ${step}`;
}

/** The k-th channel of a tile, held inside. */
function channelOf({ channels }: DirectedConvolution, tile: NaiveTile, k: number): string {
  return channels % tile.channels === 0 ? `firstChannel + ${k}u` : `min(firstChannel + ${k}u, CHANNELS - 1u)`;
}

/** The vector of a tile's columns, or the one column. */
function vectorType({ columns }: NaiveTile): string {
  return columns === 1 ? "f32" : `vec${columns}<f32>`;
}

function declareSum(convolution: DirectedConvolution, tile: NaiveTile, k: number): string {
  const bias = `bias[group * CHANNELS + ${channelOf(convolution, tile, k)}]`;
  return `var sum${k} = ${vectorType(tile)}(${convolution.operands.bias === undefined ? "0.0" : bias});`;
}

/** The index of the first weight of the k-th channel and the source s. */
function weightRow(convolution: DirectedConvolution, tile: NaiveTile, k: number): string {
  const channel = channelOf(convolution, tile, k);
  return convolution.direction === "forward"
    ? `let w${k} = ((group * CHANNELS + ${channel}) * SOURCES + s) * TAPS;`
    : `let w${k} = ((group * SOURCES + s) * CHANNELS + ${channel}) * TAPS;`;
}

/** Adds what all taps of a source contribute. */
function addTaps(convolution: DirectedConvolution, tile: NaiveTile): string {
  const [height, width] = convolution.kernelSize;
  const row = (i: string) =>
    unrollsColumns(convolution)
      ? addKernelRow(convolution, tile, i, range(width))
      : `for (var j = 0u; j < ${width}u; j++) ${addKernelRow(convolution, tile, i, ["j"])}`;
  return unrollsRows(convolution)
    ? range(height).map((i) => row(`${i}u`)).join("\n")
    : `for (var i = 0u; i < ${height}u; i++) {\n${row("i")}\n}`;
}

/**
 * Adds what some taps of the kernel's row `i` contribute. Each distinct column of the source is loaded once, for every tap and
 * channel that needs it.
 */
function addKernelRow(
  convolution: DirectedConvolution,
  tile: NaiveTile,
  i: string,
  taps: readonly (number | string)[],
): string {
  const [height, width] = convolution.sourceSize, kernelWidth = convolution.kernelSize[1];
  const lines = [
    `let t = ${sourcePosition(convolution, 0, "y", i)};`,
    `let inside = ${isInsideSource(convolution, 0, "t")};`,
    `let line = plane + u32(clamp(${unspread(convolution, 0, "t")}, 0, ${height - 1})) * ${width}u;`,
  ];
  const loaded = new Map<string, string>();
  const load = (column: number, j: number | string): string => {
    const offset = columnOffset(convolution, column, j), name = loaded.get(offset) ?? `v${loaded.size}`;
    if (!loaded.has(offset)) lines.push(`let ${name} = load(line, inside, firstColumn + (${offset}));`);
    loaded.set(offset, name);
    return name;
  };
  for (const j of taps) {
    const tap = `${i} * ${kernelWidth}u + ${typeof j === "number" ? `${j}u` : j}`;
    const values = range(tile.columns).map((column) => load(column, j));
    const vector = tile.columns === 1 ? values[0] : `${vectorType(tile)}(${values.join(", ")})`;
    const products = range(tile.channels).map((k) => `sum${k} += weight[w${k} + ${tap}] * v;`);
    lines.push(`{ let v = ${vector};`, ...products, "}");
  }
  return `{\n${lines.join("\n")}\n}`;
}

/** How far from `firstColumn` a column of the tile meets the source at the kernel's column `j`, a number or a variable. */
function columnOffset(
  { direction, stride, padding, dilation }: DirectedConvolution,
  column: number,
  j: number | string,
): string {
  const first = direction === "forward" ? column * stride[1] - padding[1] : column + padding[1];
  const sign = direction === "forward" ? 1 : -1;
  if (typeof j === "number") return `${first + sign * j * dilation[1]}`;
  return `${first} ${sign < 0 ? "-" : "+"} i32(${j} * ${dilation[1]}u)`;
}

/** Stores one result, if it is inside. */
function store(convolution: DirectedConvolution, tile: NaiveTile, k: number, column: number): string {
  const { channels, resultSize: [height, width], operands } = convolution;
  const conditions = [
    ...(channels % tile.channels === 0 ? [] : [`firstChannel + ${k}u < CHANNELS`]),
    ...(width % tile.columns === 0 ? [] : [`column + ${column}u < ${width}u`]),
  ];
  const value = tile.columns === 1 ? `sum${k}` : `sum${k}[${column}]`;
  return `${conditions.length === 0 ? "" : `if (${conditions.join(" && ")}) `}{
    let position = (resultPlane + ${k}u) * ${height * width}u + y * ${width}u + column + ${column}u;
    result[position] = ${epilogueWgsl(operands, value, "position")};
  }`;
}
