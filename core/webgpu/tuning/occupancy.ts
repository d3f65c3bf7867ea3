/** How long a device is busy with the blocks of a kernel, estimated by how many it runs at a time. Rules compare kernels by it. */

import type { DeviceLimits, DeviceProfile } from "./device_profile.ts";
import type { Multiprocessors } from "./multiprocessors.ts";

/** A kernel of equal workgroups, its blocks. */
export interface Launch {
  /** Threads of a block. */
  readonly threads: number;
  /** Registers of a thread, estimated. */
  readonly registers: number;
  /** Registers beside them, which only count where a thread may have few. Defaults to none. */
  readonly heldRegisters?: number;
  /** Bytes of workgroup memory of a block. */
  readonly workgroupBytes: number;
  /** Blocks. */
  readonly blocks: number;
  /** Work of a block, in multiply-adds of a thread or what takes as long. */
  readonly work: number;
  /** Bytes of parts that it writes for a later kernel to read. Defaults to none. */
  readonly partialBytes?: number;
  /** How many parts that kernel adds up. Defaults to 1, which takes no such kernel. */
  readonly parts?: number;
}

/** How a device runs a launch. */
export interface Occupancy {
  /** Blocks that a multiprocessor runs at a time. */
  readonly resident: number;
  /** How often all multiprocessors are filled, as a fraction. */
  readonly waves: number;
  /** Clock cycles until the last block is done, estimated. */
  readonly cycles: number;
}

/** What rules may ask of a device. */
export interface OccupancyModel {
  /** The limits. */
  readonly limits: DeviceLimits;
  /** How the device runs a launch. */
  of(launch: Launch): Occupancy;
}

/**
 * By how much a kernel that spills registers takes longer, as Intel's compiler in Mesa estimates it of products in workgroup
 * memory: at first, and from so many registers too many on.
 */
const LEAST_SPILLS = 3, MOST_SPILLS = 6, MOST_EXCESS = 28;

/** Cycles that another dispatch takes, and each part that its threads add up. */
const DISPATCH_CYCLES = 4000, PART_CYCLES = 60;

/**
 * How a device of some multiprocessors runs a launch. The busiest multiprocessor has `⌈blocks / multiprocessors⌉` blocks. It
 * does as many at a time as its registers, threads and workgroup memory hold, and is the better used the more warps these
 * are: by `warps / (warps + half)`, where so many warps keep half of the lanes busy as have half as many threads, since they
 * wait for each other and for memory. So in cycles, of multiply-adds (work), multiply-adds a cycle (lanes) and bytes:
 *
 *     blocks of the busiest · work / (lanes · use) + twice the bytes of the parts / (bytes a cycle · multiprocessors)
 *
 * and what the dispatch takes that adds parts up. Where a thread has more registers than it may, the work takes three to
 * six times as long. The shape was fitted to matrix products and convolutions on one H100; on others it is an assumption.
 */
export function occupancy(launch: Launch, multiprocessors: Multiprocessors): Occupancy {
  const { blocks, work, threads, registers, heldRegisters = 0, workgroupBytes, partialBytes = 0, parts = 1 } = launch;
  const resident = Math.max(
    1,
    Math.min(
      multiprocessors.blocks,
      Math.floor(multiprocessors.threads / threads),
      Math.floor(multiprocessors.registers / (threads * registers)),
      Math.floor(multiprocessors.workgroupBytes / Math.max(1, workgroupBytes)),
    ),
  );
  const busiest = Math.ceil(blocks / multiprocessors.count);
  const warps = Math.min(busiest, resident) * Math.ceil(threads / multiprocessors.warp);
  const excess = Math.max(0, registers + heldRegisters - multiprocessors.registersOfThread);
  const slower = excess === 0 ? 1 : LEAST_SPILLS + (MOST_SPILLS - LEAST_SPILLS) * Math.min(1, excess / MOST_EXCESS);
  const use = warps / (warps + multiprocessors.lanes / (2 * multiprocessors.warp));
  const adding = parts === 1
    ? 0
    : DISPATCH_CYCLES + PART_CYCLES * parts + 2 * partialBytes / (multiprocessors.bytes * multiprocessors.count);
  return {
    resident,
    waves: blocks / (resident * multiprocessors.count),
    cycles: slower * busiest * work / (multiprocessors.lanes * use) + adding,
  };
}

/** What rules may ask of a device. */
export function occupancyModel({ limits, multiprocessors }: DeviceProfile): OccupancyModel {
  return { limits, of: (launch) => occupancy(launch, multiprocessors) };
}
