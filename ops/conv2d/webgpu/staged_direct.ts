/**
 * The direct WebGPU kernel of a convolution and of its input gradient with both operands in workgroup memory, for GPUs. A
 * workgroup brings in what a block of results meets of some sources, each element once for all taps, and their weights; a
 * thread computes a tile of rows, columns and channels of them (`direct_sums.ts`). An implicit matrix product brings each
 * element in once a tap, which few channels do not make up for.
 */

import {
  type DeviceLimits,
  f32,
  type KernelFamily,
  type Launch,
  linearWorkgroups,
  MAX_ITERATIONS,
  type WebGpuKernel,
} from "../../../core/mod.ts";
import { BLOCK_WORK, LOAD_WORK, range, SLICE_WORK } from "../../../kernels/mod.ts";
import type { DirectedConvolution } from "../directed.ts";
import { operandBindings } from "../epilogue.ts";
import { addByTap, declareSums, storeSums, storeWgsl, type SumsTile } from "./direct_sums.ts";
import { packedSize, type PackedWeights, packWeightsKernel } from "./packed_weights.ts";
import type { SourceLoads } from "./source_loads.ts";
import { fetchElementWgsl, fetchVector, unitOf } from "./staged_fetch.ts";
import {
  busyThreads,
  stagedBytes,
  stagedSizes,
  stagedThreads,
  type StagedTile,
  stagedTiles,
  stagedWindow,
} from "./staged_tile.ts";
import { stridedAxes } from "./strided_axis.ts";

/** The family. A tile has four channels at least, which is worth nothing for one. */
export const STAGED_DIRECT: KernelFamily<DirectedConvolution, StagedTile> = {
  name: "staged direct",
  version: 2,
  supports: ({ channels, sources }) => channels > 1 && sources <= MAX_ITERATIONS / 2,
  configurations: (convolution, { limits }) =>
    stagedTiles(convolution, limits).filter((tile) =>
      4 * packedSize(convolution, packedWeights(convolution, tile)) <= limits.maxStorageBufferBindingSize
    ),
  nameOf({ rows, channels, down, across, deep, sources }) {
    return `staged direct ${rows * down}x${4 * across}x${channels * deep}x${sources} ${rows}x4x${channels}`;
  },
  coverageOf: ({ rows, channels }) => `${rows}x4x${channels}`,
  launchOf,
  emit(convolution, tile, { limits }) {
    const packed = packedWeights(convolution, tile);
    return {
      workspace: [f32([packedSize(convolution, packed)])],
      kernels: [packWeightsKernel(convolution, packed, limits), stagedKernel(convolution, tile, limits)],
    };
  },
};

/** Registers of a thread beside its sums, what it loads at once and where it brings things in from. */
const OTHER_REGISTERS = 28;

/** Blocks along rows, columns, channels of a group, groups and images. */
interface Blocks {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
  readonly all: number;
}

function blocksOf(convolution: DirectedConvolution, { rows, channels, down, across, deep }: StagedTile): Blocks {
  const { batch, groups } = convolution, [y, x] = stridedAxes(convolution);
  const blocks = {
    rows: Math.ceil(y.size / (rows * down * y.residues)),
    columns: Math.ceil(x.size / (4 * across * x.residues)),
    channels: Math.ceil(convolution.channels / (channels * deep)),
  };
  return { ...blocks, all: blocks.rows * blocks.columns * blocks.channels * groups * batch };
}

function packedWeights(convolution: DirectedConvolution, tile: StagedTile): PackedWeights {
  const sources = tile.sources * Math.ceil(convolution.sources / tile.sources);
  return { tile: tile.channels * tile.deep, tiles: blocksOf(convolution, tile).channels, sources };
}

/** Work is counted as that of matrix products is: `launchOf` of `kernels/gemm/workgroup_choice.ts`. */
function launchOf(convolution: DirectedConvolution, tile: StagedTile): Launch {
  const threads = stagedThreads(tile), [y, x] = stridedAxes(convolution), window = stagedWindow(convolution, tile);
  const busy = busyThreads(threads);
  const { rows, channels, sources } = tile, { taps } = convolution, loads = windowLoads(convolution, tile);
  const sums = 4 * rows * channels * y.residues * x.residues, products = 4 * rows * channels * taps;
  const fetched = 4 / unitOf(x.sourceSize) * window.fetches, weights = stagedSizes(convolution, tile)[1];
  const slice = busy * (sources * (products + 4 * loads.vectors() + channels * taps) + LOAD_WORK * fetched) +
    LOAD_WORK * weights + SLICE_WORK;
  return {
    blocks: blocksOf(convolution, tile).all,
    work: Math.ceil(convolution.sources / sources) * slice + 2 * threads * sums + BLOCK_WORK,
    threads,
    registers: sums + Math.max(4 * loads.vectors() + channels, 4 * window.fetches) + 2 * window.fetches +
      OTHER_REGISTERS,
    workgroupBytes: stagedBytes(convolution, tile),
  };
}

