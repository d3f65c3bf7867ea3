/** What a step walks through: runs of WebAssembly stages, stages in TypeScript, and sums over ranks between them. */

import type { NumericArray } from "../op.ts";
import type { CpuExchange } from "./exchange.ts";
import { kernelNumber } from "./kernels.ts";
import type { Block, CpuMemory, MemoryArray } from "./memory.ts";
import { STAGE_WORDS } from "./program.ts";
import type { CpuArgument, CpuFunctionStage, CpuStage, CpuStages } from "./stages.ts";

/** A stage in TypeScript and its buffers. */
export interface FunctionSegment {
  readonly stage: CpuFunctionStage;
  readonly buffers: readonly MemoryArray[];
  /** What they were when the stage last ran. */
  readonly arrays: NumericArray[];
}

/** Where a sum over ranks begins, or where its results must be there. */
interface ExchangeSegment {
  readonly exchange: CpuExchange;
  readonly waits: boolean;
}

/** Consecutive stages of WebAssembly kernels, by their address and number, or one stage in TypeScript. */
export type ComputedSegment = { readonly stages: number; readonly count: number } | FunctionSegment;

/** A part of a step. */
export type Segment = ComputedSegment | ExchangeSegment;

/** A single stage of a step, so that it can be timed. */
export interface TimedStage {
  readonly node: number;
  readonly variant: string;
  readonly kernel: number;
  readonly segment: Segment;
}

/** A sum over ranks, and the index of the node that begins it. */
export interface LinkedExchange {
  readonly node: number;
  readonly exchange: CpuExchange;
}

/** A node's kernel and its memory. */
export interface Call {
  /** The sums over ranks that its node reads first. */
  readonly awaited: readonly LinkedExchange[];
  /** The sum over ranks that its node begins. */
  readonly begun?: CpuExchange;
  readonly kernel: CpuStages;
  readonly buffers: readonly MemoryArray[];
  /** The address of its workspace. */
  readonly workspace: number;
  /** The address of what its prepacking stages write. */
  readonly prepacked: number;
  /** Whether that is the node's own, so that it lasts. */
  readonly keeps: boolean;
}

/** The names of a kernel's stages, each once. */
function stageNames({ stages }: CpuStages): string {
  return [...new Set(stages.map((stage) => "run" in stage ? "TypeScript" : stage.kernel))].join(" + ");
}

/** An argument as a 32-bit word. */
function argumentWord(argument: CpuArgument, { buffers, workspace, prepacked }: Call): number {
  if (typeof argument === "number") return argument;
  if ("float" in argument) return new Int32Array(Float32Array.of(argument.float).buffer)[0];
  if ("workspace" in argument) return workspace + 4 * argument.workspace;
  if ("prepacked" in argument) return prepacked + 4 * argument.prepacked;
  return buffers[argument.buffer].address + 4 * (argument.offset ?? 0);
}

/**
 * Writes the WebAssembly stages among the wanted ones to memory.
 *
 * @param take Takes memory for a table.
 * @returns All wanted stages as segments in the order of running, and each stage as a segment of its own.
 */
export function linkStages(
  calls: readonly Call[],
  isWanted: (stage: CpuStage, call: Call) => boolean,
  memory: CpuMemory,
  take: (bytes: number) => Block,
): { readonly segments: readonly Segment[]; readonly timed: readonly TimedStage[] } {
  // Segments of WebAssembly stages by their indices, until the address of the table is known.
  type Indexed = FunctionSegment | ExchangeSegment | { readonly first: number; count: number };
  const segments: Indexed[] = [], singles: (Omit<TimedStage, "segment"> & { readonly segment: Indexed })[] = [];
  const table: number[] = [], words: number[] = [], argumentOffsets: number[] = [];
  const add = (segment: FunctionSegment | ExchangeSegment, node: number, variant: string, kernel: number) => {
    segments.push(segment);
    singles.push({ node, variant, kernel, segment });
  };
  for (const [node, call] of calls.entries()) {
    const { buffers } = call, variant = stageNames(call.kernel);
    for (const { exchange, node } of call.awaited) add({ exchange, waits: true }, node, "wait", 1);
    for (const [kernel, stage] of call.kernel.stages.entries()) {
      if (!isWanted(stage, call)) continue;
      if ("run" in stage) {
        add({ stage, buffers, arrays: [] }, node, variant, kernel);
        continue;
      }
      const index = argumentOffsets.length, last = segments.at(-1);
      if (last !== undefined && "first" in last) last.count++;
      else segments.push({ first: index, count: 1 });
      singles.push({ node, variant, kernel, segment: { first: index, count: 1 } });
      table.push(kernelNumber(stage.kernel), stage.tasks, 0);
      argumentOffsets.push(words.length);
      for (const argument of stage.arguments) words.push(argumentWord(argument, call));
    }
    if (call.begun !== undefined) add({ exchange: call.begun, waits: false }, node, "begin", 0);
  }
  const block = take(4 * (table.length + words.length));
  argumentOffsets.forEach((offset, index) => {
    table[index * STAGE_WORDS + 2] = block.address + 4 * (table.length + offset);
  });
  new Int32Array(memory.memory.buffer, block.address, table.length + words.length).set([...table, ...words]);
  const placed = (segment: Indexed): Segment =>
    "first" in segment ? { stages: block.address + 4 * STAGE_WORDS * segment.first, count: segment.count } : segment;
  return {
    segments: segments.map(placed),
    timed: singles.map((single) => ({ ...single, segment: placed(single.segment) })),
  };
}
