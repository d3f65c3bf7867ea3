/** Convolutions of one input channel a group on the CPU: the arguments of `core/cpu/wasm/assembly/depthwise.ts`. */

import type { CpuKernel } from "../../core/mod.ts";
import { roundUp } from "../_matrix_product.ts";
import type { Geometry } from "./geometry.ts";

/** A convolution over padded planes. */
interface PlaneGeometry {
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly rows: number;
  readonly rowFloats: number;
}

/** The padded plane under `height` by `width` outputs. */
function paddedPlane(
  g: Geometry,
  height: number,
  width: number,
  stride: readonly number[],
  padding: readonly number[],
): PlaneGeometry {
  // Four outputs are computed at once, so a row is as long as if the width were a multiple of 4; and copies overrun.
  const columns = (roundUp(width, 4) - 1) * stride[1] + (g.kernelWidth - 1) * g.dilation[1] + 1;
  return {
    stride,
    padding,
    rows: (height - 1) * stride[0] + (g.kernelHeight - 1) * g.dilation[0] + 1,
    rowFloats: roundUp(columns, 4) + 8,
  };
}

function planeArguments(g: Geometry, { padding, rows, rowFloats }: PlaneGeometry): number[] {
  return [
    g.groups,
    g.groupOutputs,
    g.height,
    g.width,
    g.outputHeight,
    g.outputWidth,
    g.kernelHeight,
    g.kernelWidth,
    ...g.stride,
    ...padding,
    ...g.dilation,
    rowFloats,
    rows,
  ];
}

/** The plane under a convolution's outputs. It may have to hold more columns than the outputs see: the image's own. */
function forwardPlane(g: Geometry): PlaneGeometry {
  const plane = paddedPlane(g, g.outputHeight, g.outputWidth, g.stride, g.padding);
  return { ...plane, rowFloats: Math.max(plane.rowFloats, roundUp(g.padding[1] + g.width, 4) + 8) };
}

/** y = conv(x, w) (+ bias): a task a plane. */
export function depthwiseForward(g: Geometry, bias: boolean): CpuKernel {
  const plane = forwardPlane(g);
  return {
    scratch: plane.rows * plane.rowFloats + 16,
    phases: [{
      kernel: "depthwise",
      tasks: g.batch * g.groups * g.groupOutputs,
      arguments: [
        { buffer: 0 },
        { buffer: 1 },
        { buffer: bias ? 3 : 2 },
        bias ? { buffer: 2 } : 0,
        ...planeArguments(g, plane),
      ],
    }],
  };
}

/** Whether the transposed convolution has a padding, as it has unless the kernel is smaller than the padding. */
export function canSpreadGradient({ kernelHeight, kernelWidth, padding, dilation }: Geometry): boolean {
  return (kernelHeight - 1) * dilation[0] >= padding[0] && (kernelWidth - 1) * dilation[1] >= padding[1];
}

/** The input's gradient: the output's, spread out by the stride, under the kernel read backwards; a task a plane. */
export function depthwiseInputGradientKernel(g: Geometry): CpuKernel {
  const padding = [
    (g.kernelHeight - 1) * g.dilation[0] - g.padding[0],
    (g.kernelWidth - 1) * g.dilation[1] - g.padding[1],
  ];
  const plane = paddedPlane(g, g.height, g.width, [1, 1], padding);
  return {
    scratch: plane.rows * plane.rowFloats + 16,
    phases: [{
      kernel: "depthwiseInputGradient",
      tasks: g.batch * g.groups,
      arguments: [{ buffer: 0 }, { buffer: 1 }, { buffer: 2 }, 0, ...planeArguments(g, plane)],
    }],
  };
}

/** The weight's gradient: a task an output channel. */
export function depthwiseWeightGradientKernel(g: Geometry): CpuKernel {
  const plane = forwardPlane(g), taps = g.kernelHeight * g.kernelWidth;
  return {
    scratch: 4 * taps + plane.rows * plane.rowFloats + g.outputHeight * (roundUp(g.outputWidth, 4) + 4) + 16,
    phases: [{
      kernel: "depthwiseWeightGradient",
      tasks: g.groups * g.groupOutputs,
      arguments: [{ buffer: 0 }, { buffer: 1 }, { buffer: 2 }, 0, ...planeArguments(g, plane), g.batch],
    }],
  };
}
