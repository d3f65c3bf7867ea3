/**
 * The WebGPU kernel of a depthwise convolution's weight gradient with the input in workgroup memory, for GPUs. A workgroup has a
 * channel, and goes through bands of some images in turn: it brings in what a band meets of the input, each element once for
 * all taps. A thread multiplies rows of four adjacent columns of the output's gradient, which it loads itself, by what all taps
 * meet; at the end the threads of a workgroup join their sums. Parts of the bands are added in a fixed order.
 */

import {
  type DeviceLimits,
  type KernelFamily,
  type Launch,
  linearWorkgroups,
  MAX_ITERATIONS,
  type WebGpuKernel,
} from "../../../core/mod.ts";
import { BLOCK_WORK, LOAD_WORK, range, SLICE_WORK, vec4 } from "../../../kernels/mod.ts";
import { directed, type DirectedConvolution } from "../directed.ts";
import { operandsOf } from "../epilogue.ts";
import type { ConvolutionProblem } from "../problem.ts";
import { isDepthwise } from "./depthwise.ts";
import {
  BYTE_WORK,
  fetchedVectors,
  type PlaneWindow,
  type StagedDepthwiseTile,
  stagedDepthwiseTiles,
  threadsOf,
  windowOf,
  windowSize,
} from "./staged_depthwise_tile.ts";
import { fetchElementWgsl, fetchVector, unitOf } from "./staged_fetch.ts";
import { busyThreads } from "./staged_tile.ts";
import { stridedAxes } from "./strided_axis.ts";
import { DY, kernelsOfParts, weightSize, X } from "./weight_gradient_parts.ts";

/** A configuration: what a workgroup has of an image's plane or of those of several images, and the parts of the bands. */
export type DepthwiseWeightTile = StagedDepthwiseTile & { readonly parts: number };

/** Vectors that a thread brings in of a band, at most: it keeps where each of them lies. */
const MOST_FETCHES = 12;
/** Blocks that splits are to make about, and the most parts. */
const WANTED_BLOCKS = [1024, 4096], MOST_PARTS = 256;
/** Registers of a thread beside its sums and what it loads at once. */
const OTHER_REGISTERS = 40;

/** The family. */
export const DEPTHWISE_WEIGHT: KernelFamily<ConvolutionProblem, DepthwiseWeightTile> = {
  name: "staged depthwise",
  version: 1,
  supports: (problem) => isDepthwise(forward(problem)),
  configurations,
  nameOf: ({ rows, down, across, planes, parts }) =>
    `staged depthwise ${rows * down}x${4 * across}x${planes} ${rows}x4${parts === 1 ? "" : `, ${parts} parts`}`,
  coverageOf: ({ rows, planes, parts }) =>
    `${rows}x4${planes > 1 ? ", several images" : ""}${parts > 1 ? ", in parts" : ""}`,
  launchOf,
  emit: (problem, tile, { limits }) =>
    kernelsOfParts(problem, tile.parts, (target) => stagedKernel(problem, tile, target, limits), limits),
};

/** The convolution whose gradient it is: its windows are what the gradient stages. */
function forward(problem: ConvolutionProblem): DirectedConvolution {
  return directed(problem, "forward", operandsOf(2));
}

/** Those of the convolution itself, with a channel's images for planes, as far as they bring in little at a time. */
function configurations(problem: ConvolutionProblem, { limits }: { readonly limits: DeviceLimits }) {
  const convolution = forward(problem), { batch, groups } = problem;
  const tiles = stagedDepthwiseTiles(convolution, limits).map((tile) => ({
    ...tile,
    planes: Math.min(tile.planes, batch),
  }));
  const names = tiles.map((tile) => JSON.stringify(tile));
  return tiles.filter((tile, i) => names.indexOf(names[i]) === i && fits(problem, tile, limits)).flatMap((tile) => {
    const bands = bandsOf(problem, tile).all, most = Math.floor(Math.log2(Math.min(MOST_PARTS, bands)));
    const powers = WANTED_BLOCKS.map((wanted) => Math.min(most, Math.round(Math.log2(wanted / groups))));
    const parts = [...new Set([1, ...powers.filter((power) => power > 0).map((power) => 2 ** power)])];
    return parts.map((parts) => ({ ...tile, parts })).filter((each) => bandsOfPart(problem, each) <= MAX_ITERATIONS);
  });
}

