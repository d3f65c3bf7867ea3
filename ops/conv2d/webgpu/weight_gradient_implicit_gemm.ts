/**
 * A convolution's weight gradient on WebGPU as one matrix product in workgroup memory, for GPUs:
 *
 *     dW[output, (tap, input)] = Σ over images and positions of dY · what the tap meets.
 *
 * The matrix of windows exists only as indices. Both operands lie along the depth, and are turned over on the way into
 * workgroup memory. The depth is split into parts that fill the device. Groups are not supported.
 */

import { f32, type KernelFamily } from "../../../core/mod.ts";
import {
  coverageOfConfiguration,
  hasWorkgroupTiles,
  isLargePartial,
  nameOfConfiguration,
  partialSize,
  range,
  type StagedOperand,
  type StagedProduct,
  type StagedStore,
  vec4,
  WORKGROUP_TILES,
  type WorkgroupConfiguration,
  workgroupConfigurations,
  workgroupGemmKernels,
  type WorkgroupShape,
  type WorkgroupTile,
} from "../../../kernels/mod.ts";
import type { ConvolutionProblem } from "../problem.ts";
import { DW, DY, PARTIAL, X } from "./weight_gradient_parts.ts";

/** The family. */
export const IMPLICIT_WEIGHT_GEMM: KernelFamily<ConvolutionProblem, WorkgroupConfiguration> = {
  name: "implicit GEMM",
  version: 2,
  supports: (problem, { limits }) => problem.groups === 1 && hasWorkgroupTiles(weightGradientShape(problem), limits),
  configurations: (problem, { limits }) => workgroupConfigurations(weightGradientShape(problem), limits),
  coverageOf: coverageOfConfiguration,
  nameOf: (configuration) => `implicit GEMM ${nameOfConfiguration(configuration)}`,
  emit(problem, { tile, parts }, { limits }) {
    const product = productOf(problem, WORKGROUP_TILES[tile]), size = partialSize(product, parts);
    return {
      workspace: parts > 1 ? [f32([size])] : [],
      transient: parts > 1 && isLargePartial(size) ? [PARTIAL] : [],
      kernels: workgroupGemmKernels(product, WORKGROUP_TILES[tile], parts, PARTIAL, limits),
    };
  },
};

/** What the choice of a tile depends on. */
export function weightGradientShape(problem: ConvolutionProblem): WorkgroupShape {
  const lines = linesOf(problem);
  return {
    extents: [problem.groupOutputs, columnsOf(problem)],
    slices: (depth) => Math.ceil(4 * problem.batch * lines.rows * lines.quads / depth),
    turned: [true, true],
    loads: [lines.loads, lines.isPlain ? lines.loads : 4],
  };
}

/** The output as lines of quads: its rows, filled up to whole vectors, or whole images where taps skip nothing. */
function linesOf(problem: ConvolutionProblem) {
  const { outputHeight, outputWidth, kernelHeight, kernelWidth, stride, padding } = problem;
  const isPlain = kernelHeight * kernelWidth * stride[0] * stride[1] === 1 && padding[0] + padding[1] === 0;
  const rows = isPlain ? 1 : outputHeight, columns = isPlain ? outputHeight * outputWidth : outputWidth;
  return { isPlain, rows, columns, quads: Math.ceil(columns / 4), loads: columns % 4 === 0 ? 1 as const : 4 as const };
}

/** Inputs, filled up to whole vectors. */
function paddedInputs({ groupInputs }: ConvolutionProblem): number {
  return 4 * Math.ceil(groupInputs / 4);
}

/** Columns of the product: taps, and the inputs of each. */
function columnsOf(problem: ConvolutionProblem): number {
  return problem.kernelHeight * problem.kernelWidth * paddedInputs(problem);
}

/** Where the loop is: a thread's quad of positions, the same of both operands, by its image, row and number in the row. */
function productOf(problem: ConvolutionProblem, tile: WorkgroupTile): StagedProduct {
  const { batch } = problem, { rows, quads, loads, isPlain } = linesOf(problem), step = tile.depth / 4;
  const xLoads = isPlain ? loads : 4, carried = Math.floor(step / quads);
  return {
    extents: weightGradientShape(problem).extents,
    slices: weightGradientShape(problem).slices(tile.depth),
    start: `let firstQuad = begin * ${step}u + lane % ${step}u;
  var quad = firstQuad % ${quads}u;
  var row = firstQuad / ${quads}u % ${rows}u;
  var image = firstQuad / ${quads * rows}u;`,
    advance: `quad += ${step % quads}u; row += ${carried % rows}u; image += ${Math.floor(carried / rows)}u;
    if (quad >= ${quads}u) { quad -= ${quads}u; row++; }
    if (row >= ${rows}u) { row -= ${rows}u; image++; }`,
    a: outputGradients(problem, tile, batch * rows * quads % step !== 0),
    b: isPlain
      ? plainInputs(problem, tile, batch * rows * quads % step !== 0)
      : windows(problem, tile, batch * rows * quads % step !== 0),
    store: storeOf(problem),
    bindings: [
      { name: "x0", index: X, vector: xLoads === 1 },
      { name: "dy", index: DY, vector: loads === 1 },
    ],
  };
}

