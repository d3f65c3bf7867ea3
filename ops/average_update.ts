/** One step of a running average, in place: of weights over a run, or of gradients over the parts of a batch. */

import { bytesMoved, elementCount, expectSpec, f32, type NumericArray, type Op, registerOp } from "../core/mod.ts";
import { elementwiseKernels } from "../kernels/mod.ts";

/**
 * average = (1 - share)·average + share·value. Inputs: `average`, which is updated in place, `value` of the same shape,
 * `share` []. A share of 1 starts an average and ignores the old one; shares of 1/k at the k-th step give the mean.
 */
export const averageUpdate: Op<Record<never, never>> = registerOp<Record<never, never>>({
  name: "averageUpdate",
  attributes: {},
  updates: [0],
  infer([average, value, share]) {
    expectSpec("averageUpdate", "value", value, average.shape);
    expectSpec("averageUpdate", "share", share, []);
    return [];
  },
  reference: () => ([average, value, share]: readonly NumericArray[]) => {
    for (let i = 0; i < average.length; i++) {
      average[i] = share[0] === 1 ? value[i] : (1 - share[0]) * average[i] + share[0] * value[i];
    }
  },
  webgpu({ inputs }) {
    // No product with 0, which would keep infinity and NaN.
    const body = "average[i] = select((1.0 - share[0]) * average[i] + share[0] * value[i], value[i], share[0] == 1.0);";
    return elementwiseKernels(elementCount(inputs[0].shape), ["average!", "value", "share"], body);
  },
  cost: (spec) => ({ flops: 3 * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () => [
    ...[[], [1], [13], [4, 3, 3, 3], [5, 3347]].map((shape) => ({ inputs: [f32(shape), f32(shape), f32([])] })),
    {
      inputs: [f32([7]), f32([7]), f32([])],
      fill([average, , share]: readonly NumericArray[]) {
        average.set([NaN, Infinity, -Infinity]);
        share[0] = 1;
      },
    },
  ],
  badSamples: () => [
    { inputs: [f32([2]), f32([3]), f32([])], message: "expected value to be f32 [2]" },
    { inputs: [f32([2]), f32([2]), f32([1])], message: "expected share to be f32 []" },
  ],
});
