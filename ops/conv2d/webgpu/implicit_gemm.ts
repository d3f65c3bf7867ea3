/**
 * Convolutions and their gradients as matrix products in workgroup memory, for GPUs: the matrix of windows exists only as
 * indices. Groups are not supported.
 */

import {
  boundAtRun,
  elementKernel,
  f32,
  type MarkedVariant,
  type WebGpuKernel,
  type WebGpuLimits,
} from "../../../core/mod.ts";
import { WORKGROUP_TILE_64x64x16, workgroupGemmKernel } from "../../../kernels/mod.ts";
import { type Direction } from "./direct.ts";
import { epilogueWgsl, type ForwardOperands, operandBindings } from "./epilogue.ts";
import type { ConvolutionProblem } from "../problem.ts";

/**
 * C[channel, image·plane + position] = Σ over s and taps of weight · source: the planes of the result side by side, each
 * filled up to whole vectors.
 */
export function implicitVariant(
  g: ConvolutionProblem,
  limits: WebGpuLimits,
  direction: Direction,
  operands: ForwardOperands,
): MarkedVariant {
  const forward = direction === "forward";
  const [channels, sources] = forward ? [g.groupOutputs, g.groupInputs] : [g.groupInputs, g.groupOutputs];
  const [height, width] = forward ? [g.outputHeight, g.outputWidth] : [g.height, g.width];
  const [sourceHeight, sourceWidth] = forward ? [g.height, g.width] : [g.outputHeight, g.outputWidth];
  const taps = g.kernelHeight * g.kernelWidth, depth = sources * taps, plane = height * width;
  const padded = 4 * Math.ceil(plane / 4), vector = plane % 4 === 0;
  const weight = forward ? `row * ${depth}u + k` : `(k / ${taps}u * ${channels}u + row) * ${taps}u + k % ${taps}u`;
  /** WGSL of the source's row or column that a tap meets, multiplied by the stride in a gradient. */
  const meet = (place: string, tap: string, axis: 0 | 1) =>
    forward
      ? `i32(${place} * ${g.stride[axis]}u + ${tap} * ${g.dilation[axis]}u) - ${g.padding[axis]}`
      : `i32(${place}) + ${g.padding[axis]} - i32(${tap} * ${g.dilation[axis]}u)`;
  const [downBy, acrossBy] = forward ? [1, 1] : g.stride;
  const isMet = (name: string, by: number, size: number) =>
    `${name} >= 0 && ${name} < ${size * by}${by === 1 ? "" : ` && ${name} % ${by} == 0`}`;
  const at = (c: number) => `loadSource(line, tap, place + ${c}u)`;
  const { bias, output } = operands;
  const value = (text: string, place: string, size: 1 | 4) => epilogueWgsl(operands, text, place, size);
  return {
    name: "implicit product",
    kernels: [workgroupGemmKernel(
      {
        extents: [channels, g.batch * padded, depth],
        functions: `fn loadA(wantedRow: u32, wantedK: u32) -> f32 {
  let row = min(wantedRow, ${channels - 1}u);
  let k = min(wantedK, ${depth - 1}u);
  return select(0.0, weight[${weight}], wantedK < ${depth}u);
}
fn loadSource(line: u32, tap: u32, wantedPlace: u32) -> f32 {
  let place = min(wantedPlace, ${plane - 1}u);
  let y = ${meet(`(place / ${width}u)`, `(tap / ${g.kernelWidth}u)`, 0)};
  let x = ${meet(`(place % ${width}u)`, `(tap % ${g.kernelWidth}u)`, 1)};
  let inside = ${isMet("y", downBy, sourceHeight)} && ${isMet("x", acrossBy, sourceWidth)};
  let index = u32(clamp(y / ${downBy}, 0, ${sourceHeight - 1})) * ${sourceWidth}u + u32(clamp(x / ${acrossBy}, 0, ${
          sourceWidth - 1
        }));
  return select(0.0, source[line + index], inside);
}
fn loadB(wantedK: u32, column: u32) -> vec4<f32> {
  let k = min(wantedK, ${depth - 1}u);
  let image = min(column / ${padded}u, ${g.batch - 1}u);
  let place = column % ${padded}u;
  let line = (image * ${sources}u + k / ${taps}u) * ${sourceHeight * sourceWidth}u;
  let tap = k % ${taps}u;
  return vec4<f32>(${[0, 1, 2, 3].map(at).join(", ")});
}
fn store(_part: u32, row: u32, column: u32, sum: vec4<f32>) {
  let value = sum${bias === undefined ? "" : " + bias[row]"};
  let first = column % ${padded}u;
  let start = (column / ${padded}u * ${channels}u + row) * ${plane}u + first;
  ${
          vector
            ? `let place = start / 4u; result[place] = ${value("value", "place", 4)};`
            : [0, 1, 2, 3].map((c) =>
              `if (first + ${c}u < ${plane}u) { let place = start + ${c}u; result[place] = ${
                value(`value[${c}]`, "place", 1)
              }; }`
            ).join("\n  ")
        }
}`,
        bindings: [
          { name: "source", index: 0 },
          { name: "weight", index: 1 },
          ...operandBindings(operands, vector),
          { name: "result", index: output, write: true, vector },
        ],
      },
      WORKGROUP_TILE_64x64x16,
      limits,
    )],
  };
}

