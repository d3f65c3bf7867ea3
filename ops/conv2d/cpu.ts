/**
 * Convolution on the CPU: an image at a time is unfolded into columns and multiplied (Chellapilla et al. 2006); where a
 * group has one input channel, the direct loops are as good.
 */

import type { CpuKernel, NumericArray } from "../../core/mod.ts";
import type { Geometry } from "./geometry.ts";
import { inputGradientPlane, outputPlane, weightGradientPlane } from "./reference.ts";

/** The most partial sums of a weight gradient. It fixes the order of additions, whatever the number of threads. */
const MAX_PARTS = 8;

function columnRows(g: Geometry): number {
  return g.groupInputs * g.kernelHeight * g.kernelWidth;
}

function isPointwise(g: Geometry): boolean {
  return g.kernelHeight === 1 && g.kernelWidth === 1 && g.stride[0] === 1 && g.stride[1] === 1 && g.padding[0] === 0 &&
    g.padding[1] === 0;
}

/** The output positions along one axis whose tap falls inside the input: [first, end). */
function insideRange(tap: number, padding: number, stride: number, extent: number, outputs: number): [number, number] {
  const first = Math.max(0, Math.ceil((padding - tap) / stride));
  const end = Math.min(outputs, Math.floor((extent - 1 + padding - tap) / stride) + 1);
  return [Math.min(first, outputs), Math.max(end, Math.min(first, outputs))];
}

/** Writes columns [groupInputs · KH · KW, OH · OW] of the image's group that starts at `source`. */
function unfold(g: Geometry, x: Float32Array, source: number, columns: Float32Array): void {
  const { height, width, outputHeight, outputWidth } = g;
  const [strideY, strideX] = g.stride;
  let target = 0;
  for (let c = 0; c < g.groupInputs; c++) {
    const plane = source + c * height * width;
    for (let i = 0; i < g.kernelHeight; i++) {
      const tapY = i * g.dilation[0];
      const [firstY, endY] = insideRange(tapY, g.padding[0], strideY, height, outputHeight);
      for (let j = 0; j < g.kernelWidth; j++) {
        const tapX = j * g.dilation[1] - g.padding[1];
        const [firstX, endX] = insideRange(j * g.dilation[1], g.padding[1], strideX, width, outputWidth);
        for (let oy = 0; oy < outputHeight; oy++) {
          const row = target + oy * outputWidth;
          if (oy < firstY || oy >= endY) {
            for (let ox = 0; ox < outputWidth; ox++) columns[row + ox] = 0;
            continue;
          }
          const line = plane + (oy * strideY + tapY - g.padding[0]) * width + tapX;
          for (let ox = 0; ox < firstX; ox++) columns[row + ox] = 0;
          if (strideX === 1) { for (let ox = firstX; ox < endX; ox++) columns[row + ox] = x[line + ox]; }
          else for (let ox = firstX; ox < endX; ox++) columns[row + ox] = x[line + ox * strideX];
          for (let ox = endX; ox < outputWidth; ox++) columns[row + ox] = 0;
        }
        target += outputHeight * outputWidth;
      }
    }
  }
}

/** Adds columns back to where {@link unfold} took them from. */
function fold(g: Geometry, columns: Float32Array, dx: Float32Array, target: number): void {
  const { height, width, outputHeight, outputWidth } = g;
  const [strideY, strideX] = g.stride;
  dx.fill(0, target, target + g.groupInputs * height * width);
  let source = 0;
  for (let c = 0; c < g.groupInputs; c++) {
    const plane = target + c * height * width;
    for (let i = 0; i < g.kernelHeight; i++) {
      const tapY = i * g.dilation[0];
      const [firstY, endY] = insideRange(tapY, g.padding[0], strideY, height, outputHeight);
      for (let j = 0; j < g.kernelWidth; j++) {
        const tapX = j * g.dilation[1] - g.padding[1];
        const [firstX, endX] = insideRange(j * g.dilation[1], g.padding[1], strideX, width, outputWidth);
        for (let oy = firstY; oy < endY; oy++) {
          const row = source + oy * outputWidth;
          const line = plane + (oy * strideY + tapY - g.padding[0]) * width + tapX;
          for (let ox = firstX; ox < endX; ox++) dx[line + ox * strideX] += columns[row + ox];
        }
        source += outputHeight * outputWidth;
      }
    }
  }
}

