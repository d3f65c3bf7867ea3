/**
 * The WebGPU kernel of a depthwise convolution, one kernel a channel, and of its input gradient: a thread computes a tile of
 * rows of four adjacent columns of a residue (`strided_axis.ts`), from source elements that it loads once.
 */

import { elementwise, type KernelFamily, linearWorkgroups } from "../../../core/mod.ts";
import { evenTile, range, storeOfFour, vec4 } from "../../../kernels/mod.ts";
import type { DirectedConvolution } from "../directed.ts";
import { epilogueWgsl, operandBindings } from "../epilogue.ts";
import { requestVector, type SourceLoads, sourceLoads } from "./source_loads.ts";
import { stridedAxes, type StridedAxis } from "./strided_axis.ts";

/** Taps of the largest kernel that is unrolled. */
const MAX_TAPS = 25;
/** Rows of a thread, of all residues together: few, and as many as pay where a load costs as much as tens of multiplications. */
export const FEW_ROWS = 2, MANY_ROWS = 8;

/** How the family is set. */
export type DepthwiseTile = {
  /** Rows of a residue that a thread computes. */
  readonly rows: number;
  /** Whether the source is read through a texture. */
  readonly viaTexture: boolean;
};

/** All that the text depends on. */
interface DepthwiseKernel {
  readonly convolution: DirectedConvolution;
  /** The rows. */
  readonly y: StridedAxis;
  /** The columns. */
  readonly x: StridedAxis;
  readonly tile: DepthwiseTile;
  /** Tiles along rows. */
  readonly rowTiles: number;
  /** Tiles along columns. */
  readonly columnTiles: number;
  /** Threads in all. */
  readonly threads: number;
}

/** Whether each channel of input and output has one kernel, not too large to be unrolled. */
export function isDepthwise({ groups, channels, sources, taps }: DirectedConvolution): boolean {
  return groups > 1 && sources === 1 && channels === 1 && taps <= MAX_TAPS;
}

/**
 * Rows of a residue that a thread computes.
 *
 * @param most The most rows of all residues together.
 */
export function fitRows(convolution: DirectedConvolution, most: number): number {
  const [y] = stridedAxes(convolution);
  return evenTile(Math.ceil(y.size / y.residues), Math.max(1, most / y.residues));
}

/** The family. */
export const DEPTHWISE: KernelFamily<DirectedConvolution, DepthwiseTile> = {
  name: "depthwise",
  version: 1,
  supports: isDepthwise,
  configurations(convolution, { limits }) {
    const { batch, groups, sourceSize: [height, width] } = convolution;
    const viaTexture = width % 4 === 0 && batch * groups * height * width / 4 <= limits.maxTexels;
    const rows = [...new Set([FEW_ROWS, MANY_ROWS].map((most) => fitRows(convolution, most)))];
    return (viaTexture ? [false, true] : [false]).flatMap((viaTexture) => rows.map((rows) => ({ rows, viaTexture })));
  },
  nameOf: ({ rows, viaTexture }) => `depthwise 4x${rows}${viaTexture ? ", via texture" : ""}`,
  emit(convolution, tile, { limits }) {
    const kernel = kernelOf(convolution, tile), { operands } = convolution, { x, threads } = kernel;
    const vector = x.size % 4 === 0;
    return {
      kernels: [{
        wgsl: depthwiseWgsl(kernel),
        bindings: [
          { name: "source", index: 0, vector: x.sourceSize % 4 === 0, texels: tile.viaTexture },
          { name: "weight", index: 1 },
          ...operandBindings(operands, vector),
          { name: "result", index: operands.output, write: true, vector },
        ],
        workgroups: linearWorkgroups(threads, limits),
      }],
    };
  },
};

function kernelOf(convolution: DirectedConvolution, tile: DepthwiseTile): DepthwiseKernel {
  const [y, x] = stridedAxes(convolution), rowTiles = Math.ceil(Math.ceil(y.size / y.residues) / tile.rows);
  const columnTiles = Math.ceil(x.size / (4 * x.residues));
  const threads = columnTiles * rowTiles * convolution.groups * convolution.batch;
  return { convolution, y, x, tile, rowTiles, columnTiles, threads };
}

function depthwiseWgsl(kernel: DepthwiseKernel): string {
  const { convolution: { groups, taps }, y, x, tile: { rows, viaTexture }, rowTiles, columnTiles, threads } = kernel;
  const loads = sourceLoads(
    { size: y.sourceSize, last: (rowTiles - 1) * rows * y.step },
    { size: x.sourceSize, last: (columnTiles - 1) * 4 * x.step },
    viaTexture,
  );
  // Written before the loads, which are what they request.
  const products = addProducts(kernel, loads);
  const main = `let columnTile = i % ${columnTiles}u;
  let rowTile = i / ${columnTiles}u % ${rowTiles}u;
  runTile(columnTile, rowTile, i / ${columnTiles * rowTiles}u);`;
  return elementwise(
    threads,
    main,
    `${loads.functions}
${storeWgsl(kernel)}
fn runTile(columnTile: u32, rowTile: u32, channelPlane: u32) {
  let channel = channelPlane % ${groups}u;
  let x = columnTile * ${4 * x.residues}u;
  let y = rowTile * ${rows * y.residues}u;
  let firstColumn = i32(columnTile * ${4 * x.step}u);
  let firstRow = i32(rowTile * ${rows * y.step}u);
  ${range(taps).map((tap) => `let w${tap} = weight[channel * ${taps}u + ${tap}u];`).join(" ")}
  ${declareSums(kernel)}
  let plane = channelPlane * ${y.sourceSize * x.sourceSize}u;
  ${loads.statements().join("\n  ")}
  ${products}
  ${storeSums(kernel)}
}`,
  );
}

/** A vector of results of a tile: its residues and its row. */
interface Slot {
  readonly rowResidue: number;
  readonly row: number;
  readonly columnResidue: number;
}

function slotsOf({ y, x, tile: { rows } }: DepthwiseKernel): Slot[] {
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

/** The sums, which begin with the bias. */
function declareSums(kernel: DepthwiseKernel): string {
  const start = kernel.convolution.operands.bias === undefined ? "0.0" : `bias[channel]`;
  return slotsOf(kernel).map((slot) => `var ${sumName(slot)} = vec4<f32>(${start});`).join(" ");
}

/** Adds the products tap by tap. */
function addProducts(kernel: DepthwiseKernel, loads: SourceLoads): string {
  const { convolution: { kernelSize: [height, width] }, y, x } = kernel, lines: string[] = [];
  for (const i of range(height)) {
    for (const j of range(width)) {
      for (const slot of slotsOf(kernel)) {
        const dy = y.offsets[slot.rowResidue].get(i), dx = x.offsets[slot.columnResidue].get(j);
        if (dy === undefined || dx === undefined) continue;
        const vector = requestVector(loads, slot.row * y.step + dy, dx, x.step);
        lines.push(`${sumName(slot)} = fma(vec4<f32>(w${i * width + j}), ${vector}, ${sumName(slot)});`);
      }
    }
  }
  return lines.join("\n  ");
}

/** `store(channelPlane, y, x, value)`: four adjacent results of a plane, as far as they are inside. */
function storeWgsl({ convolution: { operands }, y, x }: DepthwiseKernel): string {
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
function storeSums({ y, x, tile: { rows } }: DepthwiseKernel): string {
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