function fits(problem: ConvolutionProblem, tile: StagedDepthwiseTile, limits: DeviceLimits): boolean {
  return fetchesOf(problem, tile) <= MOST_FETCHES &&
    workgroupBytes(problem, tile) <= limits.maxComputeWorkgroupStorageSize;
}

/** Vectors that a thread brings in of a band. */
function fetchesOf(problem: ConvolutionProblem, tile: StagedDepthwiseTile): number {
  return Math.ceil(fetchedVectors(windowOf(forward(problem), tile), tile) / threadsOf(tile));
}

/** Bytes of the window, and of the sums that threads join. */
function workgroupBytes(problem: ConvolutionProblem, tile: StagedDepthwiseTile): number {
  return 16 * windowSize(windowOf(forward(problem), tile), tile) + 4 * tapsOf(problem) * threadsOf(tile);
}

function tapsOf({ kernelHeight, kernelWidth }: ConvolutionProblem): number {
  return kernelHeight * kernelWidth;
}

/** Bands down and across an image and along the images. */
function bandsOf({ batch, outputHeight, outputWidth }: ConvolutionProblem, tile: StagedDepthwiseTile) {
  const { rows, down, across, planes } = tile;
  const bands = {
    rows: Math.ceil(outputHeight / (rows * down)),
    columns: Math.ceil(outputWidth / (4 * across)),
    images: Math.ceil(batch / planes),
  };
  return { ...bands, all: bands.rows * bands.columns * bands.images };
}

function bandsOfPart(problem: ConvolutionProblem, tile: DepthwiseWeightTile): number {
  return Math.ceil(bandsOf(problem, tile).all / tile.parts);
}

/** Work is counted as that of matrix products is, and as at least what memory takes. */
function launchOf(problem: ConvolutionProblem, tile: DepthwiseWeightTile): Launch {
  const { groups, width, height, outputWidth } = problem, { rows, down, across, planes, parts } = tile;
  const threads = threadsOf(tile), taps = tapsOf(problem), window = windowOf(forward(problem), tile);
  const loaded = rows * (problem.kernelHeight + 1) * metVectors(problem, window).length,
    fetches = fetchesOf(problem, tile);
  const loads = LOAD_WORK * (4 / unitOf(width) * fetches + 4 / unitOf(outputWidth) * rows);
  const read = Math.min(window.rows.size, height) * Math.min(4 * window.quads, width) + rows * down * 4 * across;
  const band = busyThreads(threads) * (4 * rows * taps + 4 * loaded + loads);
  return {
    blocks: groups * parts,
    work: bandsOfPart(problem, tile) * (Math.max(band, 4 * BYTE_WORK * planes * read) + SLICE_WORK) + BLOCK_WORK,
    threads,
    registers: 4 * taps + 4 * (rows + fetches) + 3 * fetches + OTHER_REGISTERS,
    workgroupBytes: workgroupBytes(problem, tile),
    parts,
    partialBytes: parts === 1 ? 0 : 4 * parts * weightSize(problem),
  };
}

function stagedKernel(
  problem: ConvolutionProblem,
  tile: DepthwiseWeightTile,
  target: number,
  limits: DeviceLimits,
): WebGpuKernel {
  const blocks = problem.groups * tile.parts;
  return {
    wgsl: stagedWgsl(problem, tile),
    bindings: [
      { name: "x", index: X, vector: unitOf(problem.width) === 4 },
      { name: "dy", index: DY, vector: unitOf(problem.outputWidth) === 4 },
      { name: "partial", index: target, write: true },
    ],
    workgroups: linearWorkgroups(blocks, limits, 1),
  };
}

