/**
 * The text of a thread's tile in the depthwise kernels: the sums of some rows of four adjacent columns of a residue
 * (`strided_axis.ts`), a vector each, with the taps of one channel in registers. Where the source comes from is the kernel's
 * to say.
 */

import { range, storeOfFour, vec4 } from "../../../kernels/mod.ts";
import type { DirectedConvolution } from "../directed.ts";
import { epilogueWgsl } from "../epilogue.ts";
import { requestVector, type SourceLoads } from "./source_loads.ts";
import type { StridedAxis } from "./strided_axis.ts";

/** The sums of a thread. */
export interface DepthwiseSums {
  /** The convolution. */
  readonly convolution: DirectedConvolution;
  /** The rows. */
  readonly y: StridedAxis;
  /** The columns. */
  readonly x: StridedAxis;
  /** Rows of a residue that a thread computes. */
  readonly rows: number;
}

/** A vector of results of a tile: its residues and its row. */
interface Slot {
  readonly rowResidue: number;
  readonly row: number;
  readonly columnResidue: number;
}

function slotsOf({ y, x, rows }: DepthwiseSums): Slot[] {
  const slots: Slot[] = [];
  for (const rowResidue of range(y.residues)) {
    for (const row of range(rows)) {
      for (const columnResidue of range(x.residues)) slots.push({ rowResidue, row, columnResidue });
    }
  }
  return slots;
}

function sumName({ rowResidue, row, columnResidue }: Slot): string {
  return `sum${rowResidue}_${row}_${columnResidue}`;
}

/** Loads the taps of `channel`. */
export function loadWeights({ convolution: { taps } }: DepthwiseSums): string {
  return range(taps).map((tap) => `let w${tap} = weight[channel * ${taps}u + ${tap}u];`).join(" ");
}

/** The sums, which begin with the bias of `channel`. */
export function declareSums(sums: DepthwiseSums): string {
  const start = sums.convolution.operands.bias === undefined ? "0.0" : `bias[channel]`;
  return slotsOf(sums).map((slot) => `var ${sumName(slot)} = vec4<f32>(${start});`).join(" ");
}

/** What a sum is increased by. */
export interface Product {
  /** The row of the source, from `firstRow`. */
  readonly row: number;
  /** The statement. */
  readonly statement: string;
}

/** The products, tap by tap. */
export function productsOf(sums: DepthwiseSums, loads: Pick<SourceLoads, "request">): Product[] {
  const { convolution: { kernelSize: [height, width] }, y, x } = sums, products: Product[] = [];
  for (const i of range(height)) {
    for (const j of range(width)) {
      for (const slot of slotsOf(sums)) {
        const dy = y.offsets[slot.rowResidue].get(i), dx = x.offsets[slot.columnResidue].get(j);
        if (dy === undefined || dx === undefined) continue;
        const row = slot.row * y.step + dy, vector = requestVector(loads, row, dx, x.step), sum = sumName(slot);
        products.push({ row, statement: `${sum} = fma(vec4<f32>(w${i * width + j}), ${vector}, ${sum});` });
      }
    }
  }
  return products;
}

/** `store(channelPlane, y, x, value)`: four adjacent results of a plane, as far as they are inside. */
export function storeWgsl({ convolution: { operands }, y, x }: DepthwiseSums): string {
  const vector = x.size % 4 === 0;
  const store = storeOfFour({
    target: "result",
    start: "line + x",
    vector,
    guard: vector ? undefined : (c) => `if (x + ${c}u < ${x.size}u) `,
    epilogue: (value, index, size) => epilogueWgsl(operands, value, index, size),
  });
  return `fn store(channelPlane: u32, y: u32, x: u32, value: vec4<f32>) {
  if (y >= ${y.size}u || x >= ${x.size}u) { return; }
  let line = (channelPlane * ${y.size}u + y) * ${x.size}u;
  ${store}
}`;
}

/** Stores the tile. Columns of the residues alternate. */
export function storeSums({ y, x, rows }: DepthwiseSums): string {
  const lines: string[] = [];
  for (const rowResidue of range(y.residues)) {
    for (const row of range(rows)) {
      const element = (column: number) =>
        `${sumName({ rowResidue, row, columnResidue: column % x.residues })}[${Math.floor(column / x.residues)}]`;
      for (const u of range(x.residues)) {
        const value = vec4(range(4, 4 * u).map(element));
        lines.push(`store(channelPlane, y + ${row * y.residues + rowResidue}u, x + ${4 * u}u, ${value});`);
      }
    }
  }
  return lines.join("\n  ");
}
