/** The tiles of matrix products: how C is shared out among threads and workgroups. */

import type { DeviceLimits } from "../../core/mod.ts";
import { evenTile } from "../text.ts";
import type { GemmProblem } from "./problem.ts";

/** The tile of C that a thread keeps in registers. */
export type RegisterTile = {
  /** Rows, a multiple of four. */
  readonly rows: number;
  /** Vectors of four columns. */
  readonly vectors: number;
};

/** 16 rows by 16 columns: the fastest on lavapipe. */
export const REGISTER_TILE_16x16: RegisterTile = { rows: 16, vectors: 4 };
/** 8 rows by 8 columns. */
export const REGISTER_TILE_8x8: RegisterTile = { rows: 8, vectors: 2 };
/** 4 rows by 4 columns: keeps a small product in many threads. */
export const REGISTER_TILE_4x4: RegisterTile = { rows: 4, vectors: 1 };

/** The least threads of a product that has as many. */
const WANTED_THREADS = 256;

/** The register tiles of a product, the largest first: none reaches much beyond C, and each once. */
export function registerTiles(problem: Pick<GemmProblem, "m" | "n">): RegisterTile[] {
  const tiles = [REGISTER_TILE_16x16, REGISTER_TILE_8x8, REGISTER_TILE_4x4].map((tile) => fitTile(problem, tile));
  const same = (a: RegisterTile, b: RegisterTile) => a.rows === b.rows && a.vectors === b.vectors;
  return tiles.filter((tile, index) => tiles.findIndex((other) => same(other, tile)) === index);
}

/** The largest register tile that leaves a product enough threads. */
export function registerTile({ m, n, batch = 1 }: Pick<GemmProblem, "m" | "n" | "batch">): RegisterTile {
  const tiles = registerTiles({ m, n });
  const threads = ({ rows, vectors }: RegisterTile) => Math.ceil(m / rows) * Math.ceil(n / (4 * vectors)) * batch;
  return tiles.find((tile) => threads(tile) >= WANTED_THREADS) ?? tiles[tiles.length - 1];
}

/** A tile that divides C into as many tiles, but with less beyond the edges. */
function fitTile({ m, n }: Pick<GemmProblem, "m" | "n">, { rows, vectors }: RegisterTile): RegisterTile {
  return { rows: 4 * Math.ceil(evenTile(m, rows) / 4), vectors: Math.ceil(evenTile(n, 4 * vectors) / 4) };
}

/** The block of C that a workgroup computes from slices of A and B in workgroup memory. */
export interface WorkgroupTile {
  /** Threads of a workgroup along rows and along columns. */
  readonly threads: readonly [number, number];
  /** Rows of a thread, a multiple of four. */
  readonly rows: number;
  /** Vectors of four columns of a thread. */
  readonly vectors: number;
  /** Depth of a slice. */
  readonly depth: number;
  /** Whether the next slice is loaded before this one is multiplied. */
  readonly prefetch?: boolean;
}

/**
 * The tiles of workgroup memory by name: rows and columns of a block, the depth of a slice, rows and columns of a thread. The
 * threads are a multiple of the vectors along each side of a block, so that a thread loads of the same lines each time.
 */
export const WORKGROUP_TILES: Readonly<Record<string, WorkgroupTile>> = {
  "64x64x16 8x8": { threads: [8, 8], rows: 8, vectors: 2, depth: 16 },
  "64x64x16 8x4": { threads: [8, 16], rows: 8, vectors: 1, depth: 16 },
  "64x64x16 4x4": { threads: [16, 16], rows: 4, vectors: 1, depth: 16 },
  "128x64x16 8x8": { threads: [16, 8], rows: 8, vectors: 2, depth: 16 },
  "128x128x16 8x8": { threads: [16, 16], rows: 8, vectors: 2, depth: 16, prefetch: true },
  "32x128x16 8x4": { threads: [4, 32], rows: 8, vectors: 1, depth: 16 },
  "32x32x16 4x4": { threads: [8, 8], rows: 4, vectors: 1, depth: 16 },
  "16x256x16 8x4": { threads: [2, 64], rows: 8, vectors: 1, depth: 16 },
  "64x64x4 8x8": { threads: [8, 8], rows: 8, vectors: 2, depth: 4 },
};

/** Registers of a thread beside its sums and its part of a slice. */
const OTHER_REGISTERS = 32;

/** Threads of a workgroup. */
export function threadsOfTile({ threads: [down, across] }: WorkgroupTile): number {
  return down * across;
}

/** Rows of a block. */
export function blockHeight({ threads: [down], rows }: WorkgroupTile): number {
  return down * rows;
}

/** Columns of a block. */
export function blockWidth({ threads: [, across], vectors }: WorkgroupTile): number {
  return across * vectors * 4;
}

/**
 * Registers that a thread needs, about: its sums, some for indices, and its rows and columns of a depth or what it brings into
 * workgroup memory, whichever is more; both where that comes early.
 */
export function registersOfTile(tile: WorkgroupTile): number {
  const { rows, vectors, depth, prefetch } = tile, threads = threadsOfTile(tile);
  const staged = [blockHeight(tile), blockWidth(tile)].map((lines) => 4 * Math.max(1, lines * depth / 4 / threads));
  const multiplied = rows + 4 * vectors, brought = staged[0] + staged[1];
  return 4 * rows * vectors + OTHER_REGISTERS + (prefetch ? multiplied + brought : Math.max(multiplied, brought));
}

/** Bytes of workgroup memory. An operand that is turned over on the way has a vector more at each depth. */
export function workgroupBytes(tile: WorkgroupTile, turnsA: boolean, turnsB: boolean): number {
  return 4 * tile.depth * (blockHeight(tile) + (turnsA ? 4 : 0) + blockWidth(tile) + (turnsB ? 4 : 0));
}

/** Whether a device can run a tile. */
export function fitsWorkgroup(tile: WorkgroupTile, limits: DeviceLimits, turnsA = false, turnsB = false): boolean {
  return threadsOfTile(tile) <= limits.maxComputeInvocationsPerWorkgroup &&
    workgroupBytes(tile, turnsA, turnsB) <= limits.maxComputeWorkgroupStorageSize;
}
