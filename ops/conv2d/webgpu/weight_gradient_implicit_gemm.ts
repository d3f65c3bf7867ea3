/**
 * A convolution's weight gradient on WebGPU as one matrix product in workgroup memory, for GPUs:
 *
 *     dW[output, (tap, input)] = Σ over images and positions of dY · what the tap meets.
 *
 * The matrix of windows exists only as indices. Both operands lie along the depth, and are turned over on the way into
 * workgroup memory. The depth is split into parts that fill the device. Groups are not supported.
 */

import { type KernelFamily, sizeWgsl } from "../../../core/mod.ts";
import {
  range,
  type StagedOperand,
  type StagedProduct,
  type StagedStore,
  vec4,
  type WorkgroupConfiguration,
  workgroupFamily,
  type WorkgroupShape,
  type WorkgroupTile,
} from "../../../kernels/mod.ts";
import { type ConvolutionProblem, isPositionwise } from "../problem.ts";
import { DW, DY, PARTIAL, X } from "./weight_gradient_parts.ts";

/** The family. */
export const IMPLICIT_WEIGHT_GEMM: KernelFamily<ConvolutionProblem, WorkgroupConfiguration> = workgroupFamily({
  name: "implicit GEMM",
  version: 3,
  supports: ({ groups }) => groups === 1,
  shapeOf: weightGradientShape,
  stage: (problem, tile) => ({ product: productOf(problem, tile), workspace: PARTIAL }),
});

/** Registers of a thread for the window that each of its quads meets. */
const WINDOW_REGISTERS = 20;

/** What the choice of a tile depends on. */
export function weightGradientShape(problem: ConvolutionProblem): WorkgroupShape {
  const lines = linesOf(problem);
  return {
    extents: [problem.groupOutputs, columnsOf(problem)],
    slices: (depth) => Math.ceil(4 * problem.batch * lines.rows * lines.quads / depth),
    turned: [true, true],
    loads: [lines.loads, lines.isPlain ? lines.loads : 4],
    heldRegisters: lines.isPlain ? 0 : WINDOW_REGISTERS,
  };
}

/** The output as lines of quads of positions. */
interface Lines {
  /** Whether each position meets one element of the input, the one of its own index. */
  readonly isPlain: boolean;
  /** Whether a line is an image's whole plane; else it is a row of it, which is whole vectors. */
  readonly isFlat: boolean;
  /** Lines of an image. */
  readonly rows: number;
  /** Positions of a line. */
  readonly columns: number;
  /** Quads of a line. */
  readonly quads: number;
  /** Loads that a quad takes. */
  readonly loads: 1 | 4;
}

function linesOf(problem: ConvolutionProblem): Lines {
  const { outputHeight, outputWidth } = problem, isPlain = isPositionwise(problem);
  const isFlat = isPlain || outputWidth % 4 !== 0;
  const rows = isFlat ? 1 : outputHeight, columns = isFlat ? outputHeight * outputWidth : outputWidth;
  return { isPlain, isFlat, rows, columns, quads: Math.ceil(columns / 4), loads: columns % 4 === 0 ? 1 : 4 };
}

/** Inputs, filled up to whole vectors. */
function paddedInputs({ groupInputs }: ConvolutionProblem): number {
  return 4 * Math.ceil(groupInputs / 4);
}

/** Columns of the product: taps, and the inputs of each. */
function columnsOf(problem: ConvolutionProblem): number {
  return problem.kernelHeight * problem.kernelWidth * paddedInputs(problem);
}

/** Where the loop is: a thread's quad of positions, the same of both operands, by its image, line and number in the line. */
function productOf(problem: ConvolutionProblem, tile: WorkgroupTile): StagedProduct {
  const { rows, quads, loads, isPlain } = linesOf(problem), step = tile.depth / 4;
  const carried = Math.floor(step / quads), checksImages = problem.batch * rows * quads % step !== 0;
  const position = positionWgsl(problem, step % quads);
  const ofQuads = sizeWgsl("quads", quads), ofRows = sizeWgsl("lines", rows);
  return {
    extents: weightGradientShape(problem).extents,
    slices: weightGradientShape(problem).slices(tile.depth),
    start: `let firstQuad = begin * ${step}u + lane % ${step}u;
  var quad = firstQuad % ${ofQuads};
  var row = firstQuad / ${ofQuads} % ${ofRows};
  var image = firstQuad / ${sizeWgsl("image_quads", quads * rows)};
  ${position.start}`,
    advance: `quad += ${sizeWgsl("quad_step", step % quads)}; row += ${
      sizeWgsl("row_step", carried % rows)
    }; image += ${sizeWgsl("image_step", Math.floor(carried / rows))};
    ${position.advance}
    if (quad >= ${ofQuads}) { quad -= ${ofQuads}; row++; ${position.wrap} }
    if (row >= ${ofRows}) { row -= ${ofRows}; image++; }`,
    a: planes(problem, "dy", problem.groupOutputs, checksImages),
    b: isPlain ? planes(problem, "x0", problem.groupInputs, checksImages) : windows(problem, checksImages),
    store: storeOf(problem),
    bindings: [
      { name: "x0", index: X, vector: isPlain && loads === 1 },
      { name: "dy", index: DY, vector: loads === 1 },
    ],
  };
}

