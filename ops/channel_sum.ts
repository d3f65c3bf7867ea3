/** The sums of each channel over images and positions: the gradient of a bias. */

import {
  bytesMoved,
  elementCount,
  f32,
  formatSpec,
  isFloat,
  type Op,
  type OpSpec,
  registerOp,
  ShapeError,
} from "../core/mod.ts";
import { channelSumStages, rowSums } from "../kernels/mod.ts";

function extents({ inputs: [{ shape }] }: Pick<OpSpec, "inputs">): { batch: number; channels: number; plane: number } {
  return { batch: shape[0], channels: shape[1], plane: elementCount(shape.slice(2)) };
}

/** Input: [N, C] or [N, C, H, W]. Output: [C], f32. */
export const channelSum: Op = registerOp({
  name: "channelSum",
  attributes: {},
  float16Inputs: () => [0],
  infer([input]) {
    if (!isFloat(input) || (input.shape.length !== 2 && input.shape.length !== 4)) {
      throw new ShapeError(
        `channelSum: expected input to be f32 [N, C] or [N, C, H, W] but it is ${formatSpec(input)}`,
      );
    }
    return [f32([input.shape[1]])];
  },
  reference(spec) {
    const { batch, channels, plane } = extents(spec);
    return ([x, y]) => {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let n = 0; n < batch; n++) for (let i = 0; i < plane; i++) sum += x[(n * channels + c) * plane + i];
        y[c] = sum;
      }
    };
  },
  cpu: (spec) => channelSumStages(extents(spec), 1),
  webgpu(spec) {
    const { batch, channels, plane } = extents(spec);
    const element = `x[(k / ${plane}u * ${channels}u + row) * ${plane}u + k % ${plane}u]`;
    return rowSums(channels, batch * plane, { element, buffers: [{ name: "x", index: 0 }], output: 1 });
  },
  cost: (spec) => ({ flops: elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    [[1, 1], [3, 5], [130, 7], [1, 2, 1, 1], [2, 3, 5, 7], [4, 6, 16, 16], [3, 40, 16, 16], [2, 1, 91, 93]].map((
      shape,
    ) => ({ inputs: [f32(shape)] })),
  badSamples: () => [{ inputs: [f32([2, 3, 4])], message: "expected input to be f32 [N, C] or [N, C, H, W]" }],
});