function stagedWgsl(problem: ConvolutionProblem, tile: DepthwiseWeightTile): string {
  const { batch, groups, height, width, outputHeight, outputWidth } = problem, { rows, down, across, planes } = tile;
  const [y, x] = stridedAxes(forward(problem)),
    window = windowOf(forward(problem), tile),
    bands = bandsOf(problem, tile);
  const threads = threadsOf(tile), taps = tapsOf(problem), blocks = groups * tile.parts;
  const [unit, unitDy] = [width, outputWidth].map(unitOf), line = width / unit, lineDy = outputWidth / unitDy;
  const bringIn = bringInWgsl(problem, tile, window), share = bandsOfPart(problem, tile);
  const checksImages = batch % planes !== 0;
  const loadDy = (row: number) =>
    `let y${row} = ownY + ${row}u;
    let dy${row} = ${
      fetchVector(
        "dy",
        outputWidth,
        `planeDy + min(y${row}, ${outputHeight - 1}u) * ${lineDy}u`,
        checksImages ? `((y${row} < ${outputHeight}u) & isImage)` : `(y${row} < ${outputHeight}u)`,
        "ownX",
      )
    };`;
  return `var<workgroup> window: array<vec4<f32>, ${windowSize(window, tile)}>;
var<workgroup> joined: array<f32, ${taps * threads}>;
${fetchElementWgsl("x", width)}${fetchElementWgsl("dy", outputWidth)}@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let block = id.y * groups.x + id.x;
  if (block >= ${blocks}u) { return; }
  let channel = block % ${groups}u;
  let part = block / ${groups}u;
  let ownColumn = lane % ${across}u;
  let ownRow = lane / ${across}u % ${down}u;
  let ownImage = lane / ${across * down}u;
  let own = (ownImage * ${window.rows.size}u + ownRow * ${rows * y.step}u) * ${window.pitch}u + ownColumn;
  ${bringIn.setup}
  ${range(taps).map((tap) => `var sum${tap} = vec4<f32>();`).join(" ")}
  let begin = part * ${share}u;
  let end = min(begin + ${share}u, ${bands.all}u);
  var bandColumn = begin % ${bands.columns}u;
  var bandRow = begin / ${bands.columns}u % ${bands.rows}u;
  var firstImage = begin / ${bands.columns * bands.rows}u * ${planes}u;
  for (var band = begin; band < end; band++) {
    let firstRow = i32(bandRow * ${rows * down * y.step}u) + ${window.rows.first};
    let firstColumn = i32(bandColumn * ${4 * across * x.step / unit}u) + ${window.firstColumn / unit};
    let plane = (firstImage * ${groups}u + channel) * ${height * line}u;
    let ownY = (bandRow * ${down}u + ownRow) * ${rows}u;
    let ownX = i32((bandColumn * ${across}u + ownColumn) * ${4 / unitDy}u);
    let image = firstImage + ownImage;${checksImages ? `\n    let isImage = image < ${batch}u;` : ""}
    let planeDy = (${checksImages ? `min(image, ${batch - 1}u)` : "image"} * ${groups}u + channel) * ${
    outputHeight * lineDy
  }u;
    ${range(rows).map(loadDy).join("\n    ")}
    ${bringIn.fetch}
    workgroupBarrier();
    ${addProducts(problem, tile, window)}
    workgroupBarrier();
    bandColumn++;
    if (bandColumn == ${bands.columns}u) { bandColumn = 0u; bandRow++; }
    if (bandRow == ${bands.rows}u) { bandRow = 0u; firstImage += ${planes}u; }
  }
  ${range(taps).map((tap) => `joined[${tap * threads}u + lane] = dot(sum${tap}, vec4<f32>(1.0));`).join("\n  ")}
  workgroupBarrier();
  ${joinThreads(threads, taps)}
  for (var tap = lane; tap < ${taps}u; tap += ${threads}u) {
    partial[(part * ${groups}u + channel) * ${taps}u + tap] = joined[tap * ${threads}u];
  }
}`;
}