/** WGSL of the rows and columns of a quad's positions, kept where a quad crosses rows. */
function positionWgsl(problem: ConvolutionProblem, step: number): { start: string; advance: string; wrap: string } {
  const { isPlain, isFlat, columns, quads } = linesOf(problem), { outputHeight, outputWidth } = problem;
  if (isPlain || !isFlat) return { start: "", advance: "", wrap: "" };
  // A plane is filled up to whole quads, so that the next begins as many positions later.
  const by = 4 * step, filled = 4 * quads - columns;
  const vector = (name: string, value: number) => `vec4<i32>(${sizeWgsl(name, value, "i32")})`;
  const width = vector("output_width", outputWidth), one = "vec4<i32>(1)";
  return {
    start: `let firstPosition = vec4<i32>(i32(quad * 4u)) + vec4<i32>(0, 1, 2, 3);
  var outY = firstPosition / ${width};
  var outX = firstPosition % ${width};`,
    advance: `outX += ${vector("x_step", by % outputWidth)}; outY += ${vector("y_step", Math.floor(by / outputWidth))};
    outY = select(outY, outY + ${one}, outX >= ${width});
    outX = select(outX, outX - ${width}, outX >= ${width});`,
    wrap: `outY -= ${vector("y_wrap", outputHeight + Math.floor(filled / outputWidth))}; outX -= ${
      vector("x_wrap", filled % outputWidth)
    };
      outY = select(outY, outY - ${one}, outX < vec4<i32>());
      outX = select(outX, outX + ${width}, outX < vec4<i32>());`,
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
    const inside = `(quad * 4u + ${c}u < ${columns}u)${checksImage === "" ? "" : ` & (${checksImage})`}`;
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
  const size = (of: string, value: number) => sizeWgsl(`${name}_${of}`, value);
  const start = (unit: number, j: number) =>
    `image * ${size("image", channels * plane)} + ${
      rows === 1 ? "" : `row * ${size("row", rowSize)} + `
    }${line}${unit}[${j}]`;
  return {
    turned: true,
    loads,
    setup: (unit, first) =>
      `let ${line}${unit} = min(${first} + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(${size("last", channels - 1)})) * ${
        size("plane", plane)
      };`,
    fetch: (unit, _step, names) =>
      names.map((each, j) =>
        `${each} = ${
          loadQuad(name, start(unit, j), columns, loads, checksImages ? `image < ${sizeWgsl("images", batch)}` : "")
        };`
      ).join("\n    "),
  };
}

/** B is the windows: columns are taps and inputs, rows what these meet at a position. */
function windows(problem: ConvolutionProblem, checksImages: boolean): StagedOperand {
  const { batch, groupInputs, height, width, kernelWidth, kernelHeight, stride, padding, dilation } = problem;
  const { isFlat, loads } = linesOf(problem), inputs = paddedInputs(problem), plane = height * width;
  const taps = kernelHeight * kernelWidth, ofInputs = sizeWgsl("inputs", inputs);
  const i32 = (name: string, value: number) => sizeWgsl(name, value, "i32"), ofWidth = i32("width", width);
  const conditions = [
    `(y >= vec4<i32>()) & (y < vec4<i32>(${i32("height", height)})) & (x >= vec4<i32>()) & (x < vec4<i32>(${ofWidth}))`,
    ...(checksImages ? [`vec4<bool>(image < ${sizeWgsl("images", batch)})`] : []),
    ...(loads === 1 ? [] : [`(outY < vec4<i32>(${i32("output_height", problem.outputHeight)}))`]),
  ];
  const y = isFlat
    ? `outY * ${i32("stride_y", stride[0])}`
    : `vec4<i32>(i32(row * ${sizeWgsl("stride_y", stride[0])}))`;
  const x = isFlat
    ? `outX * ${i32("stride_x", stride[1])}`
    : `vec4<i32>(i32(quad * ${sizeWgsl("quad_stride", 4 * stride[1])})) + vec4<i32>(0, 1, 2, 3) * ${
      i32("stride_x", stride[1])
    }`;
  return {
    turned: true,
    loads: 4,
    setup: (unit, first) =>
      `let tapStart${unit} = min(${first}, ${sizeWgsl("windows_last", taps * inputs - 4)});
  let input${unit} = min(tapStart${unit} % ${ofInputs} + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(${
        sizeWgsl("x0_last", groupInputs - 1)
      })) * ${sizeWgsl("x0_plane", plane)};
  let tapY${unit} = i32(tapStart${unit} / ${sizeWgsl("inputs_row", inputs * kernelWidth)} * ${
        sizeWgsl("dilation_y", dilation[0])
      }) - ${i32("padding_y", padding[0])};
  let tapX${unit} = i32(tapStart${unit} / ${ofInputs} % ${sizeWgsl("kernel_width", kernelWidth)} * ${
        sizeWgsl("dilation_x", dilation[1])
      }) - ${i32("padding_x", padding[1])};`,
    fetch: (unit, _step, names) =>
      `{
      let y = ${y} + tapY${unit};
      let x = ${x} + tapX${unit};
      let inside = ${conditions.join(" & ")};
      let at = select(vec4<u32>(), image * ${
        sizeWgsl("x0_image", groupInputs * plane)
      } + vec4<u32>(y * ${ofWidth} + x), inside);
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
  const inputs = sizeWgsl("inputs", paddedInputs(problem));
  const store = (id: number, c: number) =>
    `${groupInputs % 4 === 0 ? "" : `if (input${id} + ${c}u < ${groupInputs}u) `}{ dw[position + ${
      c * taps
    }u] = value[${c}]; }`;
  return {
    position: (id, column) =>
      `let input${id} = (${column}) % ${inputs}; let start${id} = input${id} * ${taps}u + (${column}) / ${inputs};`,
    put: (id, row, sum) =>
      `let value = ${sum}; let position = start${id} + (${row}) * ${sizeWgsl("dw_row", groupInputs * taps)}; ${
        range(4).map((c) => store(id, c)).join(" ")
      }`,
    bindings: [{ name: "dw", index: DW, write: true }],
  };
}
