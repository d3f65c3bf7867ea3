/** Gradient clipping by the norm over all gradients, as `torch.nn.utils.clip_grad_norm_`: three small ops. */

import {
  bytesMoved,
  elementCount,
  expectSpec,
  f32,
  float,
  type NumericArray,
  type Op,
  registerOp,
  ShapeError,
} from "../core/mod.ts";
import { elementwiseKernels, rowSums } from "../kernels/mod.ts";

const SHAPES = [[1], [13], [4, 3, 3, 3], [5, 3347]];

/** sum + Σ value². Inputs: `value` of any shape, `sum` []. Output: []. */
export const addSquares: Op<Record<never, never>> = registerOp<Record<never, never>>({
  name: "addSquares",
  attributes: {},
  infer([value, sum]) {
    expectSpec("addSquares", "value", value, value.shape);
    expectSpec("addSquares", "sum", sum, []);
    return [sum];
  },
  reference: () => ([value, sum, result]: readonly NumericArray[]) => {
    let total = sum[0];
    for (let i = 0; i < value.length; i++) total += value[i] * value[i];
    result[0] = total;
  },
  webgpu({ inputs: [{ shape }] }) {
    return rowSums(1, elementCount(shape), {
      element: "value[k] * value[k]",
      finish: "sum + before[0]",
      buffers: [{ name: "value", index: 0 }, { name: "before", index: 1 }],
      output: 2,
    });
  },
  cost: (spec) => ({ flops: 2 * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () => [...SHAPES, [3, 30_011]].map((shape) => ({ inputs: [f32(shape), f32([])] })),
  badSamples: () => [{ inputs: [f32([2]), f32([1])], message: "expected sum to be f32 []" }],
});

/** The attributes of {@link clipFactor}. */
export type ClipAttributes = {
  /** The largest norm of the clipped gradients. */
  readonly norm: number;
};

/** PyTorch's term against a division by 0. */
const GUARD = 1e-6;

/**
 * min(1, norm / (√squares + 1e-6)). Inputs: `squares` [], and optionally `unscale` [], the factor that undoes the gradients'
 * scale. With it: unscale·min(1, norm / (unscale·√squares + 1e-6)), or 0 if `unscale` is 0, for any squares. Output: [].
 */
export const clipFactor: Op<ClipAttributes> = registerOp<ClipAttributes>({
  name: "clipFactor",
  attributes: { norm: 1 },
  infer([squares, unscale], { norm }) {
    expectSpec("clipFactor", "squares", squares, []);
    if (unscale !== undefined) expectSpec("clipFactor", "unscale", unscale, []);
    if (!(norm > 0)) throw new ShapeError(`clipFactor: expected norm to be above 0 but it is ${norm}`);
    return [squares];
  },
  reference: ({ inputs, attributes: { norm } }) => (buffers: readonly NumericArray[]) => {
    const [squares] = buffers, unscale = inputs.length > 1 ? buffers[1][0] : 1;
    const clip = Math.min(1, norm / (unscale * Math.sqrt(squares[0]) + GUARD));
    buffers[inputs.length][0] = unscale === 0 ? 0 : unscale * clip;
  },
  webgpu({ inputs, attributes: { norm } }) {
    const clip = (root: string) => `min(1.0, ${float(norm)} / (${root} + ${float(GUARD)}))`;
    if (inputs.length === 1) {
      return elementwiseKernels(1, ["squares", "factor!"], `factor[0] = ${clip("sqrt(squares[0])")};`);
    }
    const body = `factor[0] = 0.0;
  if (unscale[0] != 0.0) { factor[0] = unscale[0] * ${clip("unscale[0] * sqrt(squares[0])")}; }`;
    return elementwiseKernels(1, ["squares", "unscale", "factor!"], body);
  },
  cost: (spec) => ({ flops: 4, bytes: bytesMoved(spec) }),
  samples: () => [
    ...[0.5, 1, 100].map((norm) => ({
      inputs: [f32([])],
      attributes: { norm },
      fill: ([squares]: readonly NumericArray[]) => void (squares[0] = 2 + Math.abs(squares[0])),
    })),
    ...[[3 * 2 ** 20, 2 ** -10], [2, 2 ** -10], [NaN, 0], [Infinity, 0]].map((numbers) => ({
      inputs: [f32([]), f32([])],
      fill: (arrays: readonly NumericArray[]) => numbers.forEach((value, k) => arrays[k][0] = value),
    })),
  ],
  badSamples: () => [
    { inputs: [f32([1])], message: "expected squares to be f32 []" },
    { inputs: [f32([])], attributes: { norm: 0 }, message: "expected norm to be above 0" },
  ],
});

/** factor·value. Inputs: `value` of any shape, `factor` []. Output: of the value's shape. */
export const scaleBy: Op<Record<never, never>> = registerOp<Record<never, never>>({
  name: "scaleBy",
  attributes: {},
  infer([value, factor]) {
    expectSpec("scaleBy", "value", value, value.shape);
    expectSpec("scaleBy", "factor", factor, []);
    return [value];
  },
  reference: () => ([value, factor, result]: readonly NumericArray[]) => {
    for (let i = 0; i < value.length; i++) result[i] = factor[0] * value[i];
  },
  webgpu: ({ inputs: [{ shape }] }) =>
    elementwiseKernels(
      elementCount(shape),
      ["value", "factor", "result!"],
      "result[i] = factor[0] * value[i];",
    ),
  cost: (spec) => ({ flops: elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () => SHAPES.map((shape) => ({ inputs: [f32(shape), f32([])] })),
  badSamples: () => [{ inputs: [f32([2]), f32([1])], message: "expected factor to be f32 []" }],
});
