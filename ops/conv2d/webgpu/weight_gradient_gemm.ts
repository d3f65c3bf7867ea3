/**
 * A convolution's weight gradient on WebGPU as matrix products, for adapters whose loads are slow beside arithmetic. For
 * each tap, dW [outputs, inputs] is dY [outputs, positions] by the input [positions, inputs] that the tap meets. A first pass
 * packs dY into panels, a second the input with its padding, channels last, so that a tap's row is found by its position
 * alone. The depth is split into parts; a last pass adds them in a fixed order.
 */

import {
  boundAtRun,
  elementKernel,
  f32,
  lazyVariant,
  type MarkedVariant,
  type WebGpuKernel,
  type WebGpuLimits,
} from "../../../core/mod.ts";
import { packedGemmKernel, type RegisterTile, registerTile } from "../../../kernels/mod.ts";
import type { ConvolutionProblem } from "../problem.ts";

/** The depth of a part about: what a workgroup reads of the input then stays in a cache. */
const DEPTH = 1024;
/** Threads that keep a device busy. */
const WANTED_THREADS = 256;

/** The packed input: padded lines and columns, channels filled up to whole vectors. */
interface Packed {
  readonly height: number;
  readonly width: number;
  readonly inputs: number;
}

/** The numbers of the buffers of x, dy and dw, and of the packed dy, the packed input and the sums of the parts. */
const X = 0, DY = 1, DW = 2, PACKED_DY = 3, PACKED_X = 4, PARTIAL = 5;

/** The variants; none where there are groups, or a buffer is larger than the device binds or its textures hold. */
export function weightProductVariants(g: ConvolutionProblem, limits: WebGpuLimits): MarkedVariant[] {
  if (g.groups !== 1) return [];
  const taps = g.kernelHeight * g.kernelWidth, depth = g.batch * g.outputHeight * g.outputWidth;
  const packed = packedInput(g);
  const least = Math.ceil(depth / DEPTH), product = { m: g.groupOutputs, n: packed.inputs };
  const tile = registerTile({ ...product, batch: taps * least });
  const tiles = Math.ceil(product.m / tile.rows) * Math.ceil(product.n / (4 * tile.vectors)) * taps;
  // An even depth has the product take two rows at a time.
  const share = 2 * Math.ceil(depth / Math.max(least, Math.ceil(WANTED_THREADS / tiles)) / 2);
  const parts = Math.ceil(depth / share);
  const panels = Math.ceil(g.groupOutputs / tile.rows);
  const shapes = [
    [parts, panels, share, tile.rows],
    [g.batch, packed.height, packed.width, packed.inputs],
    [parts, taps, g.groupOutputs, packed.inputs],
  ];
  const largest = 4 * Math.max(...shapes.map((shape) => shape.reduce((a, b) => a * b)));
  if (largest > limits.maxStorageBufferBindingSize) return [];
  const workspace = shapes.map((shape) => f32(shape)), transient = [0, 1, 2];
  return [true, false].filter((texels) => !texels || largest <= 16 * limits.maxTexels).map((texels) =>
    lazyVariant({ name: `product for each tap${texels ? ", texels" : ""}`, workspace, transient }, () => [
      packDyPass(g, limits, tile, parts, share),
      packInputPass(g, limits, packed),
      packedGemmKernel(
        {
          ...product,
          k: share,
          batch: parts * taps,
          sharing: taps,
          rowOfB: rowOfB(g, packed, share),
          buffers: { a: PACKED_DY, b: PACKED_X, c: PARTIAL },
        },
        limits,
        tile,
        texels,
      ),
      joinPass(g, limits, packed, parts),
    ])
  );
}

/** As much of the padded input as the taps meet. */
function packedInput(g: ConvolutionProblem): Packed {
  return {
    height: (g.outputHeight - 1) * g.stride[0] + (g.kernelHeight - 1) * g.dilation[0] + 1,
    width: (g.outputWidth - 1) * g.stride[1] + (g.kernelWidth - 1) * g.dilation[1] + 1,
    inputs: 4 * Math.ceil(g.groupInputs / 4),
  };
}

