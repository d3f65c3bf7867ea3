/** Shared parts of the two window poolings: attributes, extents, and the windows over an element. */

import { type CpuKernelName, type CpuStages, expectSpec, ShapeError, type TensorSpec } from "../core/mod.ts";
import { expectIterations, rowsOfTask } from "../kernels/mod.ts";
import { expectPair, outputExtent } from "./_window.ts";

/** The attributes of a pooling. Pairs are vertical, horizontal. */
export type PoolAttributes = {
  /** The window's extents. */
  readonly kernel: readonly number[];
  /** The distance between neighbouring windows. */
  readonly stride: readonly number[];
  /** The padding on each side, at most half the window. */
  readonly padding: readonly number[];
};

/** The attributes of a pooling's gradient: the pooling's, and the input's height and width. */
export type PoolGradientAttributes = PoolAttributes & { readonly inputSize: readonly number[] };

/** A 2x2 window at stride 2. */
export const POOL_DEFAULTS: PoolAttributes = { kernel: [2, 2], stride: [2, 2], padding: [0, 0] };

/** All extents of a pooling. */
export interface PoolGeometry extends PoolAttributes {
  /** Images times channels. */
  readonly planes: number;
  /** The input's height. */
  readonly height: number;
  /** The input's width. */
  readonly width: number;
  /** The output's height. */
  readonly outputHeight: number;
  /** The output's width. */
  readonly outputWidth: number;
}

/** Checks the attributes and computes the extents of a pooling of [N, C, H, W]. */
export function poolGeometry(op: string, shape: readonly number[], attributes: PoolAttributes): PoolGeometry {
  const { kernel, stride, padding } = attributes;
  expectPair(op, "kernel", kernel, 1);
  expectPair(op, "stride", stride, 1);
  expectPair(op, "padding", padding, 0);
  if (padding.some((pad, axis) => 2 * pad > kernel[axis])) {
    throw new ShapeError(
      `${op}: expected padding to be at most half of kernel ${kernel.join("x")} but it is ${padding.join("x")}`,
    );
  }
  const [batch, channels, height, width] = shape;
  return {
    kernel,
    stride,
    padding,
    planes: batch * channels,
    height,
    width,
    outputHeight: outputExtent(op, height, kernel[0], stride[0], padding[0], 1),
    outputWidth: outputExtent(op, width, kernel[1], stride[1], padding[1], 1),
  };
}

/** The stage of a kernel of `core/cpu/wasm/assembly/pool.ts` over the op's first two or three buffers. */
export function poolKernel(kernel: CpuKernelName, buffers: 2 | 3, g: PoolGeometry): CpuStages {
  const group = rowsOfTask(g.planes, g.height * g.width);
  return {
    stages: [{
      kernel,
      tasks: Math.ceil(g.planes / group),
      arguments: [
        { buffer: 0 },
        { buffer: 1 },
        buffers === 3 ? { buffer: 2 } : 0,
        g.planes,
        group,
        g.height,
        g.width,
        g.outputHeight,
        g.outputWidth,
        ...g.kernel,
        ...g.stride,
        ...g.padding,
        { float: 1 / (g.kernel[0] * g.kernel[1]) },
      ],
    }],
  };
}

/** The loop iterations of a thread that visits a window, or all windows over an element; checks that they are few enough. */
export function windowIterations(op: string, { kernel }: PoolAttributes): number {
  const iterations = (kernel[0] + 1) * kernel[1];
  expectIterations(op, iterations);
  return iterations;
}

/** The specification of the output of a pooling of [N, C, H, W]. */
export function pooledSpec(op: string, input: TensorSpec, attributes: PoolAttributes): TensorSpec {
  expectSpec(op, "input", input, ["N", "C", "H", "W"], "float");
  const { outputHeight, outputWidth } = poolGeometry(op, input.shape, attributes);
  return { ...input, shape: [...input.shape.slice(0, 2), outputHeight, outputWidth] };
}

/** The specification of a pooling's input, from its output gradient; checks that they fit. */
export function unpooledSpec(op: string, outputGradient: TensorSpec, attributes: PoolGradientAttributes): TensorSpec {
  expectSpec(op, "outputGradient", outputGradient, ["N", "C", "OH", "OW"], "float");
  expectPair(op, "inputSize", attributes.inputSize, 1);
  const input = { ...outputGradient, shape: [...outputGradient.shape.slice(0, 2), ...attributes.inputSize] };
  const { outputHeight, outputWidth } = poolGeometry(op, input.shape, attributes);
  expectSpec(op, "outputGradient", outputGradient, ["N", "C", outputHeight, outputWidth], "float");
  return input;
}

/** WGSL that runs `body` for every window (wy, wx) that covers input element `i`; it may use `plane`, `row`, `column`. */
export function forEachCoveringWindow(g: PoolGeometry, body: string): string {
  const range = (name: string, position: string, axis: 0 | 1, count: number) =>
    `let first_${name} = (max(${position} + ${g.padding[axis] + 1}u, ${g.kernel[axis]}u) - ${g.kernel[axis]}u + ${
      g.stride[axis] - 1
    }u) / ${g.stride[axis]}u;
  let end_${name} = min((${position} + ${g.padding[axis]}u) / ${g.stride[axis]}u + 1u, ${count}u);`;
  return `let column = i % ${g.width}u; let row = i / ${g.width}u % ${g.height}u; let plane = i / ${
    g.height * g.width
  }u;
  ${range("y", "row", 0, g.outputHeight)}
  ${range("x", "column", 1, g.outputWidth)}
  for (var wy = first_y; wy < end_y; wy++) {
    for (var wx = first_x; wx < end_x; wx++) { ${body} }
  }`;
}

/** The cases by which poolings are checked. */
export const POOL_CASES: readonly {
  readonly input: readonly number[];
  readonly attributes?: Partial<PoolAttributes>;
}[] = [
  { input: [1, 1, 2, 2] },
  { input: [1, 3, 1, 1], attributes: { kernel: [1, 1], stride: [1, 1] } },
  { input: [2, 3, 7, 9] },
  { input: [2, 5, 8, 8], attributes: { kernel: [3, 3], padding: [1, 1] } },
  { input: [1, 4, 9, 7], attributes: { kernel: [3, 3], stride: [1, 1], padding: [1, 1] } },
  { input: [2, 3, 13, 22], attributes: { kernel: [3, 3], padding: [1, 1] } },
  { input: [1, 2, 6, 19], attributes: { kernel: [3, 3], stride: [1, 1], padding: [1, 1] } },
  { input: [1, 2, 6, 5], attributes: { kernel: [6, 5], stride: [1, 1] } },
  { input: [1, 2, 11, 8], attributes: { kernel: [2, 3], stride: [3, 1], padding: [1, 0] } },
];