/** The loads of a thread's tile from the staged source: whole vectors, at `own` of it. */
interface WindowLoads extends SourceLoads {
  /** How many vectors are loaded. */
  vectors(): number;
}

function windowLoads(convolution: DirectedConvolution, tile: StagedTile): WindowLoads {
  const { rows, firstColumn, phases, pitch } = stagedWindow(convolution, tile), requested = new Map<string, string>();
  const loads: WindowLoads = {
    functions: "",
    request(row, column) {
      const y = row - rows.first, at = column - firstColumn, quad = Math.floor(at / 4), name = `v${y}_${quad}`;
      requested.set(name, `[${y % phases}][own + ${Math.floor(y / phases) * pitch + quad}u]`);
      return `${name}[${at % 4}]`;
    },
    statements: () => [...requested].map(([name, place]) => `let ${name} = window[s]${place};`),
    vectors: () => requested.size,
  };
  addByTap(sumsOf(convolution, tile), { source: loads, weight: () => "" });
  return loads;
}

function sumsOf(convolution: DirectedConvolution, tile: StagedTile): SumsTile {
  const [y, x] = stridedAxes(convolution), blocks = blocksOf(convolution, tile);
  return {
    convolution,
    y,
    x,
    tile: { vectors: 1, rows: tile.rows, channels: tile.channels },
    covered: [
      blocks.rows * tile.down * tile.rows * y.residues,
      blocks.columns * tile.across * 4 * x.residues,
      blocks.channels * tile.deep * tile.channels,
    ],
  };
}

function stagedKernel(convolution: DirectedConvolution, tile: StagedTile, limits: DeviceLimits): WebGpuKernel {
  const { operands } = convolution, [, x] = stridedAxes(convolution), vector = x.size % 4 === 0;
  const { all } = blocksOf(convolution, tile);
  return {
    wgsl: stagedWgsl(convolution, tile),
    bindings: [
      { name: "source", index: 0, vector: unitOf(x.sourceSize) === 4 },
      { name: "packed", index: operands.output + 1, vector: true },
      ...operandBindings(operands, vector),
      { name: "result", index: operands.output, write: true, vector },
    ],
    workgroups: linearWorkgroups(all, limits, 1),
  };
}

function stagedWgsl(convolution: DirectedConvolution, tile: StagedTile): string {
  const { groups, channels, sources, taps } = convolution, sums = sumsOf(convolution, tile), { y, x } = sums;
  const { down, across, deep } = tile, blocks = blocksOf(convolution, tile), window = stagedWindow(convolution, tile);
  const [, weightsSize] = stagedSizes(convolution, tile), threads = stagedThreads(tile);
  const rowOfWeights = deep * tile.channels / 4, plane = y.sourceSize * x.sourceSize / unitOf(x.sourceSize);
  const source = windowLoads(convolution, tile);
  const products = addByTap(sums, { source, weight: (tap, quad) => `weights[s][${tap}][ownWeights + ${quad}u]` });
  const bringIn = bringInWgsl(convolution, tile);
  return `var<private> image: u32;
var<workgroup> window: array<array<array<vec4<f32>, ${
    window.lines * window.pitch
  }>, ${window.phases}>, ${tile.sources}>;
var<workgroup> weights: array<array<array<vec4<f32>, ${rowOfWeights}>, ${taps}>, ${tile.sources}>;
${fetchElementWgsl("source", x.sourceSize)}${storeWgsl(sums)}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  var block = id.y * groups.x + id.x;
  if (block >= ${blocks.all}u) { return; }
  let columnBlock = block % ${blocks.columns}u; block /= ${blocks.columns}u;
  let rowBlock = block % ${blocks.rows}u; block /= ${blocks.rows}u;
  let weightBlock = block % ${blocks.channels * groups}u;
  let group = weightBlock / ${blocks.channels}u;
  image = block / ${blocks.channels * groups}u;
  let ownColumn = lane % ${across}u;
  let ownRow = lane / ${across}u % ${down}u;
  let ownChannels = lane / ${across * down}u;
  let x = (columnBlock * ${across}u + ownColumn) * ${4 * x.residues}u;
  let y = (rowBlock * ${down}u + ownRow) * ${tile.rows * y.residues}u;
  let own = ownRow * ${window.linesOfThread * window.pitch}u + ownColumn * ${x.step}u;
  let ownWeights = ownChannels * ${tile.channels / 4}u;
  let firstChannel = weightBlock % ${blocks.channels}u * ${deep * tile.channels}u + ownChannels * ${tile.channels}u;
  var plane = (image * ${groups}u + group) * ${sources * plane}u;
  var firstWeight = weightBlock * ${packedWeights(convolution, tile).sources * taps * rowOfWeights}u + lane;
  ${bringIn.setup}
  ${declareSums(sums)}
  for (var first = 0u; first < ${sources}u; first += ${tile.sources}u) {
    ${bringIn.fetch}
    workgroupBarrier();
    for (var s = 0u; s < ${tile.sources}u; s++) {
    ${source.statements().join("\n    ")}
    ${products}
    }
    workgroupBarrier();
    plane += ${tile.sources * plane}u;
    firstWeight += ${weightsSize}u;
  }
  let channel = group * ${channels}u + firstChannel;
  ${storeSums(sums)}
}`;
}

