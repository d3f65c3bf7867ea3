/** Convolution and its gradients as plain loops, a plane at a time. */

import type { NumericArray } from "../../core/mod.ts";
import type { ConvolutionProblem } from "./problem.ts";

/**
 * One output plane: y[n, o] = bias[o] + sum over c, i, j of w[o, c, i, j] x[n, c, y·stride + i·dilation - padding, …].
 *
 * @param plane n · O + o.
 */
export function outputPlane(
  g: ConvolutionProblem,
  x: NumericArray,
  w: NumericArray,
  bias: NumericArray | undefined,
  y: NumericArray,
  plane: number,
): void {
  const outputs = g.groups * g.groupOutputs, inputs = g.groups * g.groupInputs;
  const n = Math.floor(plane / outputs),
    o = plane % outputs,
    firstInput = Math.floor(o / g.groupOutputs) * g.groupInputs;
  const [strideY, strideX] = g.stride, [padY, padX] = g.padding, [dilationY, dilationX] = g.dilation;
  for (let oy = 0; oy < g.outputHeight; oy++) {
    for (let ox = 0; ox < g.outputWidth; ox++) {
      let sum = bias === undefined ? 0 : bias[o];
      for (let c = 0; c < g.groupInputs; c++) {
        const source = (n * inputs + firstInput + c) * g.height * g.width;
        const taps = (o * g.groupInputs + c) * g.kernelHeight * g.kernelWidth;
        for (let i = 0; i < g.kernelHeight; i++) {
          const iy = oy * strideY + i * dilationY - padY;
          if (iy < 0 || iy >= g.height) continue;
          for (let j = 0; j < g.kernelWidth; j++) {
            const ix = ox * strideX + j * dilationX - padX;
            if (ix >= 0 && ix < g.width) sum += w[taps + i * g.kernelWidth + j] * x[source + iy * g.width + ix];
          }
        }
      }
      y[(plane * g.outputHeight + oy) * g.outputWidth + ox] = sum;
    }
  }
}

/**
 * One plane of the input's gradient: each output gradient is sent back through the taps that made it.
 *
 * @param plane n · C + c.
 */
export function inputGradientPlane(
  g: ConvolutionProblem,
  dy: NumericArray,
  w: NumericArray,
  dx: NumericArray,
  plane: number,
): void {
  const outputs = g.groups * g.groupOutputs, inputs = g.groups * g.groupInputs;
  const n = Math.floor(plane / inputs), c = plane % inputs, group = Math.floor(c / g.groupInputs);
  const [strideY, strideX] = g.stride, [padY, padX] = g.padding, [dilationY, dilationX] = g.dilation;
  const target = plane * g.height * g.width;
  dx.fill(0, target, target + g.height * g.width);
  for (let k = 0; k < g.groupOutputs; k++) {
    const o = group * g.groupOutputs + k;
    const source = (n * outputs + o) * g.outputHeight * g.outputWidth;
    const taps = (o * g.groupInputs + c % g.groupInputs) * g.kernelHeight * g.kernelWidth;
    for (let oy = 0; oy < g.outputHeight; oy++) {
      for (let i = 0; i < g.kernelHeight; i++) {
        const iy = oy * strideY + i * dilationY - padY;
        if (iy < 0 || iy >= g.height) continue;
        for (let ox = 0; ox < g.outputWidth; ox++) {
          const gradient = dy[source + oy * g.outputWidth + ox];
          for (let j = 0; j < g.kernelWidth; j++) {
            const ix = ox * strideX + j * dilationX - padX;
            if (ix >= 0 && ix < g.width) dx[target + iy * g.width + ix] += gradient * w[taps + i * g.kernelWidth + j];
          }
        }
      }
    }
  }
}

/**
 * The gradient of one kernel plane: dw[o, c, i, j] = sum over n, y, x of dy[n, o, y, x] · x[n, c, …].
 *
 * @param plane o · (C/groups) + c.
 */
export function weightGradientPlane(
  g: ConvolutionProblem,
  x: NumericArray,
  dy: NumericArray,
  dw: NumericArray,
  plane: number,
): void {
  const outputs = g.groups * g.groupOutputs, inputs = g.groups * g.groupInputs;
  const o = Math.floor(plane / g.groupInputs),
    c = Math.floor(o / g.groupOutputs) * g.groupInputs + plane % g.groupInputs;
  const [strideY, strideX] = g.stride, [padY, padX] = g.padding, [dilationY, dilationX] = g.dilation;
  for (let i = 0; i < g.kernelHeight; i++) {
    for (let j = 0; j < g.kernelWidth; j++) {
      let sum = 0;
      for (let n = 0; n < g.batch; n++) {
        const source = (n * inputs + c) * g.height * g.width,
          gradient = (n * outputs + o) * g.outputHeight * g.outputWidth;
        for (let oy = 0; oy < g.outputHeight; oy++) {
          const iy = oy * strideY + i * dilationY - padY;
          if (iy < 0 || iy >= g.height) continue;
          for (let ox = 0; ox < g.outputWidth; ox++) {
            const ix = ox * strideX + j * dilationX - padX;
            if (ix >= 0 && ix < g.width) sum += dy[gradient + oy * g.outputWidth + ox] * x[source + iy * g.width + ix];
          }
        }
      }
      dw[(plane * g.kernelHeight + i) * g.kernelWidth + j] = sum;
    }
  }
}
