/**
 * The text of a thread's tile in the direct kernels: the sums of some rows, columns and channels, four adjacent columns of a
 * residue (`strided_axis.ts`) in a vector. Taps are unrolled. Where source and weights come from is the kernel's to say.
 */

import { range, storeOfFour, vec4 } from "../../../kernels/mod.ts";
import { epilogueWgsl } from "../epilogue.ts";
import type { DirectedConvolution } from "../directed.ts";
import type { DirectTile } from "./direct.ts";
import { requestVector, type SourceLoads } from "./source_loads.ts";
import type { StridedAxis } from "./strided_axis.ts";

/** A tile of a thread, and what of the result such tiles cover. */
export interface SumsTile {
  /** The convolution. */
  readonly convolution: DirectedConvolution;
  /** The rows. */
  readonly y: StridedAxis;
  /** The columns. */
  readonly x: StridedAxis;
  /** The tile. */
  readonly tile: Pick<DirectTile, "vectors" | "rows" | "channels">;
  /** Rows, columns and channels of a group that all tiles cover; those beyond the result are not stored. */
  readonly covered: readonly [rows: number, columns: number, channels: number];
}

/** Where a tile reads from. */
export interface TileReads {
  /** The source. */
  readonly source: SourceLoads;
  /** WGSL of the weights of a tap of the packed weights and four channels of the tile. */
  weight(tap: number, quad: number): string;
}

/** A vector of results of a tile, for each of its channels: its residues, its row, and its vector of columns. */
interface Slot {
  readonly rowResidue: number;
  readonly row: number;
  readonly columnResidue: number;
  readonly vector: number;
}

function slotsOf({ tile, y, x }: SumsTile): Slot[] {
  const slots: Slot[] = [];
  for (const rowResidue of range(y.residues)) {
    for (const row of range(tile.rows)) {
      for (const columnResidue of range(x.residues)) {
        for (const vector of range(tile.vectors)) slots.push({ rowResidue, row, columnResidue, vector });
      }
    }
  }
  return slots;
}

/** The name of the sum of a slot and a channel of the tile. */
function sumName({ rowResidue, row, columnResidue, vector }: Slot, k: number): string {
  return `sum${rowResidue}_${row}_${columnResidue}_${vector}_${k}`;
}

/** The sums, which begin with the bias. */
export function declareSums(kernel: SumsTile): string {
  const { convolution: { groups, channels, operands }, tile } = kernel, ks = range(tile.channels);
  const bias = (k: number) => `bias[min(group * ${channels}u + firstChannel + ${k}u, ${groups * channels - 1}u)]`;
  const first = (k: number) => `let first${k} = vec4<f32>(${operands.bias === undefined ? "0.0" : bias(k)});`;
  const slot = (slot: Slot) => ks.map((k) => `var ${sumName(slot, k)} = first${k};`).join(" ");
  return `${ks.map(first).join(" ")}\n  ${slotsOf(kernel).map(slot).join("\n  ")}`;
}

/** Loads the weights of a tap: those of four channels in a vector. */
function loadWeights({ tile }: SumsTile, { weight }: TileReads, tap: number): string {
  return range(tile.channels / 4).map((q) => `let w${tap}_${q} = ${weight(tap, q)};`).join(" ");
}

/** The weight of a tap and a channel of the tile, as a vector. */
function weightOf(tap: number, k: number): string {
  return `vec4<f32>(w${tap}_${k >> 2}[${k & 3}])`;
}

/** A vector of the source, with a name that is the same for the same vector. */
interface SourceVector {
  readonly name: string;
  readonly value: string;
}

/** The vector of the source that a slot meets at a tap of the packed weights, if it meets any. */
function sourceVector(
  { convolution: { direction, taps, kernelSize: [, kernelWidth] }, y, x }: SumsTile,
  loads: SourceLoads,
  slot: Slot,
  packedTap: number,
): SourceVector | undefined {
  const tap = direction === "forward" ? packedTap : taps - 1 - packedTap;
  const dy = y.offsets[slot.rowResidue].get(Math.floor(tap / kernelWidth));
  const dx = x.offsets[slot.columnResidue].get(tap % kernelWidth);
  if (dy === undefined || dx === undefined) return undefined;
  const row = slot.row * y.step + dy, column = 4 * slot.vector * x.step + dx;
  return { name: `v${row}_${column}`.replaceAll("-", "m"), value: requestVector(loads, row, column, x.step) };
}