/** y = conv(x, w) + bias: a task an image. */
export function forwardKernel(g: Geometry): CpuKernel {
  const planes = g.groups * g.groupOutputs, positions = g.outputHeight * g.outputWidth, rows = columnRows(g);
  if (g.groupInputs === 1) {
    return {
      phases: [{
        tasks: g.batch * planes,
        run: ([x, w, ...rest], plane) =>
          outputPlane(g, x, w, rest.length > 1 ? rest[0] : undefined, rest.at(-1)!, plane),
      }],
    };
  }
  const pointwise = isPointwise(g), inputSize = g.groupInputs * g.height * g.width;
  return {
    scratch: pointwise ? 0 : rows * positions,
    phases: [{
      tasks: g.batch,
      run(buffers, image, { matrixProduct, scratch }) {
        const [x, w] = buffers as Float32Array[], y = buffers[buffers.length - 1] as Float32Array;
        const bias = buffers.length > 3 ? buffers[2] : undefined;
        for (let group = 0; group < g.groups; group++) {
          const source = (image * g.groups + group) * inputSize;
          const target = (image * g.groups + group) * g.groupOutputs * positions;
          if (!pointwise) unfold(g, x, source, scratch);
          const b = pointwise ? x : scratch, start = pointwise ? source : 0;
          const weight = group * g.groupOutputs * rows;
          if (bias !== undefined) fillRows(y, target, bias, group * g.groupOutputs, g.groupOutputs, positions);
          matrixProduct(
            g.groupOutputs,
            positions,
            rows,
            w,
            weight,
            rows,
            1,
            b,
            start,
            positions,
            1,
            y,
            target,
            positions,
            bias !== undefined,
          );
        }
      },
    }],
  };
}

function fillRows(
  y: Float32Array,
  target: number,
  values: NumericArray,
  first: number,
  rows: number,
  width: number,
): void {
  for (let row = 0; row < rows; row++) y.fill(values[first + row], target + row * width, target + (row + 1) * width);
}

/** The input's gradient: columns = wᵀ dy, folded back; a task an image. */
export function inputGradientKernel(g: Geometry): CpuKernel {
  const positions = g.outputHeight * g.outputWidth, rows = columnRows(g);
  if (g.groupInputs === 1) {
    return {
      phases: [{ tasks: g.batch * g.groups, run: ([dy, w, dx], plane) => inputGradientPlane(g, dy, w, dx, plane) }],
    };
  }
  const pointwise = isPointwise(g), inputSize = g.groupInputs * g.height * g.width;
  return {
    scratch: pointwise ? 0 : rows * positions,
    phases: [{
      tasks: g.batch,
      run(buffers, image, { matrixProduct, scratch }) {
        const [dy, w, dx] = buffers as Float32Array[];
        for (let group = 0; group < g.groups; group++) {
          const target = (image * g.groups + group) * inputSize;
          const source = (image * g.groups + group) * g.groupOutputs * positions;
          const c = pointwise ? dx : scratch, start = pointwise ? target : 0;
          const weight = group * g.groupOutputs * rows;
          matrixProduct(
            rows,
            positions,
            g.groupOutputs,
            w,
            weight,
            1,
            rows,
            dy,
            source,
            positions,
            1,
            c,
            start,
            positions,
            false,
          );
          if (!pointwise) fold(g, scratch, dx, target);
        }
      },
    }],
  };
}

/** The weight's gradient: dy columnsᵀ, summed over a fixed split of the batch, then over the parts in order. */
export function weightGradientKernel(g: Geometry): CpuKernel {
  const positions = g.outputHeight * g.outputWidth, rows = columnRows(g), size = g.groups * g.groupOutputs * rows;
  if (g.groupInputs === 1) {
    return {
      phases: [{
        tasks: g.groups * g.groupOutputs,
        run: ([x, dy, dw], plane) => weightGradientPlane(g, x, dy, dw, plane),
      }],
    };
  }
  const pointwise = isPointwise(g),
    inputSize = g.groupInputs * g.height * g.width,
    parts = Math.min(MAX_PARTS, g.batch);
  return {
    workspace: parts * size,
    scratch: pointwise ? 0 : rows * positions,
    phases: [{
      tasks: parts,
      run(buffers, part, { matrixProduct, scratch, workspace }) {
        const [x, dy] = buffers as Float32Array[];
        const first = Math.floor(part * g.batch / parts), end = Math.floor((part + 1) * g.batch / parts);
        for (let image = first; image < end; image++) {
          for (let group = 0; group < g.groups; group++) {
            const source = (image * g.groups + group) * inputSize;
            const gradient = (image * g.groups + group) * g.groupOutputs * positions;
            if (!pointwise) unfold(g, x, source, scratch);
            const b = pointwise ? x : scratch, start = pointwise ? source : 0;
            const target = part * size + group * g.groupOutputs * rows;
            matrixProduct(
              g.groupOutputs,
              rows,
              positions,
              dy,
              gradient,
              positions,
              1,
              b,
              start,
              1,
              positions,
              workspace,
              target,
              rows,
              image > first,
            );
          }
        }
      },
    }, {
      tasks: 1,
      run([, , dw], _task, { workspace }) {
        for (let i = 0; i < size; i++) dw[i] = workspace[i];
        for (let part = 1; part < parts; part++) {
          for (let i = 0, source = part * size; i < size; i++) dw[i] += workspace[source + i];
        }
      },
    }],
  };
}