/** WGSL of how a thread brings in its part of a slice; where that lies is worked out before the loop over slices. */
function bringInWgsl(convolution: DirectedConvolution, tile: StagedTile): { setup: string; fetch: string } {
  const { sources } = convolution, [y, x] = stridedAxes(convolution), threads = stagedThreads(tile);
  const { rows, firstColumn, quads, phases, pitch, fetches } = stagedWindow(convolution, tile);
  const unit = unitOf(x.sourceSize), rowOfWeights = tile.deep * tile.channels / 4, { taps } = convolution;
  const line = x.sourceSize / unit,
    all = tile.sources * rows.size * quads,
    [, weights] = stagedSizes(convolution, tile);
  const checksSources = sources % tile.sources !== 0;
  const isPartial = (j: number) => (j + 1) * threads > all;
  const place = (j: number) =>
    `let n${j} = ${isPartial(j) ? `min(lane + ${j * threads}u, ${all - 1}u)` : `lane + ${j * threads}u`};
  let at${j} = n${j} / ${quads}u;
  let quad${j} = n${j} % ${quads}u;
  let source${j} = at${j} / ${rows.size}u;
  let row${j} = at${j} % ${rows.size}u;
  let y${j} = firstRow + i32(row${j});
  let x${j} = firstColumn + i32(${unit === 4 ? "" : "4u * "}quad${j});
  let isIn${j} = (y${j} >= 0) & (y${j} < ${y.sourceSize});
  let line${j} = source${j} * ${y.sourceSize * line}u + u32(clamp(y${j}, 0, ${y.sourceSize - 1})) * ${line}u;
  let phase${j} = row${j} % ${phases}u;
  let park${j} = row${j} / ${phases}u * ${pitch}u + quad${j};`;
  const fetch = (j: number) => {
    const inside = checksSources ? `(isIn${j} & (first + source${j} < ${sources}u))` : `isIn${j}`;
    const park = `window[source${j}][phase${j}][park${j}] = ${
      fetchVector("source", x.sourceSize, `plane + line${j}`, inside, `x${j}`)
    };`;
    return isPartial(j) ? `if (lane < ${all - j * threads}u) { ${park} }` : park;
  };
  const placeWeight = (i: number) =>
    `let tap${i} = (lane + ${i * threads}u) / ${rowOfWeights}u;
  let parkWeight${i} = (lane + ${i * threads}u) % ${rowOfWeights}u;
  let sourceWeight${i} = tap${i} / ${taps}u;
  let tapWeight${i} = tap${i} % ${taps}u;`;
  const weightFetches = range(Math.ceil(weights / threads));
  const fetchWeights = (i: number) => {
    const park = `weights[sourceWeight${i}][tapWeight${i}][parkWeight${i}] = packed[firstWeight + ${i * threads}u];`;
    return (i + 1) * threads > weights ? `if (lane < ${weights - i * threads}u) { ${park} }` : park;
  };
  return {
    setup: `let firstRow = i32(rowBlock * ${tile.rows * tile.down * y.step}u) + ${rows.first};
  let firstColumn = i32(columnBlock * ${4 * tile.across * x.step / unit}u) + ${firstColumn / unit};
  ${[...range(fetches).map(place), ...weightFetches.map(placeWeight)].join("\n  ")}`,
    fetch: [...range(fetches).map(fetch), ...weightFetches.map(fetchWeights)].join("\n    "),
  };
}
