/**
 * A convolution or its input gradient on WebGPU as one matrix product in workgroup memory, for GPUs:
 *
 *     C[channel, (image, position)] = Σ over taps and s of weight · source.
 *
 * The matrix of windows exists only as indices: the depth has taps outside and sources inside, so that what a tap meets is
 * worked out once a tap. Weights are packed as [tap, source, channel] by a first kernel. An input gradient of stride t is t·t
 * such products, one for each pair of residues (`strided_axis.ts`). Groups are not supported.
 */

import {
  boundAtRun,
  type DeviceLimits,
  elementKernel,
  f32,
  type KernelFamily,
  type WebGpuKernel,
} from "../../../core/mod.ts";
import {
  blockHeight,
  blockWidth,
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
import type { DirectedConvolution } from "../directed.ts";
import { epilogueWgsl, operandBindings } from "../epilogue.ts";
import { isVectorPointwise } from "./pointwise_gemm.ts";
import { stridedAxes, type StridedAxis } from "./strided_axis.ts";
import { weightRow } from "./weight_row.ts";

/** The family. A pointwise convolution of whole vectors is a product as it is (`pointwise_gemm.ts`). */
export const IMPLICIT_GEMM: KernelFamily<DirectedConvolution, WorkgroupConfiguration> = workgroupFamily({
  name: "implicit GEMM",
  version: 3,
  supports: (convolution) => convolution.groups === 1 && !isVectorPointwise(convolution),
  shapeOf: convolutionShape,
  packedSizes: (convolution, tile) => [packedWeights(convolution, tile).size],
  stage(convolution, tile, limits) {
    const workspace = convolution.operands.output + 1;
    return {
      product: productOf(convolution, tile, workspace),
      workspace,
      packed: {
        specs: [f32([packedWeights(convolution, tile).size])],
        kernels: [packKernel(convolution, tile, workspace, limits)],
      },
    };
  },
});

/** Registers of a thread for the taps of its residue and where they are. */
const RESIDUE_REGISTERS = 24;

/** Results of an image and a channel that are of a residue: rows and columns, the most of all residues. */
function residueSize(convolution: DirectedConvolution): [rows: number, columns: number] {
  const [y, x] = stridedAxes(convolution).map(({ size, residues }) => Math.ceil(size / residues));
  return [y, x];
}

/** Taps of each pair of residues. */
function tapsOfResidues(convolution: DirectedConvolution): number[] {
  const [y, x] = stridedAxes(convolution);
  return y.offsets.flatMap((rows) => x.offsets.map((columns) => rows.size * columns.size));
}

/** What the choice of a tile depends on. */
export function convolutionShape(convolution: DirectedConvolution): WorkgroupShape {
  const { batch, channels, sources } = convolution, [rows, columns] = residueSize(convolution);
  const taps = tapsOfResidues(convolution), slices = (depth: number) => Math.ceil(sources / depth);
  return {
    extents: [channels, batch * rows * columns],
    products: taps.length,
    slices: (depth) => Math.max(...taps) * slices(depth),
    allSlices: (depth) => taps.reduce((sum, each) => sum + each) * slices(depth),
    turned: [false, false],
    loads: [1, 4],
    heldRegisters: taps.length > 1 ? RESIDUE_REGISTERS : 0,
  };
}

/** Packed weights [tap, source, channel]: whole slices of sources, whole blocks of channels. */
function packedWeights({ taps, sources, channels }: DirectedConvolution, tile: WorkgroupTile) {
  const height = blockHeight(tile), lines = height * Math.ceil(channels / height);
  const depth = tile.depth * Math.ceil(sources / tile.depth);
  return { lines, depth, size: taps * depth * lines };
}

function packKernel(
  convolution: DirectedConvolution,
  tile: WorkgroupTile,
  target: number,
  limits: DeviceLimits,
): WebGpuKernel {
  const { sources, channels, taps } = convolution, { lines, depth } = packedWeights(convolution, tile);
  const pack = (tap: string) =>
    `packed[${tap} * ${lines * depth}u + i] = select(0.0, weight[first + ${tap}], isInside);`;
  // A thread packs all taps, which are adjacent in the weight.
  return elementKernel(
    {
      count: lines * depth,
      iterations: taps,
      body: `let channel = i % ${lines}u;
  let source = i / ${lines}u;
  let k = min(channel, ${channels - 1}u);
  let s = min(source, ${sources - 1}u);
  let isInside = (channel < ${channels}u) & (source < ${sources}u);
  let first = (${weightRow(convolution, "k", "s")}) * ${taps}u;
  ${taps === 1 ? pack("0u") : `for (var tap = 0u; tap < ${boundAtRun(taps, "packed")}; tap++) { ${pack("tap")} }`}`,
    },
    [{ name: "weight", index: 1 }, { name: "packed", index: target, write: true }],
    limits,
  );
}

function productOf(convolution: DirectedConvolution, tile: WorkgroupTile, weights: number): StagedProduct {
  const { kernelSize: [, kernelWidth], sourceSize: [height, width] } = convolution;
  const { lines, depth: padded } = packedWeights(convolution, tile), slices = padded / tile.depth;
  const [yAxis, xAxis] = stridedAxes(convolution), stays = staysInside(yAxis) && staysInside(xAxis);
  // Where the loop is: the tap by its number among those of the residue, and the first source of the slice.
  const meet = `tapStart = u32((firstTapY + tapY * tapStepY) * ${kernelWidth} + firstTapX + tapX * tapStepX) * ${
    padded * lines / 4
  }u;
    {
      let y = sourceY + (firstY + tapY * stepY);
      let x = sourceX + (firstX + tapX * stepX);
      ${
    stays
      ? `place = images + vec4<u32>(y * ${width} + x);`
      : `isInside = (y >= vec4<i32>()) & (y < vec4<i32>(${height})) & (x >= vec4<i32>()) & (x < vec4<i32>(${width}));
      place = images + select(vec4<u32>(), vec4<u32>(y * ${width} + x), isInside);`
  }
    }`;
  return {
    extents: convolutionShape(convolution).extents,
    products: yAxis.residues * xAxis.residues,
    state: `let residueY = product / ${xAxis.residues}u;
  let residueX = product % ${xAxis.residues}u;
  ${tapsWgsl(yAxis, "Y")}
  ${tapsWgsl(xAxis, "X")}`,
    slices: `(tapsY * tapsX * ${slices}u)`,
    start: `var tapY = i32(begin / ${slices}u / max(tapsX, 1u));
  var tapX = i32(begin / ${slices}u % max(tapsX, 1u));
  var firstSource = begin % ${slices}u * ${tile.depth}u;
  var tapStart = 0u; var place = vec4<u32>();${stays ? "" : " var isInside = vec4<bool>();"}
  ${meet}`,
    advance: `firstSource += ${tile.depth}u;
    if (firstSource == ${padded}u) {
      firstSource = 0u;
      tapX++;
      if (tapX == i32(tapsX)) { tapX = 0; tapY++; }
      ${meet}
    }`,
    a: {
      turned: false,
      loads: 1,
      setup: (_unit, line, depth) => `let lineA = ${depth} * ${lines / 4}u + (${line}) / 4u;`,
      fetch: (_unit, step, [name]) =>
        `${name} = weight[tapStart + firstSource * ${lines / 4}u + lineA + ${step * lines / 4}u];`,
    },
    b: windows(convolution, tile),
    store: storeOf(convolution),
    bindings: [{ name: "source", index: 0 }, { name: "weight", index: weights, vector: true }],
  };
}

/** Whether no tap meets anything outside of the source, so that there is nothing to check. */
function staysInside({ size, residues, step, sourceSize, offsets }: StridedAxis): boolean {
  const all = offsets.flatMap((each) => [...each.values()]), last = step * (Math.ceil(size / residues) - 1);
  return all.every((offset) => offset >= 0 && last + offset < sourceSize);
}

/** The taps of the residues of an axis: how many there are, the first, and what it is to the next; and what they meet. */
function tapsWgsl({ offsets }: StridedAxis, axis: "X" | "Y"): string {
  const residues = offsets.map((each) => {
    const pairs = [...each], [tap, offset] = pairs[0] ?? [0, 0], next = pairs[1] ?? [tap, offset];
    return { count: pairs.length, tap, offset, tapStep: next[0] - tap, step: next[1] - offset };
  });
  const pick = (of: (residue: typeof residues[number]) => number, type: string) => {
    const values = residues.map(of);
    const text = (value: number) => type === "u32" ? `${value}u` : `${value}`;
    return values.slice(1).reduce(
      (sum, value, k) => `select(${sum}, ${text(value)}, residue${axis} == ${k + 1}u)`,
      text(values[0]),
    );
  };
  return `let taps${axis} = ${pick(({ count }) => count, "u32")};
  let firstTap${axis} = ${pick(({ tap }) => tap, "i32")}; let tapStep${axis} = ${pick(({ tapStep }) => tapStep, "i32")};
  let first${axis} = ${pick(({ offset }) => offset, "i32")}; let step${axis} = ${pick(({ step }) => step, "i32")};`;
}

/** B is the windows: columns are the results' positions, rows what these meet at a tap of a source. */
function windows(convolution: DirectedConvolution, tile: WorkgroupTile): StagedOperand {
  const { batch, sources, sourceSize: [height, width] } = convolution, [rows, columns] = residueSize(convolution);
  const [yAxis, xAxis] = stridedAxes(convolution), all = batch * rows * columns, plane = height * width;
  const checksSources = sources % tile.depth !== 0, checksColumns = all % blockWidth(tile) !== 0;
  const conditions = [
    ...(staysInside(yAxis) && staysInside(xAxis) ? [] : ["isInside"]),
    ...(checksSources ? [`vec4<bool>(s < ${sources}u)`] : []),
  ];
  const loaded = vec4(range(4).map((c) => `source[at[${c}]]`));
  const value = conditions.length === 0 ? loaded : `select(vec4<f32>(), ${loaded}, ${conditions.join(" & ")})`;
  return {
    turned: false,
    loads: 4,
    setup: (_unit, line, depth) =>
      `let first = ${line} + vec4<u32>(0u, 1u, 2u, 3u);
  let pixel = ${checksColumns ? `min(first, vec4<u32>(${all - 1}u))` : "first"};
  let sourceY = vec4<i32>(pixel % ${rows * columns}u / ${columns}u * ${yAxis.step}u);
  let sourceX = vec4<i32>(pixel % ${columns}u * ${xAxis.step}u);
  let depthB = ${depth};
  let images = pixel / ${rows * columns}u * ${sources * plane}u${checksSources ? "" : ` + depthB * ${plane}u`};`,
    fetch(_unit, step, [name]) {
      const source = checksSources
        ? `let s = firstSource + depthB + ${step}u; let at = place + select(0u, s, s < ${sources}u) * ${plane}u;`
        : `let at = place + (firstSource + ${step}u) * ${plane}u;`;
      return `{ ${source} ${name} = ${value}; }`;
    },
  };
}

/** The results, with the bias and the epilogue. */
function storeOf(convolution: DirectedConvolution): StagedStore {
  const { batch, channels, resultSize: [height, width], operands } = convolution, plane = height * width;
  const [rows, columns] = residueSize(convolution), [yAxis, xAxis] = stridedAxes(convolution);
  const all = batch * rows * columns, isOne = yAxis.residues * xAxis.residues === 1, vector = isOne && plane % 4 === 0;
  const bias = (row: string) => operands.bias === undefined ? "" : ` + bias[${row}]`;
  const bindings = [
    ...operandBindings(operands, vector),
    { name: "result", index: operands.output, write: true, vector },
  ];
  if (vector) {
    return {
      position: (id, column) =>
        `let start${id} = ((${column}) / ${plane}u * ${channels * plane}u + (${column}) % ${plane}u) / 4u;`,
      put: (id, row, sum) =>
        `let value = ${sum}${bias(row)}; let position = start${id} + (${row}) * ${plane / 4}u; result[position] = ${
          epilogueWgsl(operands, "value", "position", 4)
        };`,
      bindings,
    };
  }
  const filled = (id: number) =>
    [
      ...(all % 4 === 0 ? [] : [`(pixel${id} < vec4<u32>(${all}u))`]),
      ...(height % yAxis.residues === 0 ? [] : [`(y${id} < vec4<u32>(${height}u))`]),
      ...(width % xAxis.residues === 0 ? [] : [`(x${id} < vec4<u32>(${width}u))`]),
    ].join(" & ");
  return {
    position: (id, column) =>
      `let pixel${id} = ${column} + vec4<u32>(0u, 1u, 2u, 3u);
    let y${id} = pixel${id} % ${rows * columns}u / ${columns}u * ${yAxis.residues}u + residueY;
    let x${id} = pixel${id} % ${columns}u * ${xAxis.residues}u + residueX;
    let start${id} = pixel${id} / ${rows * columns}u * ${channels * plane}u + y${id} * ${width}u + x${id};${
        filled(id) === "" ? "" : `\n    let isFilled${id} = ${filled(id)};`
      }`,
    put: (id, row, sum) =>
      `let value = ${sum}${bias(row)}; let line = (${row}) * ${plane}u; ${
        range(4).map((c) =>
          `${
            filled(id) === "" ? "" : `if (isFilled${id}[${c}]) `
          }{ let position = start${id}[${c}] + line; result[position] = ${
            epilogueWgsl(operands, `value[${c}]`, "position")
          }; }`
        ).join(" ")
      }`,
    bindings,
  };
}
