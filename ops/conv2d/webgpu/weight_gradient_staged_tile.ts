/** How the staged weight gradient is shared out: channels of a block, bands of the output that it stages, parts of the sum. */

import type { DeviceLimits } from "../../../core/mod.ts";
import { range } from "../../../kernels/mod.ts";
import type { ConvolutionProblem } from "../problem.ts";
import { windowColumn } from "./staged_fetch.ts";
import { fitPower } from "./staged_tile.ts";
import { weightSize } from "./weight_gradient_parts.ts";

/** A configuration: threads, the band that a block stages at a time, and parts. */
export type StagedWeightTile = {
  /** Output channels of a thread, a multiple of four; it has one input channel and all taps. */
  readonly outputs: number;
  /** Threads along output channels. */
  readonly down: number;
  /** Threads along input channels. */
  readonly across: number;
  /** Rows of a band. */
  readonly rows: number;
  /** Columns of a band, a multiple of four. */
  readonly columns: number;
  /** Parts that the bands of all images are split into. */
  readonly parts: number;
};

/** Output channels of a thread. */
const THREAD_OUTPUTS = [8, 4];
/** Sums of a thread, in vectors of four outputs. */
const MOST_SUMS = 18;
/** Threads of a workgroup, at most, and at least: of fewer, hardly any would be busy. */
const MOST_THREADS = 128, LEAST_THREADS = 4;
/** Input channels and output channels of a block, at most. */
const MOST_INPUTS = 16, MOST_OUTPUTS = 64;
/** Rows and vectors of columns of a band, at most, and bytes of a band: several blocks are to share a multiprocessor. */
const MOST_ROWS = 8, MOST_QUADS = 8, WANTED_BYTES = 24 * 1024;
/** Parts, and elements of all of them, at most; blocks that splits are to make about. */
const MOST_PARTS = 256, MOST_PARTIAL_ELEMENTS = 16 * 1024 * 1024, WANTED_BLOCKS = [128, 256, 512];

/** Threads of a workgroup. */
export function stagedWeightThreads({ down, across }: StagedWeightTile): number {
  return down * across;
}

/** Planes of an image in workgroup memory, and which thread brings in what of each of their rows. */
export interface StagedPlanes {
  /** Planes. */
  readonly planes: number;
  /** Planes of a thread that multiplies, each in another *slot*: of slots, the planes of all threads. */
  readonly slots: number;
  /** Rows. */
  readonly rows: number;
  /** Columns of the image. */
  readonly width: number;
  /** The first column from where the band begins; where the image's rows are whole vectors, a multiple of four. */
  readonly firstColumn: number;
  /** Vectors of a row that are met. */
  readonly quads: number;
  /** Threads side by side along a row. */
  readonly lanes: number;
  /** Vectors of a row that a thread brings in, `lanes` apart. */
  readonly quadLoads: number;
  /** Planes of a thread, `threads / lanes` apart. */
  readonly planeLoads: number;
  /** Vectors from a row to the next. */
  readonly pitch: number;
  /** Vectors from a plane to the next: an odd number, so that threads that load of adjacent planes meet different banks. */
  readonly planePitch: number;
}

type Met = Pick<StagedPlanes, "planes" | "slots" | "rows" | "width" | "firstColumn" | "quads">;

function stagedPlanes(met: Met, threads: number): StagedPlanes {
  const ways = range(6).map((power) => 2 ** power).filter((lanes) => threads % lanes === 0).map((lanes) => ({
    lanes,
    quadLoads: Math.ceil(met.quads / lanes),
    planeLoads: Math.ceil(met.planes / (threads / lanes)),
  }));
  const loads = ways.map(({ quadLoads, planeLoads }) => quadLoads * planeLoads);
  const way = ways[loads.lastIndexOf(Math.min(...loads))], pitch = way.lanes * way.quadLoads;
  return { ...met, ...way, pitch, planePitch: met.rows * pitch | 1 };
}

/** What a band stages of the input and of the output's gradient. */
export function stagedBand(problem: ConvolutionProblem, tile: StagedWeightTile): [x: StagedPlanes, dy: StagedPlanes] {
  const { stride, padding, dilation, kernelHeight, kernelWidth, width, outputWidth } = problem;
  const met = (count: number, axis: 0 | 1, taps: number) =>
    (count - 1) * stride[axis] + (taps - 1) * dilation[axis] + 1;
  const threads = stagedWeightThreads(tile), firstColumn = windowColumn(-padding[1], width);
  const quads = Math.ceil((met(tile.columns, 1, kernelWidth) - padding[1] - firstColumn) / 4);
  const x = { planes: tile.across, slots: 1, rows: met(tile.rows, 0, kernelHeight), width, firstColumn, quads };
  const dy = { planes: tile.down * tile.outputs, slots: tile.outputs, rows: tile.rows, width: outputWidth };
  return [stagedPlanes(x, threads), stagedPlanes({ ...dy, firstColumn: 0, quads: tile.columns / 4 }, threads)];
}

/** Vectors of both in workgroup memory. */
export function stagedVectors({ planes, planePitch }: StagedPlanes): number {
  return planes * planePitch;
}

