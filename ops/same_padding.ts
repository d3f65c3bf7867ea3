/** The padding that TensorFlow, Keras and ONNX call SAME. */

import { expectPair } from "./_window.ts";

/** What {@link samePadding} depends on. Pairs are vertical, horizontal. */
export interface SamePaddingOptions {
  /** The input's height and width. */
  readonly inputSize: readonly number[];
  /** The window's height and width. */
  readonly kernel: readonly number[];
  /** The distance between neighbouring windows. Defaults to 1. */
  readonly stride?: readonly number[];
  /** The distance between neighbouring elements of a window. Defaults to 1. */
  readonly dilation?: readonly number[];
  /**
   * Where an odd one goes: after the input, as in TensorFlow, Keras and ONNX's `SAME_UPPER`, or before it, as in
   * `SAME_LOWER`. Defaults to after.
   */
  readonly odd?: "after" | "before";
}

/**
 * The padding by which an output has ceil(input / stride) elements along each axis, as little of it as does.
 *
 * It depends on the input's size: with stride 2 and an even size it has more below and on the right than above and on
 * the left, so it is another than PyTorch's symmetric padding of half the kernel.
 *
 * @returns The attribute `padding` of a convolution or a pooling: [top, left, bottom, right], in elements.
 *
 * @throws {ShapeError} If a pair is not one of whole numbers of at least 1.
 *
 * @example
 * ```ts
 * import { samePadding } from "@residua/residua/ops";
 *
 * console.log(samePadding({ inputSize: [224, 225], kernel: [3, 3], stride: [2, 2] })); // [0, 1, 1, 1]
 * ```
 */
export function samePadding(options: SamePaddingOptions): [top: number, left: number, bottom: number, right: number] {
  const { inputSize, kernel, stride = [1, 1], dilation = [1, 1], odd = "after" } = options;
  for (const [name, pair] of Object.entries({ inputSize, kernel, stride, dilation })) {
    expectPair("samePadding", name, pair, 1);
  }
  const [[top, bottom], [left, right]] = inputSize.map((size, axis) => {
    const last = (Math.ceil(size / stride[axis]) - 1) * stride[axis];
    const total = Math.max(0, last + (kernel[axis] - 1) * dilation[axis] + 1 - size), half = Math.floor(total / 2);
    return odd === "after" ? [half, total - half] : [total - half, half];
  });
  return [top, left, bottom, right];
}
