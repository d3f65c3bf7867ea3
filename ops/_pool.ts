/** Shared parts of the two window poolings: attributes, extents, and the windows over an element. */

import {
  type CpuArgument,
  type CpuKernelName,
  type CpuStage,
  expectSpec,
  ShapeError,
  type TensorSpec,
} from "../core/mod.ts";
import { expectIterations, rowsOfTask } from "../kernels/mod.ts";
import { expectPair, outputExtent, paddingOf, type WindowAxis } from "./_window.ts";

/** The attributes of every pooling. Pairs are vertical, horizontal. */
export type PoolAttributes = {
  /** The window's extents. */
  readonly kernel: readonly number[];
  /** The distance between neighbouring windows. */
  readonly stride: readonly number[];
  /**
   * The padding on each side, [vertical, horizontal] or [top, left, bottom, right]. No window may lie in it alone, as in
   * ONNX; PyTorch takes no more than half the window.
   */
  readonly padding: readonly number[];
  /**
   * Whether the number of windows is rounded up: a last one may reach beyond the padding, unless it would begin behind the
   * input, as in PyTorch and ONNX.
   */
  readonly ceilMode: boolean;
};

/** The attributes of a pooling's gradient: the pooling's, and the input's height and width. */
export type PoolGradientAttributes<A extends PoolAttributes = PoolAttributes> = A & {
  readonly inputSize: readonly number[];
};

/** A 2x2 window at stride 2. */
export const POOL_DEFAULTS: PoolAttributes = { kernel: [2, 2], stride: [2, 2], padding: [0, 0], ceilMode: false };

/** What a window may have beside {@link PoolAttributes}. */
type Dilated = PoolAttributes & { readonly dilation?: readonly number[] };

/** All extents of a pooling. Pairs are vertical, horizontal. */
export interface PoolGeometry {
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
  /** The window's extents. */
  readonly kernel: readonly number[];
  /** The distance between neighbouring windows. */
  readonly stride: readonly number[];
  /** The distance between neighbouring elements of a window. */
  readonly dilation: readonly number[];
  /** What a window spans: its extents, unless it is dilated. */
  readonly span: readonly number[];
  /** The padding above and on the left. */
  readonly padding: readonly [number, number];
  /** The padding below and on the right. */
  readonly paddingAfter: readonly [number, number];
}

/** Checks the attributes and computes the extents of a pooling of [N, C, H, W]. */
export function poolGeometry(op: string, shape: readonly number[], attributes: Dilated): PoolGeometry {
  const { kernel, stride, ceilMode, dilation = [1, 1] } = attributes;
  expectPair(op, "kernel", kernel, 1);
  expectPair(op, "stride", stride, 1);
  expectPair(op, "dilation", dilation, 1);
  const { before, after } = paddingOf(op, attributes.padding), [batch, channels, height, width] = shape;
  const span = [0, 1].map((axis) => dilation[axis] * (kernel[axis] - 1) + 1);
  const extent = (axis: 0 | 1) => {
    const windows: WindowAxis = {
      input: [height, width][axis],
      kernel: kernel[axis],
      stride: stride[axis],
      dilation: dilation[axis],
      before: before[axis],
      after: after[axis],
      ceil: ceilMode,
    };
    const count = outputExtent(op, axis, windows);
    expectElements(op, axis, windows, count);
    return count;
  };
  return {
    planes: batch * channels,
    height,
    width,
    outputHeight: extent(0),
    outputWidth: extent(1),
    kernel,
    stride,
    dilation,
    span,
    padding: before,
    paddingAfter: after,
  };
}

/** Checks that each of the windows along an axis holds an element of the input. */
function expectElements(op: string, index: 0 | 1, axis: WindowAxis, count: number): void {
  const { input, kernel, stride, dilation, before, after } = axis, span = dilation * (kernel - 1) + 1;
  const name = ["vertical", "horizontal"][index];
  if (Math.max(before, after) >= span) {
    throw new ShapeError(
      `${op}: expected a ${name} padding of less than the ${span} that a window spans, so that each holds an element of ` +
        `the input, but it is ${before} and ${after}`,
    );
  }
  for (let k = 0, begin = -before; k < count && begin < 0; k++, begin += stride) {
    // Windows step over the input only where their elements are further apart than it is long.
    if ((begin % dilation + dilation) % dilation < input) continue;
    throw new ShapeError(
      `${op}: expected each window to hold an element of the input, but with a ${name} padding of ${before} and a ` +
        `dilation of ${dilation} one steps over all ${input}`,
    );
  }
}

/** The stage of a kernel of `core/cpu/wasm/assembly/pool.ts` over three addresses; the last may be 0. */
export function poolStage(
  kernel: CpuKernelName,
  addresses: readonly CpuArgument[],
  g: PoolGeometry,
  factor: number = 1 / (g.kernel[0] * g.kernel[1]),
): CpuStage {
  const group = rowsOfTask(g.planes, g.height * g.width);
  return {
    kernel,
    tasks: Math.ceil(g.planes / group),
    arguments: [
      ...addresses,
      g.planes,
      group,
      g.height,
      g.width,
      g.outputHeight,
      g.outputWidth,
      ...g.kernel,
      ...g.stride,
      ...g.padding,
      { float: factor },
      ...g.dilation,
    ],
  };
}

/** The loop iterations of a thread that visits a window, or all windows over an element; checks that they are few enough. */
export function windowIterations(op: string, { span }: PoolGeometry): number {
  const iterations = (span[0] + 1) * span[1];
  expectIterations(op, iterations);
  return iterations;
}

/** The specification of the output of a pooling of [N, C, H, W]. */
export function pooledSpec(op: string, input: TensorSpec, attributes: Dilated): TensorSpec {
  expectSpec(op, "input", input, ["N", "C", "H", "W"], "float");
  const { outputHeight, outputWidth } = poolGeometry(op, input.shape, attributes);
  return { ...input, shape: [...input.shape.slice(0, 2), outputHeight, outputWidth] };
}

/** The specification of a pooling's input, from its output gradient; checks that they fit. */
export function unpooledSpec(
  op: string,
  outputGradient: TensorSpec,
  attributes: Dilated & PoolGradientAttributes,
): TensorSpec {
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
    `let first_${name} = (max(${position} + ${g.padding[axis] + 1}u, ${g.span[axis]}u) - ${g.span[axis]}u + ${
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

/** A case by which poolings are checked. */
export interface PoolCase<A extends PoolAttributes = PoolAttributes> {
  /** The input's shape. */
  readonly input: readonly number[];
  /** The attributes that differ from the defaults. */
  readonly attributes?: Partial<A>;
}

/** The cases of all poolings. */
export const POOL_CASES: readonly PoolCase[] = [
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
