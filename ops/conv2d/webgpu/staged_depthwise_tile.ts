/** How the staged depthwise kernel shares planes out: which results a workgroup computes, and what it stages for them. */

import type { DeviceLimits, Launch } from "../../../core/mod.ts";
import { BLOCK_WORK, LOAD_WORK, range, SLICE_WORK } from "../../../kernels/mod.ts";
import type { DirectedConvolution } from "../directed.ts";
import { fitRows } from "./depthwise.ts";
import { unitOf, windowColumn } from "./staged_fetch.ts";
import { bankClashes, busyThreads, type StagedSpan, stagedSpan } from "./staged_tile.ts";
import { stridedAxes, type StridedAxis } from "./strided_axis.ts";

/** A configuration: threads, and the rows of each. */
export type StagedDepthwiseTile = {
  /** Rows of a residue that a thread computes; columns are four. */
  readonly rows: number;
  /** Threads along rows. */
  readonly down: number;
  /** Threads along columns. */
  readonly across: number;
  /** Planes of a workgroup: more than one only of such that it computes as a whole. */
  readonly planes: number;
};

/** Rows of a thread, of all residues together, and threads of a workgroup, at most: the more, the less is brought in twice. */
const KINDS = [[2, 64], [4, 64], [2, 256], [4, 256], [8, 256]] as const;
/** Sums of a thread, in vectors, at most. */
const MOST_SUMS = 16;
/** Bytes of workgroup memory: several blocks are to share a multiprocessor. */
const MOST_BYTES = 16 * 1024;
/**
 * Vectors that a thread brings in, all of them in its text: as many as are wanted, and at most. Of more, each element is met
 * about once, and there is nothing to stage for.
 */
const WANTED_FETCHES = 16, MOST_FETCHES = 32;
/** Vectors that a thread brings in at once, before it parks them. */
export const FETCHES_AT_ONCE = 8;
/** Registers of a thread beside its sums, its weights and what it loads at once. */
const OTHER_REGISTERS = 28;
/** Multiply-adds of a multiprocessor while it gets a byte of memory, by those of an H100 in `core/webgpu/tuning/multiprocessors.ts`. */
export const BYTE_WORK = 12.8;

/** How the planes of a block lie in workgroup memory. */
export interface PlaneWindow {
  /** The rows of a plane. */
  readonly rows: StagedSpan;
  /** The first column from what the block's first results meet; where rows of the source are whole vectors, a multiple of four. */
  readonly firstColumn: number;
  /** Vectors of a row. */
  readonly quads: number;
  /**
   * Vectors from one of a row to the next. Adjacent threads load vectors that are `step` apart; so these lie side by side, which
   * asks each bank once.
   */
  readonly part: number;
  /** Vectors from a row to the next. */
  readonly pitch: number;
}

/** Threads of a workgroup. */
export function threadsOf({ planes, down, across }: StagedDepthwiseTile): number {
  return planes * down * across;
}

/** Blocks along rows, columns and planes. */
export function blocksOf(convolution: DirectedConvolution, { rows, down, across, planes }: StagedDepthwiseTile): {
  readonly rows: number;
  readonly columns: number;
  readonly planes: number;
  readonly all: number;
} {
  const { batch, groups } = convolution, [y, x] = stridedAxes(convolution);
  const blocks = {
    rows: Math.ceil(y.size / (rows * down * y.residues)),
    columns: Math.ceil(x.size / (4 * across * x.residues)),
    planes: Math.ceil(batch * groups / planes),
  };
  return { ...blocks, all: blocks.rows * blocks.columns * blocks.planes };
}

/** The window of a tile. */
export function windowOf(convolution: DirectedConvolution, tile: StagedDepthwiseTile): PlaneWindow {
  const [y, x] = stridedAxes(convolution), rows = stagedSpan(y, tile.down * tile.rows);
  const columns = stagedSpan(x, 4 * tile.across);
  const firstColumn = windowColumn(columns.first, x.sourceSize);
  const quads = Math.ceil((columns.first + columns.size - firstColumn) / 4), part = Math.ceil(quads / x.step);
  const pitches = range(4, part * x.step), clashes = pitches.map((pitch) => clashesOf(tile, y, rows, pitch));
  return { rows, firstColumn, quads, part, pitch: pitches[clashes.indexOf(Math.min(...clashes))] };
}

/** How often a bank is asked again where 32 threads load a vector each. */
function clashesOf(tile: StagedDepthwiseTile, y: StridedAxis, { size }: StagedSpan, pitch: number): number {
  const { rows, down, across } = tile;
  const start = (lane: number) => {
    const row = Math.floor(lane / across) % down * rows * y.step + Math.floor(lane / (across * down)) * size;
    return 4 * (row * pitch + lane % across);
  };
  const starts = range(Math.min(32, threadsOf(tile))).map(start);
  return range(Math.ceil(starts.length / 8)).reduce(
    (sum, eight) => sum + bankClashes(starts.slice(8 * eight, 8 * eight + 8)),
    0,
  );
}

/** Vectors of workgroup memory. */
export function windowSize({ rows, pitch }: PlaneWindow, { planes }: StagedDepthwiseTile): number {
  return planes * rows.size * pitch;
}

/** Vectors that a block brings in. */
export function fetchedVectors({ rows, quads }: PlaneWindow, { planes }: StagedDepthwiseTile): number {
  return planes * rows.size * quads;
}

/** Vectors that a thread loads from the window. */
function loadedVectors({ rows }: StagedDepthwiseTile, { firstColumn }: PlaneWindow, y: StridedAxis, x: StridedAxis) {
  const met = ({ offsets, step }: StridedAxis, count: number) =>
    offsets.flatMap((taps) => [...taps.values()].flatMap((offset) => range(count).map((i) => offset + i * step)));
  return new Set(met(y, rows)).size * new Set(met(x, 4).map((column) => Math.floor((column - firstColumn) / 4))).size;
}