/** WGSL of a plane's quad: a vector, or the elements of a row that is not whole vectors. */
function loadQuad(name: string, start: string, columns: number, loads: 1 | 4, checksImage: string): string {
  if (loads === 1) {
    return checksImage === ""
      ? `${name}[${start} + quad]`
      : `select(vec4<f32>(), ${name}[select(0u, ${start} + quad, ${checksImage})], ${checksImage})`;
  }
  const element = (c: number) => {
    const inside = `quad * 4u + ${c}u < ${columns}u${checksImage === "" ? "" : ` && ${checksImage}`}`;
    return `select(0.0, ${name}[select(0u, ${start} + quad * 4u + ${c}u, ${inside})], ${inside})`;
  };
  return vec4(range(4).map(element));
}

/** An operand whose lines are the planes of channels. */
function planes(
  problem: ConvolutionProblem,
  name: string,
  channels: number,
  checksImages: boolean,
): StagedOperand {
  const { batch } = problem,
    { rows, columns, loads } = linesOf(problem),
    plane = rows * columns / (loads === 1 ? 4 : 1);
  const rowSize = columns / (loads === 1 ? 4 : 1), line = `line_${name}`;
  const start = (unit: number, j: number) =>
    `image * ${channels * plane}u + ${rows === 1 ? "" : `row * ${rowSize}u + `}${line}${unit}[${j}]`;
  return {
    turned: true,
    loads,
    setup: (unit, first) =>
      `let ${line}${unit} = min(${first} + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(${channels - 1}u)) * ${plane}u;`,
    fetch: (unit, _step, names) =>
      names.map((each, j) =>
        `${each} = ${loadQuad(name, start(unit, j), columns, loads, checksImages ? `image < ${batch}u` : "")};`
      ).join("\n    "),
  };
}

/** A is dY: rows are output channels. */
function outputGradients(problem: ConvolutionProblem, _tile: WorkgroupTile, checksImages: boolean): StagedOperand {
  return planes(problem, "dy", problem.groupOutputs, checksImages);
}

/** B where each position meets one element: columns are inputs. */
function plainInputs(problem: ConvolutionProblem, _tile: WorkgroupTile, checksImages: boolean): StagedOperand {
  return planes(problem, "x0", problem.groupInputs, checksImages);
}

/** B is the windows: columns are taps and inputs, rows what these meet at a position. */
function windows(problem: ConvolutionProblem, _tile: WorkgroupTile, checksImages: boolean): StagedOperand {
  const { batch, groupInputs, height, width, kernelWidth, kernelHeight, stride, padding, dilation } = problem;
  const { columns, loads } = linesOf(problem), inputs = paddedInputs(problem), plane = height * width;
  const taps = kernelHeight * kernelWidth;
  const conditions = [
    `vec4<bool>(y >= 0 && y < ${height}${checksImages ? ` && image < ${batch}u` : ""})`,
    `(x >= vec4<i32>())`,
    `(x < vec4<i32>(${width}))`,
    ...(loads === 1 ? [] : [`(vec4<u32>(quad * 4u) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(${columns}u))`]),
  ];
  return {
    turned: true,
    loads: 4,
    setup: (unit, first) =>
      `let column${unit} = min(${first}, ${taps * inputs - 4}u);
  let input${unit} = min(column${unit} % ${inputs}u + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(${
        groupInputs - 1
      }u)) * ${plane}u;
  let tapY${unit} = i32(column${unit} / ${inputs * kernelWidth}u * ${dilation[0]}u) - ${padding[0]};
  let tapX${unit} = vec4<i32>(i32(column${unit} / ${inputs}u % ${kernelWidth}u * ${dilation[1]}u) - ${
        padding[1]
      }) + vec4<i32>(0, ${stride[1]}, ${2 * stride[1]}, ${3 * stride[1]});`,
    fetch: (unit, _step, names) =>
      `{
      let y = i32(row * ${stride[0]}u) + tapY${unit};
      let x = vec4<i32>(i32(quad * ${4 * stride[1]}u)) + tapX${unit};
      let inside = ${conditions.join(" & ")};
      let at = select(vec4<u32>(), vec4<u32>(image * ${
        groupInputs * plane
      }u) + vec4<u32>(vec4<i32>(y * ${width}) + x), inside);
      ${
        names.map((name, j) =>
          `${name} = select(vec4<f32>(), ${vec4(range(4).map((c) => `x0[at[${c}] + input${unit}[${j}]]`))}, inside);`
        ).join("\n      ")
      }
    }`,
  };
}

/** dW [output, input, tap]. */
function storeOf(problem: ConvolutionProblem): StagedStore {
  const { groupInputs, kernelHeight, kernelWidth } = problem, taps = kernelHeight * kernelWidth;
  const inputs = paddedInputs(problem);
  const store = (id: number, c: number) =>
    `${groupInputs % 4 === 0 ? "" : `if (input${id} + ${c}u < ${groupInputs}u) `}{ dw[position + ${
      c * taps
    }u] = value[${c}]; }`;
  return {
    position: (id, column) =>
      `let input${id} = (${column}) % ${inputs}u; let start${id} = input${id} * ${taps}u + (${column}) / ${inputs}u;`,
    put: (id, row, sum) =>
      `let value = ${sum}; let position = start${id} + (${row}) * ${groupInputs * taps}u; ${
        range(4).map((c) => store(id, c)).join(" ")
      }`,
    bindings: [{ name: "dw", index: DW, write: true }],
  };
}
