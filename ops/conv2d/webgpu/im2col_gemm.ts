/**
 * Convolution and its input gradient on WebGPU as matrix products of weights and unfolded images, for adapters whose loads
 * are slow beside arithmetic and whose direct kernels do not suit an image: results [channels, positions of all images] are
 * weights [channels, taps and sources] by what these meet. An input gradient of stride t is t·t such products, one for each
 * phase of its results (`direct_wgsl.ts`). A last pass puts the results in their places and applies what follows.
 */

import {
  elementKernel,
  f32,
  lazyVariant,
  type MarkedVariant,
  MAX_ITERATIONS,
  type WebGpuKernel,
  type WebGpuLimits,
} from "../../../core/mod.ts";
import { packedGemmKernel, type RegisterTile, registerTile } from "../../../kernels/mod.ts";
import { axisOf } from "./direct_source.ts";
import type { Direction } from "./direct.ts";
import { epilogueWgsl, type ForwardOperands, operandBindings } from "./epilogue.ts";
import type { ConvolutionProblem } from "../problem.ts";

/** Bytes of a buffer of the workspace, above which it is not worth its memory. */
const MOST_BYTES = 48 * 2 ** 20;
/** Phases whose products the last pass can read beside its other buffers. */
const MOST_PHASES = 4;

/** Taps of a phase along an axis: places in the kernel and offsets in the source, of the first and from each to the next. */
interface Taps {
  readonly count: number;
  readonly first: { readonly tap: number; readonly offset: number };
  readonly step: { readonly tap: number; readonly offset: number };
}

/** What is computed by a product. */
interface Phase {
  readonly y: Taps;
  readonly x: Taps;
  /** Results of an image: rows and columns. */
  readonly rows: number;
  readonly columns: number;
  /** The depth of the product: taps and sources. */
  readonly depth: number;
  /** Results of all images, filled up to whole vectors. */
  readonly width: number;
  readonly tile: RegisterTile;
  /** The numbers of the buffers of packed weights, unfolded sources and products. */
  readonly buffers: { readonly weights: number; readonly unfolded: number; readonly products: number };
}

/** All that the text of the passes depends on. */
interface Kernel {
  readonly forward: boolean;
  readonly batch: number;
  readonly sources: number;
  readonly channels: number;
  /** Rows and columns of a source and of a result, and of the kernel. */
  readonly sourceSize: readonly [number, number];
  readonly resultSize: readonly [number, number];
  readonly kernelSize: readonly [number, number];
  /** Rows and columns from a result to the next of its phase, and between what these meet. */
  readonly apart: readonly [number, number];
  readonly step: readonly [number, number];
  /** The phases by row and column; none where no tap meets the source. */
  readonly phases: readonly (Phase | undefined)[];
}

/** The variant; none where there are groups, or sums, memory or buffers are more than it takes. */
export function unfoldedVariants(
  g: ConvolutionProblem,
  limits: WebGpuLimits,
  direction: Direction,
  operands: ForwardOperands,
): MarkedVariant[] {
  if (g.groups !== 1) return [];
  const kernel = kernelOf(g, direction, operands), phases = kernel.phases.filter((phase) => phase !== undefined);
  if (phases.length === 0 || kernel.phases.length > MOST_PHASES) return [];
  if (phases.some(({ depth }) => depth > MAX_ITERATIONS)) return [];
  const shapes = phases.flatMap(({ depth, width, tile }) => [
    [Math.ceil(kernel.channels / tile.rows), depth, tile.rows],
    [depth, width],
    [kernel.channels, width],
  ]);
  const largest = 4 * Math.max(...shapes.map((shape) => shape.reduce((a, b) => a * b)));
  if (largest > Math.min(MOST_BYTES, limits.maxStorageBufferBindingSize)) return [];
  const bound = phases.length + operandBindings(operands).length + 1;
  if (bound > limits.maxStorageBuffersPerShaderStage) return [];
  const texels = largest <= 16 * limits.maxTexels;
  const workspace = shapes.map((shape) => f32(shape));
  const transient = phases.flatMap((_, index) => [3 * index + 1, 3 * index + 2]);
  return [lazyVariant({ name: `unfolded product${texels ? ", texels" : ""}`, workspace, transient }, () => [
    ...phases.map((phase) => packPass(kernel, phase, limits)),
    ...phases.flatMap((phase) => [unfoldPass(kernel, phase, limits), productPass(kernel, phase, limits, texels)]),
    placePass(kernel, operands, limits),
  ])];
}

