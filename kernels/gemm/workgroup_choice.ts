/** Which tiles and splits of the depth a product in workgroup memory has, and which is expected to be the fastest. */

import { type DeviceLimits, type Launch, MAX_ITERATIONS, type OccupancyModel } from "../../core/mod.ts";
import {
  blockHeight,
  blockWidth,
  fitsWorkgroup,
  registersOfTile,
  threadsOfTile,
  WORKGROUP_TILES,
  workgroupBytes,
  type WorkgroupTile,
} from "./tiles.ts";

/** How a product in workgroup memory is set. */
export type WorkgroupConfiguration = {
  /** The name of a tile of {@link WORKGROUP_TILES}. */
  readonly tile: string;
  /** Parts that the depth is split into. */
  readonly parts: number;
};

/** What the choice depends on. */
export interface WorkgroupShape {
  /** Rows and columns of a product. */
  readonly extents: readonly [m: number, n: number];
  /** How many products there are. Defaults to 1. */
  readonly products?: number;
  /** Slices of a product, given their depth: the most of all products. */
  slices(depth: number): number;
  /** Slices of all products, given their depth. Defaults to as many of each. */
  allSlices?(depth: number): number;
  /** Whether A and B are turned over on the way. */
  readonly turned: readonly [boolean, boolean];
  /** Loads that it takes to get a vector of A and of B. */
  readonly loads: readonly [number, number];
  /** Registers of a thread for where it is along the depth. Defaults to few. */
  readonly heldRegisters?: number;
}

/** The most parts of a depth. */
const MOST_PARTS = 256;
/** Blocks that splits are to make about: they fill small devices, large ones, and large ones several times. */
const WANTED_BLOCKS = [128, 512, 2048];
/** Elements of all parts. */
const MOST_PARTIAL_ELEMENTS = 16 * 1024 * 1024;
/** Elements of parts beyond which they share their memory with others', though their sums then cannot be gathered. */
const LARGE_PARTIAL_ELEMENTS = 1024 * 1024;

/** The configurations that a device can run, the plainest first. No loop over slices is longer than every driver does. */
export function workgroupConfigurations(shape: WorkgroupShape, limits: DeviceLimits): WorkgroupConfiguration[] {
  return Object.entries(WORKGROUP_TILES).filter(([, tile]) => fitsWorkgroup(tile, limits, ...shape.turned))
    .flatMap(([name, tile]) =>
      [1, ...splitsOf(shape, tile, limits)].filter((parts) => shape.slices(tile.depth) / parts <= MAX_ITERATIONS)
        .map((parts) => ({ tile: name, parts }))
    );
}

/** The name of a configuration. */
export function nameOfConfiguration({ tile, parts }: WorkgroupConfiguration): string {
  return `${tile}${WORKGROUP_TILES[tile].prefetch ? " early" : ""}${parts === 1 ? "" : `, ${parts} parts`}`;
}

/** The kind of a configuration: a tile, or a split, whose text depends on the tile no more than an undivided one's. */
export function coverageOfConfiguration({ tile, parts }: WorkgroupConfiguration): string {
  return parts === 1 ? tile : WORKGROUP_TILES[tile].prefetch ? "parts, early" : "parts";
}

/** Whether a device can run a shape at all. */
export function hasWorkgroupTiles({ turned }: WorkgroupShape, limits: DeviceLimits): boolean {
  return Object.values(WORKGROUP_TILES).some((tile) => fitsWorkgroup(tile, limits, ...turned));
}

/** The configuration that takes the fewest cycles, as far as {@link Occupancy} knows; the first of those that take as many. */
export function fastestConfiguration(shape: WorkgroupShape, occupancy: OccupancyModel): WorkgroupConfiguration {
  const all = workgroupConfigurations(shape, occupancy.limits);
  const cycles = all.map((each) => occupancy.of(launchOf(shape, each)).cycles);
  return all[cycles.indexOf(Math.min(...cycles))] ?? { tile: "", parts: 1 };
}

/** Whether the parts are so large that memory counts more than another dispatch. */
export function isLargePartial(elements: number): boolean {
  return elements > LARGE_PARTIAL_ELEMENTS;
}

/** Blocks of all products. */
function blocksOf({ extents: [m, n], products = 1 }: WorkgroupShape, tile: WorkgroupTile): number {
  return Math.ceil(m / blockHeight(tile)) * Math.ceil(n / blockWidth(tile)) * products;
}

function partialElements({ extents: [m, n], products = 1 }: WorkgroupShape, parts: number): number {
  return 4 * Math.ceil(n / 4) * m * products * parts;
}

/** The parts that a depth can be split into: powers of two. */
function splitsOf(shape: WorkgroupShape, tile: WorkgroupTile, limits: DeviceLimits): number[] {
  const elements = Math.min(MOST_PARTIAL_ELEMENTS, limits.maxStorageBufferBindingSize / 4);
  const most = Math.min(MOST_PARTS, shape.slices(tile.depth), elements / partialElements(shape, 1));
  const powers = WANTED_BLOCKS.map((wanted) =>
    Math.min(Math.round(Math.log2(wanted / blocksOf(shape, tile))), Math.floor(Math.log2(most)))
  );
  return [...new Set(powers)].filter((power) => power > 0).map((power) => 2 ** power);
}

/** Work of a load by a thread, and of what a block does beside its slices and beside each, in multiply-adds. */
export const LOAD_WORK = 16, BLOCK_WORK = 38_400, SLICE_WORK = 1024;

/**
 * A configuration as a launch. Work is counted in multiply-adds: those of whole blocks, whether inside of C or not; as many
 * again as a thread reads elements of workgroup memory, and 16 for each load of what is staged. So a thread of 8x8 works
 * 80 for 64. The figures were fitted to what tiles of different threads reached on one H100.
 */
export function launchOf(shape: WorkgroupShape, { tile: name, parts }: WorkgroupConfiguration): Launch {
  const tile = WORKGROUP_TILES[name], { rows, vectors, depth } = tile, { turned, loads, products = 1 } = shape;
  const threads = threadsOfTile(tile), height = blockHeight(tile), width = blockWidth(tile);
  const multiplied = threads * (4 * rows * vectors + rows + 4 * vectors);
  const staged = LOAD_WORK * (loads[0] * height + loads[1] * width) / 4;
  const slices = shape.allSlices === undefined ? shape.slices(depth) : shape.allSlices(depth) / products;
  return {
    blocks: blocksOf(shape, tile) * parts,
    work: Math.ceil(slices / parts) * (depth * (multiplied + staged) + SLICE_WORK) + 2 * height * width + BLOCK_WORK,
    threads,
    registers: registersOfTile(tile),
    heldRegisters: shape.heldRegisters,
    workgroupBytes: workgroupBytes(tile, ...turned),
    parts,
    partialBytes: parts === 1 ? 0 : 4 * partialElements(shape, parts),
  };
}
