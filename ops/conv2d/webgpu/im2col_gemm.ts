/**
 * A convolution or its input gradient on WebGPU as matrix products of weights and unfolded images (im2col), for software
 * adapters, where a load costs as much as tens of multiplications: results [channels, positions of all images] are weights
 * [channels, taps and sources] by what these meet. An input gradient of stride t is t·t such products, one for each pair of
 * residues (`strided_axis.ts`). A last kernel scatters the results and applies the epilogue. Groups are not supported.
 */

import {
  type DeviceLimits,
  elementKernel,
  f32,
  type KernelFamily,
  MAX_ITERATIONS,
  type WebGpuKernel,
} from "../../../core/mod.ts";
import { packedGemmKernel, range, type RegisterTile, registerTile, vec4 } from "../../../kernels/mod.ts";
import type { DirectedConvolution } from "../directed.ts";
import { epilogueWgsl, operandBindings } from "../epilogue.ts";
import { isPointwise } from "./pointwise_gemm.ts";
import { stridedAxes, type StridedAxis } from "./strided_axis.ts";
import { weightRow } from "./weight_row.ts";

/** Bytes of a buffer of the workspace, above which it is not worth its memory. */
const MOST_BYTES = 48 * 2 ** 20;
/** Pairs of residues whose products the last kernel can read beside its other buffers. */
const MOST_PRODUCTS = 4;

/** The taps of a residue along an axis: those of the kernel and their offsets in the source, at equal distances. */
interface Taps {
  readonly count: number;
  readonly first: { readonly tap: number; readonly offset: number };
  readonly step: { readonly tap: number; readonly offset: number };
}

/** The product of a pair of residues. */
interface ResidueProduct {
  /** Taps along rows. */
  readonly y: Taps;
  /** Taps along columns. */
  readonly x: Taps;
  /** Rows of an image's results. */
  readonly rows: number;
  /** Columns of an image's results. */
  readonly columns: number;
  /** The depth of the product: taps and sources. */
  readonly depth: number;
  /** Results of all images, filled up to whole vectors. */
  readonly width: number;
  readonly tile: RegisterTile;
  /** The indices of the buffers. */
  readonly buffers: { readonly weights: number; readonly unfolded: number; readonly products: number };
}

/** All that the texts depend on. */
interface Im2colKernel {
  readonly convolution: DirectedConvolution;
  /** The rows. */
  readonly yAxis: StridedAxis;
  /** The columns. */
  readonly xAxis: StridedAxis;
  /** The products by residues of rows and columns; none where no tap meets the source. */
  readonly products: readonly (ResidueProduct | undefined)[];
}

/** The family. A pointwise convolution is a product as it is (`pointwise_gemm.ts`). */
export const IM2COL_GEMM: KernelFamily<DirectedConvolution, { readonly viaTexture: boolean }> = {
  name: "im2col GEMM",
  version: 1,
  supports(convolution, { limits }) {
    if (convolution.groups !== 1 || isPointwise(convolution)) return false;
    const kernel = kernelOf(convolution), products = productsOf(kernel);
    const bound = products.length + operandBindings(convolution.operands).length + 1;
    return products.length > 0 && kernel.products.length <= MOST_PRODUCTS &&
      products.every(({ depth }) => depth <= MAX_ITERATIONS) &&
      bound <= limits.maxStorageBuffersPerShaderStage &&
      largestBuffer(kernel) <= Math.min(MOST_BYTES, limits.maxStorageBufferBindingSize);
  },
  configurations(convolution, { limits }) {
    const viaTexture = largestBuffer(kernelOf(convolution)) <= 16 * limits.maxTexels;
    return viaTexture ? [{ viaTexture: false }, { viaTexture }] : [{ viaTexture }];
  },
  nameOf: ({ viaTexture }) => `im2col GEMM${viaTexture ? ", via texture" : ""}`,
  emit(convolution, { viaTexture }, { limits }) {
    const kernel = kernelOf(convolution), products = productsOf(kernel);
    return {
      workspace: products.flatMap((product) => workspaceShapes(convolution, product).map((shape) => f32(shape))),
      // Packed weights may be kept.
      transient: products.flatMap((_, index) => [3 * index + 1, 3 * index + 2]),
      kernels: [
        ...products.map((product) => packKernel(kernel, product, limits)),
        ...products.flatMap((product) => [
          unfoldKernel(kernel, product, limits),
          gemmKernel(kernel, product, viaTexture, limits),
        ]),
        scatterKernel(kernel, limits),
      ],
    };
  },
};

