/** How the staged direct kernel shares a convolution out: which results a workgroup computes, and what it stages for them. */

import type { DeviceLimits } from "../../../core/mod.ts";
import { evenTile, range } from "../../../kernels/mod.ts";
import type { DirectedConvolution } from "../directed.ts";
import { windowColumn } from "./staged_fetch.ts";
import { stridedAxes, type StridedAxis } from "./strided_axis.ts";

/** A configuration: threads, and the tile of each. */
export type StagedTile = {
  /** Rows of a residue that a thread computes; columns are four. */
  readonly rows: number;
  /** Result channels that a thread computes; a multiple of four. */
  readonly channels: number;
  /** Threads along rows. */
  readonly down: number;
  /** Threads along columns. */
  readonly across: number;
  /** Threads along channels. */
  readonly deep: number;
  /** Sources of a slice. */
  readonly sources: number;
};

/** Rows and channels of a thread: of many sums, for few loads, and of few, for many threads. */
const THREAD_TILES = [[2, 8], [1, 8], [1, 4]] as const;
/** Threads of a workgroup, at most, and at least: of fewer, hardly any would be busy. */
const MOST_THREADS = [64, 256], LEAST_THREADS = 4;
/** Sums of a thread, in vectors. */
const MOST_SUMS = 16;
/** Multiplications of vectors in a text, above which compilers take long. */
const MOST_PRODUCTS = 400;
/** Threads that run in step. */
const WARP = 32;
/** Threads of a workgroup along columns and channels of a block, at most. */
const MOST_ACROSS = 8, MOST_CHANNELS = 64;
/** How much larger than the result blocks may be along an axis for being larger themselves. */
const MOST_FILLED_UP = 1.15;
/** Sources of a slice, at most, and bytes of a slice of more than one: several blocks are to share a multiprocessor. */
const MOST_SOURCES = 8, WANTED_BYTES = 13 * 1024;
/** Bytes of workgroup memory that every device has. Rows lie in phases where those fit into it. */
const LEAST_BYTES = 16 * 1024;

/** What of an axis a block stages. */
export interface StagedSpan {
  /** The least offset of a tap from what its result meets. */
  readonly first: number;
  /** Elements that a block meets. */
  readonly size: number;
}

/** What of an axis `count` adjacent results of each residue meet. */
export function stagedSpan({ step, offsets }: StridedAxis, count: number): StagedSpan {
  const all = offsets.flatMap((each) => [...each.values()]);
  if (all.length === 0) return { first: 0, size: 1 };
  const first = Math.min(...all);
  return { first, size: (count - 1) * step + Math.max(...all) - first + 1 };
}

/**
 * How the rows of a window lie in workgroup memory: by turns in *phases*, which lie one after another, each of some lines. There
 * are as many phases as rows from a thread to the next. So a thread meets most of its rows at one place of different phases,
 * which are constants of the text, and what a runtime does to keep an index inside an array is done once for them.
 */
export interface StagedLines {
  /** Phases. */
  readonly phases: number;
  /** Lines of a phase. */
  readonly lines: number;
  /** Lines from a thread to the next. */
  readonly linesOfThread: number;
}

/** How the rows of a span lie, given how many it is from a thread to the next, in phases of which that is a multiple. */
export function stagedLines({ size }: StagedSpan, rowsOfThread: number, phases: number): StagedLines {
  return { phases, lines: Math.ceil(size / phases), linesOfThread: rowsOfThread / phases };
}

/** How a slice of the source lies in workgroup memory. */
export interface StagedWindow extends StagedLines {
  /** The rows of a source. */
  readonly rows: StagedSpan;
  /** The first column from what the block's first results meet; where rows of the source are whole vectors, a multiple of four. */
  readonly firstColumn: number;
  /** Vectors of a row. */
  readonly quads: number;
  /** Vectors from a row to the next. */
  readonly pitch: number;
  /** Vectors of all sources that a thread brings in, as many apart as there are threads. */
  readonly fetches: number;
}

/** Threads of a workgroup. */
export function stagedThreads({ down, across, deep }: StagedTile): number {
  return down * across * deep;
}

/** Threads that a multiprocessor keeps busy for those of a workgroup: whole warps. */
export function busyThreads(threads: number): number {
  return WARP * Math.ceil(threads / WARP);
}