/** WGSL of how a thread brings in its part of a band; which part that is, is worked out before the loop over bands. */
function bringInWgsl(
  problem: ConvolutionProblem,
  tile: DepthwiseWeightTile,
  window: PlaneWindow,
): { setup: string; fetch: string } {
  const { batch, groups, height, width } = problem, [, x] = stridedAxes(forward(problem)), threads = threadsOf(tile);
  const { rows, quads, pitch, part } = window,
    all = fetchedVectors(window, tile),
    unit = unitOf(width),
    line = width / unit;
  const numbers = range(fetchesOf(problem, tile)), isPartial = (j: number) => (j + 1) * threads > all;
  const place = (j: number) => {
    const quad = x.step === 1 ? `quad${j}` : `quad${j} % ${x.step}u * ${part}u + quad${j} / ${x.step}u`;
    return `let n${j} = ${isPartial(j) ? `min(lane + ${j * threads}u, ${all - 1}u)` : `lane + ${j * threads}u`};
  let at${j} = n${j} / ${quads}u;
  let quad${j} = n${j} % ${quads}u;
  let image${j} = at${j} / ${rows.size}u;
  let row${j} = i32(at${j} % ${rows.size}u);
  let park${j} = at${j} * ${pitch}u + ${quad};`;
  };
  const fetch = (j: number) => {
    const inside = `(r${j} >= 0) & (r${j} < ${height})`, checksImages = batch % tile.planes !== 0;
    const start = `plane + image${j} * ${groups * height * line}u + u32(clamp(r${j}, 0, ${height - 1})) * ${line}u`;
    return `let r${j} = firstRow + row${j};
    let c${j} = firstColumn + i32(${unit === 4 ? "" : "4u * "}quad${j});
    let isIn${j} = ${checksImages ? `${inside} & (firstImage + image${j} < ${batch}u)` : inside};
    let fetched${j} = ${fetchVector("x", width, start, `isIn${j}`, `c${j}`)};`;
  };
  const park = (j: number) =>
    `${isPartial(j) ? `if (lane < ${all - j * threads}u) ` : ""}{ window[park${j}] = fetched${j}; }`;
  return {
    setup: numbers.map(place).join("\n  "),
    fetch: [...numbers.map(fetch), ...numbers.map(park)].join("\n    "),
  };
}

/** The vectors of a row of the window that four adjacent columns of the output meet. */
function metVectors(problem: ConvolutionProblem, { firstColumn }: PlaneWindow): number[] {
  const [, x] = stridedAxes(forward(problem)), offsets = [...x.offsets[0].values()];
  const columns = range(4).flatMap((column) => offsets.map((offset) => column * x.step + offset - firstColumn));
  return [...new Set(columns.map((column) => Math.floor(column / 4)))].sort((a, b) => a - b);
}

/** Adds the products of a thread's rows, a row of the window at a time. */
function addProducts(problem: ConvolutionProblem, tile: DepthwiseWeightTile, window: PlaneWindow): string {
  const [y, x] = stridedAxes(forward(problem)), { pitch, part, firstColumn } = window;
  const products = range(tile.rows).flatMap((row) =>
    [...y.offsets[0]].flatMap(([i, dy]) =>
      [...x.offsets[0]].map(([j, dx]) => {
        const met = row * y.step + dy - window.rows.first, tap = i * problem.kernelWidth + j;
        const elements = range(4).map((column) => column * x.step + dx - firstColumn);
        const vector = vec4(elements.map((at) => `v${Math.floor(at / 4)}[${at % 4}]`));
        return { met, statement: `sum${tap} = fma(dy${row}, ${vector}, sum${tap});` };
      })
    )
  );
  return [...new Set(products.map(({ met }) => met))].sort((a, b) => a - b).map((met) => {
    const loads = metVectors(problem, window).map((quad) =>
      `let v${quad} = window[own + ${met * pitch + quad % x.step * part + Math.floor(quad / x.step)}u];`
    );
    const statements = products.filter((product) => product.met === met).map(({ statement }) => statement);
    return `{ ${loads.join(" ")}\n      ${statements.join("\n      ")} }`;
  }).join("\n    ");
}

/** Joins the sums of all threads in those of the first, by halves. */
function joinThreads(threads: number, taps: number): string {
  const steps: string[] = [];
  for (let left = threads; left > 1; left = Math.ceil(left / 2)) {
    const half = Math.ceil(left / 2);
    steps.push(
      `if (lane < ${left - half}u) { for (var t = lane; t < ${
        taps * threads
      }u; t += ${threads}u) { joined[t] += joined[t + ${half}u]; } }
  workgroupBarrier();`,
    );
  }
  return steps.join("\n  ");
}