/** The products of the residues that meet the source. */
function productsOf({ products }: Im2colKernel): ResidueProduct[] {
  return products.filter((product) => product !== undefined);
}

/** Bytes of the largest buffer of the workspace. */
function largestBuffer(kernel: Im2colKernel): number {
  const shapes = productsOf(kernel).flatMap((product) => workspaceShapes(kernel.convolution, product));
  return 4 * Math.max(...shapes.map((shape) => shape.reduce((a, b) => a * b)));
}

/** Packed weights, unfolded sources, products. */
function workspaceShapes({ channels }: DirectedConvolution, { depth, width, tile }: ResidueProduct): number[][] {
  return [[Math.ceil(channels / tile.rows), depth, tile.rows], [depth, width], [channels, width]];
}

function kernelOf(convolution: DirectedConvolution): Im2colKernel {
  const [yAxis, xAxis] = stridedAxes(convolution), { batch, channels, sources, operands } = convolution;
  const products: (ResidueProduct | undefined)[] = [];
  let workspace = operands.output + 1;
  for (const rowResidue of range(yAxis.residues)) {
    for (const columnResidue of range(xAxis.residues)) {
      const rowTaps = yAxis.offsets[rowResidue], columnTaps = xAxis.offsets[columnResidue];
      const rows = Math.ceil((yAxis.size - rowResidue) / yAxis.residues);
      const columns = Math.ceil((xAxis.size - columnResidue) / xAxis.residues);
      if (Math.min(rowTaps.size, columnTaps.size, rows, columns) <= 0) {
        products.push(undefined);
        continue;
      }
      const width = 4 * Math.ceil(batch * rows * columns / 4);
      products.push({
        y: tapsOf(rowTaps),
        x: tapsOf(columnTaps),
        rows,
        columns,
        depth: rowTaps.size * columnTaps.size * sources,
        width,
        tile: registerTile({ m: channels, n: width }),
        buffers: { weights: workspace, unfolded: workspace + 1, products: workspace + 2 },
      });
      workspace += 3;
    }
  }
  return { convolution, yAxis, xAxis, products };
}

/** The taps of a residue, which are at equal distances. */
function tapsOf(offsets: ReadonlyMap<number, number>): Taps {
  const [[tap, offset], next = [tap, offset]] = [...offsets].slice(0, 2);
  return { count: offsets.size, first: { tap, offset }, step: { tap: next[0] - tap, offset: next[1] - offset } };
}

/** Packs the weights of the residues' taps into panels of the tile's rows; channels beyond the last are zeros. */
function packKernel(
  { convolution }: Im2colKernel,
  { y, x, depth, tile, buffers }: ResidueProduct,
  limits: DeviceLimits,
): WebGpuKernel {
  const { sources, channels, kernelSize } = convolution, panels = Math.ceil(channels / tile.rows);
  const row = weightRow(convolution, "k", "s");
  return elementKernel(
    {
      count: panels * depth * tile.rows,
      body: `let line = i / ${tile.rows}u;
  let s = line % ${sources}u;
  let tap = line / ${sources}u % ${y.count * x.count}u;
  let channel = line / ${depth}u * ${tile.rows}u + i % ${tile.rows}u;
  let k = min(channel, ${channels - 1}u);
  let y = ${y.first.tap}u + tap / ${x.count}u * ${y.step.tap}u;
  let x = ${x.first.tap}u + tap % ${x.count}u * ${x.step.tap}u;
  let value = weight[((${row}) * ${kernelSize[0]}u + y) * ${kernelSize[1]}u + x];
  packed[i] = select(0.0, value, channel < ${channels}u);`,
    },
    [{ name: "weight", index: 1 }, { name: "packed", index: buffers.weights, write: true }],
    limits,
  );
}

