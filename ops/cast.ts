/** Changes the element type of a tensor, for mixed precision. */

import { bytesMoved, elementCount, f16, f32, isFloat, type Op, registerOp, ShapeError, u32 } from "../core/mod.ts";
import { vectorKernels } from "../kernels/mod.ts";

/** The attributes of {@link cast}. */
export type CastAttributes = {
  /** The type of the output. */
  readonly to: "f32" | "f16";
};

/**
 * The input's elements in another type, rounded to the nearest if it has fewer bits. Input: float of any shape. Output: of the
 * same shape. The gradient is the cast back.
 */
export const cast: Op<CastAttributes> = registerOp<CastAttributes>({
  name: "cast",
  attributes: { to: "f32" },
  float16Inputs: () => [0],
  infer([input], { to }) {
    if (to !== "f32" && to !== "f16") throw new ShapeError(`cast: expected to to be f32 or f16 but it is ${to}`);
    if (input === undefined || !isFloat(input)) {
      throw new ShapeError(`cast: expected input to be a float of any shape but it is ${input?.dtype ?? "missing"}`);
    }
    return [{ shape: input.shape, dtype: to }];
  },
  gradient(graph, { inputs: [{ dtype }] }, [outputGradient]) {
    // The gradient of a weight is f32 already, although the op read the weight as f16.
    if (outputGradient!.spec.dtype === dtype) return [outputGradient];
    return cast.apply(graph, [outputGradient!], { to: dtype as CastAttributes["to"] });
  },
  reference: () => ([x, y]) => {
    for (let i = 0; i < y.length; i++) y[i] = x[i];
  },
  webgpu: ({ outputs: [{ shape }] }) =>
    // The conversion comes from the types of the buffers.
    vectorKernels(elementCount(shape), ["x", "y!"], "y[i] = x[i];"),
  cost: (spec) => ({ flops: elementCount(spec.outputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    [[], [1], [7], [3, 5, 7], [5, 3347]].flatMap((shape) => [
      { inputs: [f32(shape)] },
      { inputs: [f32(shape)], attributes: { to: "f16" } },
    ]),
  badSamples: () => [
    { inputs: [u32([2])], message: "expected input to be a float" },
    { inputs: [f16([2])], attributes: { to: "u32" as "f32" }, message: "expected to to be f32 or f16" },
  ],
});