function kernelOf(g: ConvolutionProblem, direction: Direction, { output }: ForwardOperands): Kernel {
  const forward = direction === "forward", y = axisOf(g, forward, 0), x = axisOf(g, forward, 1);
  const [sources, channels] = forward ? [g.groupInputs, g.groupOutputs] : [g.groupOutputs, g.groupInputs];
  let next = output + 1;
  const phases = y.offsets.flatMap((rowTaps, a) =>
    x.offsets.map((columnTaps, b): Phase | undefined => {
      const rows = Math.ceil((y.size - a) / y.phases), columns = Math.ceil((x.size - b) / x.phases);
      if (Math.min(rowTaps.size, columnTaps.size, rows, columns) <= 0) return undefined;
      const width = 4 * Math.ceil(g.batch * rows * columns / 4), workspace = next;
      next += 3;
      return {
        y: tapsOf(rowTaps),
        x: tapsOf(columnTaps),
        rows,
        columns,
        depth: rowTaps.size * columnTaps.size * sources,
        width,
        tile: registerTile({ m: channels, n: width }),
        buffers: { weights: workspace, unfolded: workspace + 1, products: workspace + 2 },
      };
    })
  );
  return {
    forward,
    batch: g.batch,
    sources,
    channels,
    sourceSize: [y.sourceSize, x.sourceSize],
    resultSize: [y.size, x.size],
    kernelSize: [g.kernelHeight, g.kernelWidth],
    apart: [y.phases, x.phases],
    step: [y.step, x.step],
    phases,
  };
}

/** Taps and their offsets, which are at equal distances. */
function tapsOf(offsets: ReadonlyMap<number, number>): Taps {
  const [[tap, offset], next = [tap, offset]] = [...offsets].slice(0, 2);
  return { count: offsets.size, first: { tap, offset }, step: { tap: next[0] - tap, offset: next[1] - offset } };
}

function packPass(kernel: Kernel, { y, x, depth, tile, buffers }: Phase, limits: WebGpuLimits): WebGpuKernel {
  const { forward, sources, channels, kernelSize } = kernel, panels = Math.ceil(channels / tile.rows);
  const row = forward ? `k * ${sources}u + s` : `s * ${channels}u + k`;
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

function unfoldPass(kernel: Kernel, phase: Phase, limits: WebGpuLimits): WebGpuKernel {
  const { batch, sources, sourceSize: [height, width], step } = kernel, { rows, columns, y, x, buffers } = phase;
  const plane = rows * columns;
  return elementKernel(
    {
      count: phase.depth * phase.width / 4,
      declarations: `fn met(row: u32, wanted: u32) -> f32 {
  let tap = row / ${sources}u;
  let position = min(wanted, ${batch * plane - 1}u);
  let place = position % ${plane}u;
  let y = i32(place / ${columns}u * ${step[0]}u) + i32(tap / ${x.count}u) * ${y.step.offset} + ${y.first.offset};
  let x = i32(place % ${columns}u * ${step[1]}u) + i32(tap % ${x.count}u) * ${x.step.offset} + ${x.first.offset};
  let inside = y >= 0 && y < ${height} && x >= 0 && x < ${width};
  let line = (position / ${plane}u * ${sources}u + row % ${sources}u) * ${height}u + u32(clamp(y, 0, ${height - 1}));
  return select(0.0, source[line * ${width}u + u32(clamp(x, 0, ${width - 1}))], inside);
}`,
      body: `let row = i / ${phase.width / 4}u;
  let first = i % ${phase.width / 4}u * 4u;
  unfolded[i] = vec4<f32>(${[0, 1, 2, 3].map((k) => `met(row, first + ${k}u)`).join(", ")});`,
    },
    [{ name: "source", index: 0 }, { name: "unfolded", index: buffers.unfolded, write: true, vector: true }],
    limits,
  );
}

function productPass(
  { channels }: Kernel,
  { depth, width, tile, buffers }: Phase,
  limits: WebGpuLimits,
  texels: boolean,
): WebGpuKernel {
  const product = { m: channels, n: width, k: depth, batch: 1 };
  const { weights: a, unfolded: b, products: c } = buffers;
  return packedGemmKernel({ ...product, buffers: { a, b, c } }, limits, tile, texels);
}

function placePass(kernel: Kernel, operands: ForwardOperands, limits: WebGpuLimits): WebGpuKernel {
  const { batch, channels, resultSize: [height, width], apart: [down, across], phases } = kernel;
  const values = phases.map((phase, index) =>
    phase === undefined
      ? ""
      : `if (y % ${down}u == ${Math.floor(index / across)}u && x % ${across}u == ${index % across}u) {
    let place = (image * ${phase.rows}u + y / ${down}u) * ${phase.columns}u + x / ${across}u;
    value = products${index}[channel * ${phase.width}u + place];
  }`
  );
  return elementKernel(
    {
      count: batch * channels * height * width,
      body: `let x = i % ${width}u;
  let line = i / ${width}u;
  let y = line % ${height}u;
  let channel = line / ${height}u % ${channels}u;
  let image = line / ${height * channels}u;
  var value = 0.0;
  ${values.filter((text) => text !== "").join("\n  ")}
  ${operands.bias === undefined ? "" : "value += bias[channel];"}
  result[i] = ${epilogueWgsl(operands, "value", "i")};`,
    },
    [
      ...phases.flatMap((phase, index) =>
        phase === undefined ? [] : [{ name: `products${index}`, index: phase.buffers.products }]
      ),
      ...operandBindings(operands),
      { name: "result", index: operands.output, write: true },
    ],
    limits,
  );
}