/** Unfolds the images: what each tap of each source meets at every position. */
function unfoldKernel(
  { convolution: { batch, sources, sourceSize: [height, width] }, yAxis, xAxis }: Im2colKernel,
  product: ResidueProduct,
  limits: DeviceLimits,
): WebGpuKernel {
  const { rows, columns, y, x, buffers } = product, plane = rows * columns;
  const element = (c: number) => `loadSource(row, first + ${c}u)`;
  return elementKernel(
    {
      count: product.depth * product.width / 4,
      declarations: `fn loadSource(row: u32, wanted: u32) -> f32 {
  let tap = row / ${sources}u;
  let index = min(wanted, ${batch * plane - 1}u);
  let position = index % ${plane}u;
  let y = i32(position / ${columns}u * ${yAxis.step}u) + i32(tap / ${x.count}u) * ${y.step.offset} + ${y.first.offset};
  let x = i32(position % ${columns}u * ${xAxis.step}u) + i32(tap % ${x.count}u) * ${x.step.offset} + ${x.first.offset};
  let inside = (y >= 0) & (y < ${height}) & (x >= 0) & (x < ${width});
  let line = (index / ${plane}u * ${sources}u + row % ${sources}u) * ${height}u + u32(clamp(y, 0, ${height - 1}));
  return select(0.0, source[line * ${width}u + u32(clamp(x, 0, ${width - 1}))], inside);
}`,
      body: `let row = i / ${product.width / 4}u;
  let first = i % ${product.width / 4}u * 4u;
  unfolded[i] = ${vec4(range(4).map(element))};`,
    },
    [{ name: "source", index: 0 }, { name: "unfolded", index: buffers.unfolded, write: true, vector: true }],
    limits,
  );
}

function gemmKernel(
  { convolution: { channels } }: Im2colKernel,
  { depth, width, tile, buffers }: ResidueProduct,
  viaTexture: boolean,
  limits: DeviceLimits,
): WebGpuKernel {
  const problem = { m: channels, n: width, k: depth, batch: 1 };
  const gemmBuffers = { a: buffers.weights, b: buffers.unfolded, c: buffers.products };
  return packedGemmKernel({ ...problem, buffers: gemmBuffers }, tile, viaTexture, limits);
}

/** Puts the products where they belong in the result, and applies the epilogue. */
function scatterKernel({ convolution, yAxis, xAxis, products }: Im2colKernel, limits: DeviceLimits): WebGpuKernel {
  const { batch, channels, resultSize: [height, width], operands } = convolution;
  const values: string[] = [], bindings: WebGpuKernel["bindings"][number][] = [];
  products.forEach((product, index) => {
    if (product === undefined) return;
    const rowResidue = Math.floor(index / xAxis.residues), columnResidue = index % xAxis.residues;
    bindings.push({ name: `products${index}`, index: product.buffers.products });
    values.push(`if (y % ${yAxis.residues}u == ${rowResidue}u && x % ${xAxis.residues}u == ${columnResidue}u) {
    let position = (image * ${product.rows}u + y / ${yAxis.residues}u) * ${product.columns}u + x / ${xAxis.residues}u;
    value = products${index}[channel * ${product.width}u + position];
  }`);
  });
  return elementKernel(
    {
      count: batch * channels * height * width,
      body: `let x = i % ${width}u;
  let line = i / ${width}u;
  let y = line % ${height}u;
  let channel = line / ${height}u % ${channels}u;
  let image = line / ${height * channels}u;
  var value = 0.0;
  ${values.join("\n  ")}
  ${operands.bias === undefined ? "" : "value += bias[channel];"}
  result[i] = ${epilogueWgsl(operands, "value", "i")};`,
    },
    [...bindings, ...operandBindings(operands), { name: "result", index: operands.output, write: true }],
    limits,
  );
}
