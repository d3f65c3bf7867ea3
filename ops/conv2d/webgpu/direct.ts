/**
 * The register-tiled direct WebGPU kernel of a convolution and of its input gradient. A thread computes a tile of rows,
 * columns and channels in registers (`direct_sums.ts`). A first kernel packs the weights, so that those of a tile's channels
 * are loaded as vectors.
 */

import { type DeviceLimits, f32, type KernelFamily, MAX_ITERATIONS, type WebGpuKernel } from "../../../core/mod.ts";
import { evenTile } from "../../../kernels/mod.ts";
import type { DirectedConvolution } from "../directed.ts";
import { operandBindings } from "../epilogue.ts";
import { addBySum, addByTap, declareSums, storeSums, storeWgsl, type SumsTile } from "./direct_sums.ts";
import { packedSize, type PackedWeights, packWeightsKernel } from "./packed_weights.ts";
import { sourceLoads } from "./source_loads.ts";
import { stridedAxes, type StridedAxis } from "./strided_axis.ts";

/** The register tile of a thread. */
export type DirectTile = {
  /** Vectors of four adjacent columns of a residue. */
  readonly vectors: number;
  /** Rows of a residue. */
  readonly rows: number;
  /** Result channels; a multiple of four. */
  readonly channels: number;
  /** Whether source and weights are read through textures. */
  readonly viaTexture: boolean;
};

/** Many rows, for devices where a load costs as much as tens of multiplications. */
export const LARGE_TILE: DirectTile = { vectors: 1, rows: 8, channels: 8, viaTexture: false };
/** Few rows, for devices that have few registers. */
export const SMALL_TILE: DirectTile = { vectors: 1, rows: 2, channels: 8, viaTexture: false };
/** Wide rows, for loads through textures. */
export const TEXTURE_TILE: DirectTile = { vectors: 2, rows: 2, channels: 8, viaTexture: true };

/** Threads of a workgroup. */
const WORKGROUP = 64;
/** Multiplications of vectors in a text, above which compilers take long. */
const MAX_PRODUCTS = 800;

/** All that the text depends on. */
interface DirectKernel {
  /** The convolution. */
  readonly convolution: DirectedConvolution;
  /** The tile of a thread. */
  readonly tile: DirectTile;
  /** The rows. */
  readonly y: StridedAxis;
  /** The columns. */
  readonly x: StridedAxis;
  /** Tiles along the channels of a group. */
  readonly channelTiles: number;
  /** Tiles along rows. */
  readonly rowTiles: number;
  /** Tiles along columns. */
  readonly columnTiles: number;
  /** Threads of a channel tile. */
  readonly threads: number;
}

/** A tile that is no larger than the result, and whose text is not too long. */
export function fitDirectTile(convolution: DirectedConvolution, tile: DirectTile): DirectTile {
  const { direction, channels, stride, taps } = convolution, [y, x] = stridedAxes(convolution);
  // A strided gradient has sums of all residues, so it has fewer channels.
  const most = direction === "forward" || stride[1] === 1 || tile.viaTexture ? tile.channels : tile.channels / 2;
  const tileChannels = Math.min(most, 4 * Math.ceil(channels / 4));
  let rows = Math.max(1, tile.rows / y.residues);
  while (rows > 1 && rows * y.residues * tileChannels * taps > MAX_PRODUCTS) rows = Math.ceil(rows / 2);
  return {
    ...tile,
    vectors: evenTile(Math.ceil(x.size / x.residues / 4), tile.vectors),
    rows: evenTile(Math.ceil(y.size / y.residues), rows),
    channels: tileChannels,
  };
}

/** Whether what a tile reads can be read through textures: rows are whole vectors, and not too many. */
export function readsViaTexture(
  convolution: DirectedConvolution,
  tile: DirectTile,
  { limits }: { readonly limits: DeviceLimits },
): boolean {
  const { batch, groups, channels, sources, taps, sourceSize: [height, width] } = convolution;
  const weights = Math.ceil(channels / tile.channels) * tile.channels * taps;
  const largest = groups * sources * Math.max(batch * height * width, weights);
  return width % 4 === 0 && largest / 4 <= limits.maxTexels;
}

/** The family. A tile has four channels at least, which is worth nothing for one. */
export const DIRECT: KernelFamily<DirectedConvolution, DirectTile> = {
  name: "direct",
  version: 1,
  supports: ({ channels, sources }) => channels > 1 && sources <= MAX_ITERATIONS,
  configurations(convolution, device) {
    const small = fitDirectTile(convolution, SMALL_TILE), large = fitDirectTile(convolution, LARGE_TILE);
    const tiles = small.rows === large.rows ? [small] : [small, large];
    const texture = fitDirectTile(convolution, TEXTURE_TILE);
    if (readsViaTexture(convolution, texture, device)) tiles.push(texture);
    return tiles.filter((tile) => canDispatch(kernelOf(convolution, tile), device.limits));
  },
  nameOf: ({ vectors, rows, channels, viaTexture }) =>
    `direct ${4 * vectors}x${rows}x${channels}${viaTexture ? ", via texture" : ""}`,
  emit(convolution, tile, { limits }) {
    const kernel = kernelOf(convolution, tile);
    return {
      workspace: [f32([packedSize(convolution, packedWeights(kernel))])],
      kernels: [packWeightsKernel(convolution, packedWeights(kernel), limits), sumKernel(kernel, limits)],
    };
  },
};