function packDyPass(
  g: ConvolutionProblem,
  limits: WebGpuLimits,
  { rows }: RegisterTile,
  parts: number,
  share: number,
): WebGpuKernel {
  const plane = g.outputHeight * g.outputWidth, depth = g.batch * plane, panels = Math.ceil(g.groupOutputs / rows);
  const inside = [
    ...(g.groupOutputs % rows === 0 ? [] : [`output < ${g.groupOutputs}u`]),
    ...(parts * share === depth ? [] : [`position < ${depth}u`]),
  ].join(" && ");
  const value = `dy[(at / ${plane}u * ${g.groupOutputs}u + min(output, ${
    g.groupOutputs - 1
  }u)) * ${plane}u + at % ${plane}u]`;
  return elementKernel(
    {
      count: parts * panels * share * rows,
      body: `let line = i / ${rows}u;
  let output = line / ${share}u % ${panels}u * ${rows}u + i % ${rows}u;
  let position = line / ${panels * share}u * ${share}u + line % ${share}u;
  let at = min(position, ${depth - 1}u);
  packed[i] = ${inside === "" ? value : `select(0.0, ${value}, ${inside})`};`,
    },
    [{ name: "dy", index: DY }, { name: "packed", index: PACKED_DY, write: true }],
    limits,
  );
}

function packInputPass(g: ConvolutionProblem, limits: WebGpuLimits, { height, width, inputs }: Packed): WebGpuKernel {
  const vectors = inputs / 4, plane = g.height * g.width;
  const elements = [0, 1, 2, 3].map((c) =>
    `x[(image + min(channel + ${c}u, ${g.groupInputs - 1}u)) * ${plane}u + place]`
  );
  return elementKernel(
    {
      count: g.batch * height * width * vectors,
      body: `let column = i / ${vectors}u;
  let line = column / ${width}u;
  let x0 = i32(column % ${width}u) - ${g.padding[1]};
  let y0 = i32(line % ${height}u) - ${g.padding[0]};
  let inside = x0 >= 0 && x0 < ${g.width} && y0 >= 0 && y0 < ${g.height};
  let place = u32(clamp(y0, 0, ${g.height - 1})) * ${g.width}u + u32(clamp(x0, 0, ${g.width - 1}));
  let image = line / ${height}u * ${g.groupInputs}u;
  let channel = i % ${vectors}u * 4u;
  packed[i] = select(vec4<f32>(), vec4<f32>(${elements.join(", ")}), inside);`,
    },
    [{ name: "x", index: X }, { name: "packed", index: PACKED_X, write: true, vector: true }],
    limits,
  );
}

function rowOfB(g: ConvolutionProblem, { height, width, inputs }: Packed, share: number): string {
  const taps = g.kernelHeight * g.kernelWidth, plane = g.outputHeight * g.outputWidth;
  return `let tap = matrix % ${taps}u;
  let position = min(matrix / ${taps}u * ${share}u + depth, ${g.batch * plane - 1}u);
  let place = position % ${plane}u;
  let y = place / ${g.outputWidth}u * ${g.stride[0]}u + tap / ${g.kernelWidth}u * ${g.dilation[0]}u;
  let x = place % ${g.outputWidth}u * ${g.stride[1]}u + tap % ${g.kernelWidth}u * ${g.dilation[1]}u;
  return ((position / ${plane}u * ${height}u + y) * ${width}u + x) * ${inputs}u;`;
}

function joinPass(g: ConvolutionProblem, limits: WebGpuLimits, { inputs }: Packed, parts: number): WebGpuKernel {
  const taps = g.kernelHeight * g.kernelWidth, part = taps * g.groupOutputs * inputs;
  return elementKernel(
    {
      count: g.groupOutputs * g.groupInputs * taps,
      iterations: parts,
      body: `let line = i / ${taps}u;
  let place = (i % ${taps}u * ${g.groupOutputs}u + line / ${g.groupInputs}u) * ${inputs}u + line % ${g.groupInputs}u;
  var sum = partial[place];
  for (var p = 1u; p < ${boundAtRun(parts, "partial")}; p++) { sum += partial[p * ${part}u + place]; }
  dw[i] = sum;`,
    },
    [{ name: "partial", index: PARTIAL }, { name: "dw", index: DW, write: true }],
    limits,
  );
}
