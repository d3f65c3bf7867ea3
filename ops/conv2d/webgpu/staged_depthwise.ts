/**
 * The WebGPU kernel of a depthwise convolution and of its input gradient with the source in workgroup memory, for GPUs. A
 * workgroup brings in what a block of rows and columns meets of a plane, or of several small planes, each element once for
 * all taps, and passes one barrier. A thread computes a tile of rows of four adjacent columns of a residue
 * (`depthwise_sums.ts`), whose vectors it loads from there.
 */

import { type DeviceLimits, type KernelFamily, linearWorkgroups, type WebGpuKernel } from "../../../core/mod.ts";
import { range } from "../../../kernels/mod.ts";
import type { DirectedConvolution } from "../directed.ts";
import { operandBindings } from "../epilogue.ts";
import { isDepthwise } from "./depthwise.ts";
import { declareSums, type DepthwiseSums, loadWeights, productsOf, storeSums, storeWgsl } from "./depthwise_sums.ts";
import {
  blocksOf,
  fetchedVectors,
  FETCHES_AT_ONCE,
  launchOf,
  type PlaneWindow,
  type StagedDepthwiseTile,
  stagedDepthwiseTiles,
  threadsOf,
  windowOf,
  windowSize,
} from "./staged_depthwise_tile.ts";
import { fetchElementWgsl, fetchVector, unitOf } from "./staged_fetch.ts";
import { stridedAxes } from "./strided_axis.ts";

/** The family. */
export const STAGED_DEPTHWISE: KernelFamily<DirectedConvolution, StagedDepthwiseTile> = {
  name: "staged depthwise",
  version: 1,
  supports: isDepthwise,
  configurations: (convolution, { limits }) => stagedDepthwiseTiles(convolution, limits),
  nameOf: ({ rows, down, across, planes }) => `staged depthwise ${rows * down}x${4 * across}x${planes} ${rows}x4`,
  coverageOf: ({ rows, planes }) => `${rows}x4${planes > 1 ? ", several planes" : ""}`,
  launchOf,
  emit: (convolution, tile, { limits }) => ({ kernels: [stagedKernel(convolution, tile, limits)] }),
};

function stagedKernel(convolution: DirectedConvolution, tile: StagedDepthwiseTile, limits: DeviceLimits): WebGpuKernel {
  const { operands } = convolution, [, x] = stridedAxes(convolution), vector = x.size % 4 === 0;
  const { all } = blocksOf(convolution, tile);
  return {
    wgsl: stagedWgsl(convolution, tile),
    bindings: [
      { name: "source", index: 0, vector: unitOf(x.sourceSize) === 4 },
      { name: "weight", index: 1 },
      ...operandBindings(operands, vector),
      { name: "result", index: operands.output, write: true, vector },
    ],
    workgroups: linearWorkgroups(all, limits, 1),
  };
}

/** All that the text depends on. */
interface StagedKernel extends DepthwiseSums {
  /** The configuration. */
  readonly tile: StagedDepthwiseTile;
  /** What a block stages. */
  readonly window: PlaneWindow;
}

function stagedWgsl(convolution: DirectedConvolution, tile: StagedDepthwiseTile): string {
  const { batch, groups } = convolution, [y, x] = stridedAxes(convolution), { rows, down, across, planes } = tile;
  const window = windowOf(convolution, tile), kernel = { convolution, y, x, rows, tile, window };
  const blocks = blocksOf(convolution, tile), unit = unitOf(x.sourceSize), isRagged = batch * groups % planes !== 0;
  return `var<workgroup> window: array<vec4<f32>, ${windowSize(window, tile)}>;
${fetchElementWgsl("source", x.sourceSize)}${storeWgsl(kernel)}
@compute @workgroup_size(${threadsOf(tile)})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let block = id.y * groups.x + id.x;
  if (block >= ${blocks.all}u) { return; }
  let columnBlock = block % ${blocks.columns}u;
  let rowBlock = block / ${blocks.columns}u % ${blocks.rows}u;
  let firstPlane = block / ${blocks.columns * blocks.rows}u * ${planes}u;
  let ownColumn = lane % ${across}u;
  let ownRow = lane / ${across}u % ${down}u;
  let ownPlane = lane / ${across * down}u;
  let channelPlane = firstPlane + ownPlane;
  let channel = channelPlane % ${groups}u;
  ${loadWeights(kernel)}
  let firstRow = i32(rowBlock * ${rows * down * y.step}u) + ${window.rows.first};
  let firstColumn = i32(columnBlock * ${4 * across * x.step / unit}u) + ${window.firstColumn / unit};
  ${bringInWgsl(kernel)}
  workgroupBarrier();
${
    isRagged
      ? `  if (channelPlane >= ${batch * groups}u) { return; }\n`
      : ""
  }  let own = (ownPlane * ${window.rows.size}u + ownRow * ${rows * y.step}u) * ${window.pitch}u + ownColumn;
  let x = (columnBlock * ${across}u + ownColumn) * ${4 * x.residues}u;
  let y = (rowBlock * ${down}u + ownRow) * ${rows * y.residues}u;
  ${declareSums(kernel)}
  ${addByRow(kernel)}
  ${storeSums(kernel)}
}`;
}