/** The window of a tile. */
export function stagedWindow(convolution: DirectedConvolution, tile: StagedTile): StagedWindow {
  const [y, x] = stridedAxes(convolution), rows = stagedSpan(y, tile.down * tile.rows);
  const columns = stagedSpan(x, 4 * tile.across), firstColumn = windowColumn(columns.first, x.sourceSize);
  const quads = Math.ceil((columns.first + columns.size - firstColumn) / 4), pitches = range(4, quads);
  const windows = [tile.rows * y.step, 1].map((phases): StagedWindow => {
    const lines = stagedLines(rows, tile.rows * y.step, phases);
    const clashes = pitches.map((pitch) => bankClashes(firstLoads(tile, x, lines.linesOfThread * pitch)));
    return {
      ...lines,
      rows,
      firstColumn,
      quads,
      pitch: pitches[clashes.indexOf(Math.min(...clashes))],
      fetches: Math.ceil(tile.sources * rows.size * quads / stagedThreads(tile)),
    };
  });
  const fits = (window: StagedWindow) =>
    16 * (windowVectors(window, tile) + weightVectors(convolution, tile)) <= LEAST_BYTES;
  return windows.find(fits) ?? windows[0];
}

/** Where in elements the first eight threads load a vector each from the window, given the vectors from a thread to the next. */
function firstLoads({ across, down }: StagedTile, x: StridedAxis, apart: number): number[] {
  return range(8).map((lane) => 4 * (Math.floor(lane / across) % down * apart + lane % across * x.step));
}

/**
 * Eight threads load a vector each at once, of 32 banks of an element: by how many times more the fullest is asked.
 *
 * @param starts The first element that each loads.
 */
export function bankClashes(starts: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const start of new Set(starts)) counts.set(start % 32, (counts.get(start % 32) ?? 0) + 1);
  return Math.max(...counts.values()) - 1;
}

/** Vectors of the staged source and of the staged weights. */
export function stagedSizes(convolution: DirectedConvolution, tile: StagedTile): [source: number, weights: number] {
  return [windowVectors(stagedWindow(convolution, tile), tile), weightVectors(convolution, tile)];
}

function windowVectors({ phases, lines, pitch }: StagedWindow, { sources }: StagedTile): number {
  return sources * phases * lines * pitch;
}

function weightVectors({ taps }: DirectedConvolution, { sources, channels, deep }: StagedTile): number {
  return sources * taps * channels * deep / 4;
}

/** Bytes of workgroup memory. */
export function stagedBytes(convolution: DirectedConvolution, tile: StagedTile): number {
  const [source, weights] = stagedSizes(convolution, tile);
  return 16 * (source + weights);
}

/** The largest power of two up to `most`, so that as many times `unit` cover `size` without much beyond it. */
export function fitPower(size: number, unit: number, most: number): number {
  const covered = (power: number) => Math.ceil(size / (unit * power)) * unit * power;
  const powers = range(Math.floor(Math.log2(Math.max(1, most))) + 1).map((k) => 2 ** k).reverse();
  return powers.find((power) => covered(power) <= MOST_FILLED_UP * covered(1)) ?? 1;
}

/** The configurations for a convolution, the plainest first. */
export function stagedTiles(convolution: DirectedConvolution, limits: DeviceLimits): StagedTile[] {
  const { channels, taps } = convolution, [y, x] = stridedAxes(convolution), residues = y.residues * x.residues;
  const height = Math.ceil(y.size / y.residues), width = Math.ceil(x.size / x.residues);
  const tiles = THREAD_TILES.flatMap(([mostRows, mostChannels]) => {
    const own = Math.min(mostChannels, 4 * Math.ceil(channels / 4)), rows = evenTile(height, mostRows);
    if (rows * own * residues > MOST_SUMS || rows * own * taps > MOST_PRODUCTS) return [];
    const deep = fitPower(channels, own, MOST_CHANNELS / own), across = fitPower(width, 4, MOST_ACROSS);
    return MOST_THREADS.map((threads) => {
      const most = Math.min(threads, limits.maxComputeInvocationsPerWorkgroup) / (deep * across);
      return { rows, channels: own, down: fitPower(height, rows, most), across, deep, sources: 1 };
    });
  }).filter((tile) => stagedThreads(tile) >= LEAST_THREADS).map((tile) => withSources(convolution, tile));
  const names = tiles.map((tile) => JSON.stringify(tile));
  return tiles.filter((tile, i) =>
    names.indexOf(names[i]) === i && stagedBytes(convolution, tile) <= limits.maxComputeWorkgroupStorageSize
  );
}

/** As many sources a slice as fit. */
function withSources(convolution: DirectedConvolution, tile: StagedTile): StagedTile {
  let fitted = tile;
  while (2 * fitted.sources <= Math.min(MOST_SOURCES, convolution.sources)) {
    const next = { ...fitted, sources: 2 * fitted.sources };
    if (stagedBytes(convolution, next) > WANTED_BYTES) break;
    fitted = next;
  }
  return fitted;
}