/** The weight's gradient: dW[output, (input, tap)] = Σ over images and positions, in parts that are added in their order. */
export function implicitWeightVariant(g: ConvolutionProblem, limits: WebGpuLimits, wantedParts: number): MarkedVariant {
  const taps = g.kernelHeight * g.kernelWidth, columns = g.groupInputs * taps, plane = g.outputHeight * g.outputWidth;
  const depth = g.batch * plane, parts = Math.max(1, Math.min(wantedParts, Math.ceil(depth / 64)));
  const size = g.groupOutputs * columns;
  const at = (c: number) => `loadX(image, place, column + ${c}u)`;
  return {
    name: "implicit product",
    workspace: [f32([parts, size])],
    kernels: [
      workgroupGemmKernel(
        {
          extents: [g.groupOutputs, columns, depth],
          parts,
          functions: `fn loadA(wantedRow: u32, wantedK: u32) -> f32 {
  let row = min(wantedRow, ${g.groupOutputs - 1}u);
  let k = min(wantedK, ${depth - 1}u);
  return select(0.0, dy[(k / ${plane}u * ${g.groupOutputs}u + row) * ${plane}u + k % ${plane}u], wantedK < ${depth}u);
}
fn loadX(image: u32, place: u32, wantedColumn: u32) -> f32 {
  let column = min(wantedColumn, ${columns - 1}u);
  let tap = column % ${taps}u;
  let y = i32(place / ${g.outputWidth}u * ${g.stride[0]}u + tap / ${g.kernelWidth}u * ${g.dilation[0]}u) - ${
            g.padding[0]
          };
  let x = i32(place % ${g.outputWidth}u * ${g.stride[1]}u + tap % ${g.kernelWidth}u * ${g.dilation[1]}u) - ${
            g.padding[1]
          };
  let inside = y >= 0 && y < ${g.height} && x >= 0 && x < ${g.width};
  let index = u32(clamp(y, 0, ${g.height - 1})) * ${g.width}u + u32(clamp(x, 0, ${g.width - 1}));
  return select(0.0, x0[(image * ${g.groupInputs}u + column / ${taps}u) * ${g.height * g.width}u + index], inside);
}
fn loadB(wantedK: u32, column: u32) -> vec4<f32> {
  let k = min(wantedK, ${depth - 1}u);
  let image = k / ${plane}u;
  let place = k % ${plane}u;
  return vec4<f32>(${[0, 1, 2, 3].map(at).join(", ")});
}
fn store(part: u32, row: u32, column: u32, value: vec4<f32>) {
  let start = part * ${size}u + row * ${columns}u + column;
  ${
            [0, 1, 2, 3].map((c) =>
              `${
                columns % 4 === 0 ? "" : `if (column + ${c}u < ${columns}u) `
              }{ partial[start + ${c}u] = value[${c}]; }`
            ).join(" ")
          }
}`,
          bindings: [
            { name: "x0", index: 0 },
            { name: "dy", index: 1 },
            { name: "partial", index: 3, write: true },
          ],
        },
        WORKGROUP_TILE_64x64x16,
        limits,
      ),
      joinPartsPass(size, parts, limits),
    ],
  };
}

/** The pass that adds `partial` [parts, weights] part by part to `dw`. */
export function joinPartsPass(size: number, parts: number, limits: WebGpuLimits): WebGpuKernel {
  const vector = size % 4 === 0, count = vector ? size / 4 : size;
  return elementKernel(
    {
      count,
      iterations: parts,
      body: `var sum = partial[i];
  for (var part = 1u; part < ${boundAtRun(parts, "partial")}; part++) { sum += partial[part * ${count}u + i]; }
  dw[i] = sum;`,
    },
    [{ name: "partial", index: 3, vector }, { name: "dw", index: 2, write: true, vector }],
    limits,
  );
}