/** WGSL of how a thread brings in its vectors of the window: some at once, before it parks the first of them. */
function bringInWgsl(kernel: StagedKernel): string {
  const fetches = range(Math.ceil(fetchedVectors(kernel.window, kernel.tile) / threadsOf(kernel.tile)));
  return range(Math.ceil(fetches.length / FETCHES_AT_ONCE)).flatMap((part) => {
    const some = fetches.slice(part * FETCHES_AT_ONCE, (part + 1) * FETCHES_AT_ONCE);
    return [...some.map((j) => fetchWgsl(kernel, j)), ...some.map((j) => parkWgsl(kernel, j))];
  }).join("\n  ");
}

/** Whether some threads have no `j`-th vector to bring in; they load the last one too. */
function isPartial({ tile, window }: StagedKernel, j: number): boolean {
  return (j + 1) * threadsOf(tile) > fetchedVectors(window, tile);
}

/** Loads the `j`-th vector of a thread; what lies outside is zero. */
function fetchWgsl(kernel: StagedKernel, j: number): string {
  const { convolution: { batch, groups }, y, x, tile, window } = kernel, all = batch * groups;
  const number = `lane + ${j * threadsOf(tile)}u`, last = fetchedVectors(window, tile) - 1;
  const plane = `firstPlane + at${j} / ${window.rows.size}u`, isRagged = all % tile.planes !== 0;
  const unit = unitOf(x.sourceSize);
  return `let n${j} = ${isPartial(kernel, j) ? `min(${number}, ${last}u)` : number};
  let at${j} = n${j} / ${window.quads}u;
  let quad${j} = n${j} % ${window.quads}u;
  let plane${j} = ${tile.planes === 1 ? "firstPlane" : isRagged ? `min(${plane}, ${all - 1}u)` : plane};
  let y${j} = firstRow + i32(at${j}${tile.planes === 1 ? "" : ` % ${window.rows.size}u`});
  let x${j} = firstColumn + i32(${unit === 4 ? "" : "4u * "}quad${j});
  let isIn${j} = (y${j} >= 0) & (y${j} < ${y.sourceSize});
  let line${j} = (plane${j} * ${y.sourceSize}u + u32(clamp(y${j}, 0, ${y.sourceSize - 1}))) * ${x.sourceSize / unit}u;
  let fetched${j} = ${fetchVector("source", x.sourceSize, `line${j}`, `isIn${j}`, `x${j}`)};`;
}

/** Parks the `j`-th vector of a thread in the window. */
function parkWgsl(kernel: StagedKernel, j: number): string {
  const { x, tile, window } = kernel,
    { pitch, part } = window,
    rest = fetchedVectors(window, tile) - j * threadsOf(tile);
  const place = x.step === 1 ? `quad${j}` : `quad${j} % ${x.step}u * ${part}u + quad${j} / ${x.step}u`;
  const park = `window[at${j} * ${pitch}u + ${place}] = fetched${j};`;
  return isPartial(kernel, j) ? `if (lane < ${rest}u) { ${park} }` : park;
}

/** Adds the products row by row of the source, so that few of its vectors are held at a time; those begin at `own`. */
function addByRow(kernel: StagedKernel): string {
  const { x, window: { rows, firstColumn, pitch, part } } = kernel, requested = new Map<number, Map<string, number>>();
  const loads = {
    request(row: number, column: number) {
      const at = column - firstColumn, quad = Math.floor(at / 4), name = `v${row - rows.first}_${quad}`;
      if (!requested.has(row)) requested.set(row, new Map());
      const offset = (row - rows.first) * pitch + quad % x.step * part + Math.floor(quad / x.step);
      requested.get(row)!.set(name, offset);
      return `${name}[${at % 4}]`;
    },
  };
  const products = productsOf(kernel, loads);
  return [...requested].sort(([a], [b]) => a - b).map(([row, vectors]) => {
    const vectorsOfRow = [...vectors].map(([name, offset]) => `let ${name} = window[own + ${offset}u];`);
    const statements = products.filter((product) => product.row === row).map(({ statement }) => statement);
    return `{ ${vectorsOfRow.join(" ")}\n    ${statements.join("\n    ")}\n  }`;
  }).join("\n  ");
}
