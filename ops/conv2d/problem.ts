/** The extents of a convolution, worked out and checked once; kernels take them as they are. */

import { expectInteger, expectSpec, type OpSpec, ShapeError, type TensorSpec } from "../../core/mod.ts";
import { expectPair, outputExtent, paddingOf } from "../_window.ts";

/** The attributes of a convolution. Pairs are vertical, horizontal. */
export type ConvolutionAttributes = {
  /** The distance between neighbouring windows. */
  readonly stride: readonly number[];
  /** The zeros added on each side: [vertical, horizontal], or [top, left, bottom, right]. */
  readonly padding: readonly number[];
  /** The distance between neighbouring taps. */
  readonly dilation: readonly number[];
  /** The number of groups that the channels are split into. */
  readonly groups: number;
};

/** The defaults, as PyTorch's. */
export const CONVOLUTION_DEFAULTS: ConvolutionAttributes = {
  stride: [1, 1],
  padding: [0, 0],
  dilation: [1, 1],
  groups: 1,
};

/** All extents of a convolution of an input [N, C, H, W] by weights [O, C/groups, KH, KW] to [N, O, OH, OW]. */
export interface ConvolutionProblem {
  /** The batch size N. */
  readonly batch: number;
  /** The number of groups. */
  readonly groups: number;
  /** Input channels of a group. */
  readonly groupInputs: number;
  /** Output channels of a group. */
  readonly groupOutputs: number;
  /** The input's height H. */
  readonly height: number;
  /** The input's width W. */
  readonly width: number;
  /** The output's height OH. */
  readonly outputHeight: number;
  /** The output's width OW. */
  readonly outputWidth: number;
  /** The kernel's height KH. */
  readonly kernelHeight: number;
  /** The kernel's width KW. */
  readonly kernelWidth: number;
  /** Stride, vertical and horizontal. */
  readonly stride: readonly number[];
  /** Padding above and on the left. What is below and on the right follows from the output's extents. */
  readonly padding: readonly [number, number];
  /** Dilation, vertical and horizontal. */
  readonly dilation: readonly number[];
}

/**
 * The geometry of an input's and a weight's shapes.
 *
 * @throws {ShapeError} If they do not fit each other or the attributes.
 */
export function convolutionProblem(
  op: string,
  input: readonly number[],
  weight: readonly number[],
  { stride, padding, dilation, groups }: ConvolutionAttributes,
): ConvolutionProblem {
  expectPair(op, "stride", stride, 1);
  const { before, after } = paddingOf(op, padding);
  expectPair(op, "dilation", dilation, 1);
  expectInteger(op, "groups", groups, 1);
  const [batch, channels, height, width] = input;
  const [outputs, groupInputs, kernelHeight, kernelWidth] = weight;
  if (channels % groups !== 0 || outputs % groups !== 0) {
    throw new ShapeError(
      `${op}: expected groups to divide ${channels} input and ${outputs} output channels but it is ${groups}`,
    );
  }
  if (groupInputs * groups !== channels) {
    throw new ShapeError(
      `${op}: expected weight to have ${
        channels / groups
      } input channels a group (${channels} in ${groups} groups) but it has ${groupInputs}`,
    );
  }
  const extent = (axis: 0 | 1) =>
    outputExtent(op, axis, {
      input: [height, width][axis],
      kernel: [kernelHeight, kernelWidth][axis],
      stride: stride[axis],
      dilation: dilation[axis],
      before: before[axis],
      after: after[axis],
    });
  return {
    batch,
    groups,
    groupInputs,
    groupOutputs: outputs / groups,
    height,
    width,
    outputHeight: extent(0),
    outputWidth: extent(1),
    kernelHeight,
    kernelWidth,
    stride,
    padding: before,
    dilation,
  };
}

/** Whether each output meets one element of the input, that of its own position. */
export function isPositionwise(g: ConvolutionProblem): boolean {
  return g.kernelHeight * g.kernelWidth * g.stride[0] * g.stride[1] === 1 && g.outputHeight === g.height &&
    g.outputWidth === g.width;
}

/**
 * The geometry of a convolution's inputs.
 *
 * @throws {ShapeError} If they are no tensors of its kind, or do not fit each other or the attributes.
 */
export function problemOf(
  op: string,
  { inputs, attributes }: Pick<OpSpec<ConvolutionAttributes>, "inputs" | "attributes">,
): ConvolutionProblem {
  expectSpec(op, "input", inputs[0], ["N", "C", "H", "W"], "float");
  expectSpec(op, "weight", inputs[1], ["O", "C/groups", "KH", "KW"], inputs[0].dtype);
  return convolutionProblem(op, inputs[0].shape, inputs[1].shape, attributes);
}

/** Checks the optional bias of a convolution. */
export function expectBias(op: string, inputs: readonly TensorSpec[], outputs: number): void {
  if (inputs.length > 2) expectSpec(op, "bias", inputs[2], [outputs]);
  if (inputs.length > 3) {
    throw new ShapeError(`${op}: expected input, weight and maybe a bias but ${inputs.length} inputs came`);
  }
}

/** Multiplications and additions of a convolution or of one of its gradients. */
export function convolutionFlops(g: ConvolutionProblem): number {
  const products = g.groupInputs * g.kernelHeight * g.kernelWidth * g.groups * g.groupOutputs;
  return 2 * products * g.batch * g.outputHeight * g.outputWidth;
}