/** Vectors that a thread brings in. */
function fetchesOf(window: PlaneWindow, tile: StagedDepthwiseTile): number {
  return Math.ceil(fetchedVectors(window, tile) / threadsOf(tile));
}

/** Bytes of memory that a block reads of the source and writes. */
function memoryBytes(
  { float16 }: DirectedConvolution,
  { rows, down, across, planes }: StagedDepthwiseTile,
  window: PlaneWindow,
  [y, x]: readonly StridedAxis[],
): number {
  const read = Math.min(window.rows.size, y.sourceSize) * Math.min(4 * window.quads, x.sourceSize);
  const written = Math.min(rows * down * y.residues, y.size) * Math.min(4 * across * x.residues, x.size);
  return planes * (read + written) * (float16 ? 2 : 4);
}

/**
 * A configuration as a launch. Work is counted as that of matrix products is (`launchOf` of
 * `kernels/gemm/workgroup_choice.ts`), the taps of a plane once, since its threads get them of a cache. But it is at least
 * what memory takes, of which such a kernel asks more than of anything else.
 */
export function launchOf(convolution: DirectedConvolution, tile: StagedDepthwiseTile): Launch {
  const { taps } = convolution, axes = stridedAxes(convolution), [y, x] = axes, window = windowOf(convolution, tile);
  const threads = threadsOf(tile), sums = 4 * tile.rows * y.residues * x.residues;
  const loaded = loadedVectors(tile, window, y, x), fetches = fetchesOf(window, tile);
  const loads = LOAD_WORK * 4 / unitOf(x.sourceSize) * fetches;
  const work = busyThreads(threads) * (4 * tile.rows * taps + 4 * loaded + taps + loads + 2 * sums) +
    LOAD_WORK * tile.planes * taps;
  return {
    blocks: blocksOf(convolution, tile).all,
    work: Math.max(work, BYTE_WORK * memoryBytes(convolution, tile, window, axes)) + SLICE_WORK + BLOCK_WORK,
    threads,
    registers: sums + taps + 4 * Math.max(Math.min(fetches, FETCHES_AT_ONCE), Math.ceil(loaded / tile.rows)) +
      OTHER_REGISTERS,
    workgroupBytes: 16 * windowSize(window, tile),
  };
}

/** The configurations for a convolution, the plainest first. */
export function stagedDepthwiseTiles(convolution: DirectedConvolution, limits: DeviceLimits): StagedDepthwiseTile[] {
  const [y, x] = stridedAxes(convolution);
  const tiles = KINDS.flatMap(([mostRows, mostThreads]) => {
    const rows = fitRows(convolution, mostRows);
    if (rows > 1 && rows * y.residues * x.residues > MOST_SUMS) return [];
    const most = Math.min(mostThreads, limits.maxComputeInvocationsPerWorkgroup);
    return fitBlock(convolution, rows, most, Math.min(MOST_BYTES, limits.maxComputeWorkgroupStorageSize));
  });
  const names = tiles.map((tile) => JSON.stringify(tile)),
    different = tiles.filter((_, i) => names.indexOf(names[i]) === i);
  const wanted = different.filter((tile) => fetchesOf(windowOf(convolution, tile), tile) <= WANTED_FETCHES);
  return wanted.length > 0 ? wanted : different;
}

/** The block of at most so many threads and bytes that takes the least work for all results; none if none is possible. */
function fitBlock(
  convolution: DirectedConvolution,
  rows: number,
  threads: number,
  bytes: number,
): StagedDepthwiseTile[] {
  const { batch, groups } = convolution, [y, x] = stridedAxes(convolution);
  const high = Math.ceil(y.size / (rows * y.residues)), wide = Math.ceil(x.size / (4 * x.residues));
  let best: StagedDepthwiseTile[] = [], least = Infinity;
  for (const across of equalParts(wide, threads)) {
    for (const down of equalParts(high, Math.floor(threads / across))) {
      const isWhole = across === wide && down === high;
      const most = isWhole ? Math.min(batch * groups, Math.floor(threads / (across * down))) : 1;
      const tile = { rows, down, across, planes: fitPlanes(convolution, { rows, down, across, planes: most }, bytes) };
      if (tile.planes === 0) continue;
      const { blocks, work } = launchOf(convolution, tile);
      if (blocks * work < least) {
        best = [tile];
        least = blocks * work;
      }
      // Of fewer rows, more are brought in twice.
      break;
    }
  }
  return best;
}

/** The sizes, at most `most`, of the largest of some parts that are as equal as can be; the largest first. */
function equalParts(size: number, most: number): number[] {
  const parts = range(size, 1).map((count) => Math.ceil(size / count)).filter((part) => part <= most);
  return [...new Set(parts)];
}

/** How many of a tile's planes fit; none also where a thread would bring in too much. */
function fitPlanes(convolution: DirectedConvolution, tile: StagedDepthwiseTile, bytes: number): number {
  const one = { ...tile, planes: 1 }, window = windowOf(convolution, one);
  if (fetchedVectors(window, one) > MOST_FETCHES * threadsOf(one)) return 0;
  let planes = Math.min(tile.planes, Math.floor(bytes / (16 * windowSize(window, one))));
  // The pitch of several planes may be larger.
  while (planes > 0 && 16 * windowSize(windowOf(convolution, { ...tile, planes }), { ...tile, planes }) > bytes) {
    planes--;
  }
  return planes;
}