/** Whether a device can bind the packed weights, and dispatch the channel tiles along one axis. */
function canDispatch(kernel: DirectKernel, limits: DeviceLimits): boolean {
  return 4 * packedSize(kernel.convolution, packedWeights(kernel)) <= limits.maxStorageBufferBindingSize &&
    kernel.channelTiles * kernel.convolution.groups <= limits.maxComputeWorkgroupsPerDimension;
}

function kernelOf(convolution: DirectedConvolution, tile: DirectTile): DirectKernel {
  const [y, x] = stridedAxes(convolution);
  const rowTiles = Math.ceil(y.size / (tile.rows * y.residues));
  const columnTiles = Math.ceil(x.size / (4 * tile.vectors * x.residues));
  return {
    convolution,
    tile,
    y,
    x,
    channelTiles: Math.ceil(convolution.channels / tile.channels),
    rowTiles,
    columnTiles,
    threads: columnTiles * rowTiles * convolution.batch,
  };
}

function packedWeights({ convolution: { sources }, tile, channelTiles }: DirectKernel): PackedWeights {
  return { tile: tile.channels, tiles: channelTiles, sources };
}

function sumKernel(kernel: DirectKernel, limits: DeviceLimits): WebGpuKernel {
  const { convolution: { groups, operands }, tile, x, channelTiles, threads } = kernel;
  const workgroups = Math.ceil(threads / WORKGROUP), texels = tile.viaTexture || undefined, vector = x.size % 4 === 0;
  const across = Math.min(workgroups, limits.maxComputeWorkgroupsPerDimension);
  return {
    wgsl: directWgsl(kernel),
    bindings: [
      { name: "source", index: 0, vector: x.sourceSize % 4 === 0, texels },
      { name: "packed", index: operands.output + 1, vector: true, texels },
      ...operandBindings(operands, vector),
      { name: "result", index: operands.output, write: true, vector },
    ],
    workgroups: [across, channelTiles * groups, Math.ceil(workgroups / across)],
  };
}

/** The text of the kernel that sums all sources and taps of a tile. */
function directWgsl(kernel: DirectKernel): string {
  const { convolution, tile, y, x, channelTiles, rowTiles, columnTiles, threads } = kernel;
  const { groups, channels, sources, taps } = convolution;
  const source = sourceLoads(
    { size: y.sourceSize, last: (rowTiles - 1) * tile.rows * y.step },
    { size: x.sourceSize, last: (columnTiles - 1) * 4 * tile.vectors * x.step },
    tile.viaTexture,
  );
  const weight = (tap: number, quad: number) => {
    const index = `row + ${tap * tile.channels / 4 + quad}u`;
    return tile.viaTexture ? `packed(${index})` : `packed[${index}]`;
  };
  const rows = rowTiles * tile.rows * y.residues, columns = columnTiles * 4 * tile.vectors * x.residues;
  const sums: SumsTile = { convolution, y, x, tile, covered: [rows, columns, channelTiles * tile.channels] };
  // Written before the loads, which are what they request.
  const products = (tile.viaTexture ? addBySum : addByTap)(sums, { source, weight });
  return `var<private> image: u32;
${source.functions}
${storeWgsl(sums)}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32,
  @builtin(num_workgroups) groups: vec3<u32>) {
  let group = id.y / ${channelTiles}u;
  let firstChannel = id.y % ${channelTiles}u * ${tile.channels}u;
  let thread = (id.z * groups.x + id.x) * ${WORKGROUP}u + lane;
  if (thread >= ${threads}u) { return; }
  let columnTile = thread % ${columnTiles}u;
  let rowTile = thread / ${columnTiles}u % ${rowTiles}u;
  image = thread / ${columnTiles * rowTiles}u;
  let x = columnTile * ${4 * tile.vectors * x.residues}u;
  let y = rowTile * ${tile.rows * y.residues}u;
  let firstColumn = i32(columnTile * ${4 * tile.vectors * x.step}u);
  let firstRow = i32(rowTile * ${tile.rows * y.step}u);
  ${declareSums(sums)}
  for (var s = 0u; s < ${sources}u; s++) {
    let plane = ((image * ${groups}u + group) * ${sources}u + s) * ${y.sourceSize * x.sourceSize}u;
    let row = (id.y * ${sources}u + s) * ${taps * tile.channels / 4}u;
    ${source.statements().join("\n    ")}
    ${products}
  }
  let channel = group * ${channels}u + firstChannel;
  ${storeSums(sums)}
}`;
}
