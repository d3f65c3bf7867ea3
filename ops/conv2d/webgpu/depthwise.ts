/**
 * The WebGPU kernel of a depthwise convolution, one kernel a channel, and of its input gradient: a thread computes a tile of
 * rows of four adjacent columns of a residue (`strided_axis.ts`), from source elements that it loads once.
 */

import { elementwise, type KernelFamily, linearWorkgroups } from "../../../core/mod.ts";
import { evenTile } from "../../../kernels/mod.ts";
import type { DirectedConvolution } from "../directed.ts";
import { operandBindings } from "../epilogue.ts";
import { declareSums, type DepthwiseSums, loadWeights, productsOf, storeSums, storeWgsl } from "./depthwise_sums.ts";
import { sourceLoads } from "./source_loads.ts";
import { stridedAxes } from "./strided_axis.ts";

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
interface DepthwiseKernel extends DepthwiseSums {
  readonly viaTexture: boolean;
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
  return { convolution, y, x, ...tile, rowTiles, columnTiles, threads };
}

function depthwiseWgsl(kernel: DepthwiseKernel): string {
  const { convolution: { groups }, y, x, rows, viaTexture, rowTiles, columnTiles, threads } = kernel;
  const loads = sourceLoads(
    { size: y.sourceSize, last: (rowTiles - 1) * rows * y.step },
    { size: x.sourceSize, last: (columnTiles - 1) * 4 * x.step },
    viaTexture,
  );
  // Written before the loads, which are what they request.
  const products = productsOf(kernel, loads).map(({ statement }) => statement).join("\n  ");
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
  ${loadWeights(kernel)}
  ${declareSums(kernel)}
  let plane = channelPlane * ${y.sourceSize * x.sourceSize}u;
  ${loads.statements().join("\n  ")}
  ${products}
  ${storeSums(kernel)}
}`,
  );
}