/** Bytes of workgroup memory. */
export function stagedBandBytes(problem: ConvolutionProblem, tile: StagedWeightTile): number {
  return 16 * stagedBand(problem, tile).reduce((sum, planes) => sum + stagedVectors(planes), 0);
}

/** Bands down and across an image. */
export function bandsOf(
  { outputHeight, outputWidth }: ConvolutionProblem,
  { rows, columns }: StagedWeightTile,
): [down: number, across: number] {
  return [Math.ceil(outputHeight / rows), Math.ceil(outputWidth / columns)];
}

/** Blocks along output channels and input channels of a group. */
export function weightBlocksOf(
  { groupOutputs, groupInputs }: ConvolutionProblem,
  tile: StagedWeightTile,
): [outputs: number, inputs: number] {
  return [Math.ceil(groupOutputs / (tile.down * tile.outputs)), Math.ceil(groupInputs / tile.across)];
}

/** Vectors of sums of a thread. */
function sumsOf({ kernelHeight, kernelWidth }: ConvolutionProblem, outputs: number): number {
  return kernelHeight * kernelWidth * outputs / 4;
}

/** Whether a thread can keep the sums of all taps. */
export function keepsAllTaps(problem: ConvolutionProblem): boolean {
  return sumsOf(problem, 4) <= MOST_SUMS;
}

/** The configurations for a weight gradient, the plainest first. */
export function stagedWeightTiles(problem: ConvolutionProblem, limits: DeviceLimits): StagedWeightTile[] {
  const { groupOutputs, groupInputs, outputHeight, outputWidth } = problem;
  const most = Math.min(MOST_THREADS, limits.maxComputeInvocationsPerWorkgroup);
  const widths = [...new Set(THREAD_OUTPUTS.map((outputs) => Math.min(outputs, 4 * Math.ceil(groupOutputs / 4))))];
  return widths.filter((outputs) => sumsOf(problem, outputs) <= MOST_SUMS).flatMap((outputs) => {
    // Few inputs are filled up, so that there are threads.
    const across = groupInputs < MOST_INPUTS
      ? 2 ** Math.ceil(Math.log2(groupInputs))
      : fitPower(groupInputs, 1, MOST_INPUTS);
    const down = fitPower(groupOutputs, outputs, Math.min(most / across, MOST_OUTPUTS / outputs));
    const columns = 4 * fitPower(Math.ceil(outputWidth / 4), 1, MOST_QUADS);
    const rows = fitPower(outputHeight, 1, MOST_ROWS);
    let tile: StagedWeightTile = { outputs, down, across, rows, columns, parts: 1 };
    if (stagedWeightThreads(tile) < LEAST_THREADS) return [];
    const bytes = Math.min(WANTED_BYTES, limits.maxComputeWorkgroupStorageSize);
    while (tile.rows > 1 && stagedBandBytes(problem, tile) > bytes) tile = { ...tile, rows: tile.rows / 2 };
    while (tile.columns > 4 && stagedBandBytes(problem, tile) > bytes) tile = { ...tile, columns: tile.columns / 2 };
    if (stagedBandBytes(problem, tile) > bytes) return [];
    return splitsOf(problem, tile, limits).map((parts) => ({ ...tile, parts }));
  });
}

/** Into how many parts the bands can be split: as one, and in powers of two. */
function splitsOf(problem: ConvolutionProblem, tile: StagedWeightTile, limits: DeviceLimits): number[] {
  const [down, across] = weightBlocksOf(problem, tile), blocks = down * across * problem.groups;
  const [high, wide] = bandsOf(problem, tile), bands = problem.batch * high * wide;
  const elements = Math.min(MOST_PARTIAL_ELEMENTS, limits.maxStorageBufferBindingSize / 4);
  const most = Math.floor(Math.log2(Math.min(MOST_PARTS, bands, Math.max(1, elements / weightSize(problem)))));
  const powers = WANTED_BLOCKS.map((wanted) => Math.min(most, Math.round(Math.log2(wanted / blocks))));
  return [...new Set([1, ...powers.filter((power) => power > 0).map((power) => 2 ** power)])];
}

/** Bands of a part. */
export function bandsOfPart(problem: ConvolutionProblem, tile: StagedWeightTile): number {
  const [high, wide] = bandsOf(problem, tile);
  return Math.ceil(problem.batch * high * wide / tile.parts);
}

/** Where a tap of a column meets the input, in elements from the first that the band's first column may meet. */
export function metColumn(problem: ConvolutionProblem, column: number, tap: number): number {
  const { stride, padding, dilation, width } = problem;
  return column * stride[1] + tap * dilation[1] - padding[1] - windowColumn(-padding[1], width);
}

/** The vectors of a row of the input that four adjacent columns of the output meet. */
export function metQuads(problem: ConvolutionProblem): number[] {
  const columns = range(4).flatMap((column) =>
    range(problem.kernelWidth).map((tap) => metColumn(problem, column, tap))
  );
  return [...new Set(columns.map((column) => Math.floor(column / 4)))].sort((a, b) => a - b);
}