/** Adds the products of a source tap by tap, so that few vectors and weights are held at a time. */
export function addByTap(kernel: SumsTile, reads: TileReads): string {
  const slots = slotsOf(kernel), ks = range(kernel.tile.channels);
  const addSlot = (slot: Slot, tap: number): string[] => {
    const vector = sourceVector(kernel, reads.source, slot, tap);
    if (vector === undefined) return [];
    const updates = ks.map((k) => `${sumName(slot, k)} = fma(${weightOf(tap, k)}, v, ${sumName(slot, k)});`);
    return [`{ let v = ${vector.value}; ${updates.join(" ")} }`];
  };
  const addTap = (tap: number): string => {
    const lines = slots.flatMap((slot) => addSlot(slot, tap));
    return lines.length === 0 ? "" : `{ ${loadWeights(kernel, reads, tap)}\n      ${lines.join("\n      ")}\n    }`;
  };
  return range(kernel.convolution.taps).map(addTap).join("\n    ");
}

/** Adds the products of a source sum by sum, each sum written once: for loads that cost little. */
export function addBySum(kernel: SumsTile, reads: TileReads): string {
  const slots = slotsOf(kernel), taps = range(kernel.convolution.taps);
  const vectors = new Map<string, string>(), weights = new Set<string>();
  for (const slot of slots) {
    for (const tap of taps) {
      const vector = sourceVector(kernel, reads.source, slot, tap);
      if (vector !== undefined) vectors.set(vector.name, vector.value);
    }
  }
  const addSum = (slot: Slot, k: number): string => {
    const lines: string[] = [];
    let sum = sumName(slot, k);
    for (const tap of taps) {
      const vector = sourceVector(kernel, reads.source, slot, tap), weight = `f${tap}_${k}`;
      if (vector === undefined) continue;
      // Declared once for all slots: the more expressions, the longer a text takes to compile.
      if (!weights.has(weight)) lines.push(`let ${weight} = ${weightOf(tap, k)};`);
      weights.add(weight);
      sum = `fma(${weight}, ${vector.name}, ${sum})`;
    }
    return [...lines, `${sumName(slot, k)} = ${sum};`].join(" ");
  };
  return [
    taps.map((tap) => loadWeights(kernel, reads, tap)).join(" "),
    ...[...vectors].map(([name, value]) => `let ${name} = ${value};`),
    ...slots.flatMap((slot) => range(kernel.tile.channels).map((k) => addSum(slot, k))),
  ].join("\n    ");
}

/** `store(channel, y, x, value)`: four adjacent results of the image, as far as they are inside. */
export function storeWgsl({ convolution: { groups, channels, operands }, covered, y, x }: SumsTile): string {
  const rowsFit = covered[0] === y.size, columnsFit = covered[1] === x.size;
  const store = storeOfFour({
    target: "result",
    start: "line + x",
    vector: x.size % 4 === 0,
    guard: (c) => columnsFit ? "" : `if (x${c === undefined ? "" : ` + ${c}u`} < ${x.size}u) `,
    epilogue: (value, index, size) => epilogueWgsl(operands, value, index, size),
  });
  return `fn store(channel: u32, y: u32, x: u32, value: vec4<f32>) {
  ${rowsFit ? "" : `if (y >= ${y.size}u) { return; }`}
  let line = ((image * ${groups * channels}u + channel) * ${y.size}u + y) * ${x.size}u;
  ${store}
}`;
}

/** Stores the tile. Columns of the residues alternate. */
export function storeSums({ convolution: { channels }, tile, covered, y, x }: SumsTile): string {
  const lines: string[] = [];
  const element = (rowResidue: number, row: number, k: number, column: number): string => {
    const ofResidue = Math.floor(column / x.residues);
    const slot = { rowResidue, row, columnResidue: column % x.residues, vector: ofResidue >> 2 };
    return `${sumName(slot, k)}[${ofResidue & 3}]`;
  };
  for (const k of range(tile.channels)) {
    for (const rowResidue of range(y.residues)) {
      for (const row of range(tile.rows)) {
        for (const u of range(tile.vectors * x.residues)) {
          const value = vec4(range(4, 4 * u).map((column) => element(rowResidue, row, k, column)));
          const store = `store(channel + ${k}u, y + ${row * y.residues + rowResidue}u, x + ${4 * u}u, ${value});`;
          const ragged = covered[2] !== channels;
          lines.push(ragged ? `if (firstChannel + ${k}u < ${channels}u) { ${store} }` : store);
        }
      }
    }
  }
  return lines.join("\n  ");
}
