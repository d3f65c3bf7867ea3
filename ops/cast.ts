/** Changes the type of a tensor: the seams of mixed precision. */

import {
  bytesMoved,
  elementCount,
  elementwise,
  f16,
  f32,
  isFloat,
  linearWorkgroups,
  type Op,
  type OpSpec,
  registerOp,
  ShapeError,
  u32,
  type WebGpuLimits,
  type WebGpuVariant,
} from "../core/mod.ts";

/** The attributes of {@link cast}. */
export type CastAttributes = {
  /** The type of the output. */
  readonly to: "f32" | "f16";
};

/** Casts of a dispatch: its text is as long as there are many. */
const MOST_TOGETHER = 16;
/** Buffers of a cast: input and output. */
const BUFFERS = 2;

/** The kernel of some casts, four elements a thread: the threads of each follow those of the one before. */
function together(specs: readonly OpSpec<CastAttributes>[], limits: WebGpuLimits): WebGpuVariant {
  let threads = 0;
  const branches = specs.map(({ inputs: [{ shape }] }, k) => {
    const first = threads;
    threads += Math.ceil(elementCount(shape) / 4);
    return `if (thread < ${threads}u) { y${k}[thread - ${first}u] = x${k}[thread - ${first}u]; }`;
  });
  return {
    name: "vectors",
    passes: [{
      wgsl: elementwise(threads, `let thread = i;\n  ${branches.join(" else ")}`),
      bindings: specs.flatMap((_, k) => [
        { name: `x${k}`, index: BUFFERS * k, vector: true },
        { name: `y${k}`, index: BUFFERS * k + 1, write: true, vector: true },
      ]),
      workgroups: linearWorkgroups(threads, limits),
    }],
  };
}

/**
 * The input's elements as another type, rounded to the nearest where that has fewer bits. Input: float of any shape. Output: of
 * its shape. The gradient is the cast back.
 */
export const cast: Op<CastAttributes> = registerOp<CastAttributes>({
  name: "cast",
  attributes: { to: "f32" },
  half: () => [0],
  infer([input], { to }) {
    if (to !== "f32" && to !== "f16") throw new ShapeError(`cast: expected to to be f32 or f16 but it is ${to}`);
    if (input === undefined || !isFloat(input)) {
      throw new ShapeError(`cast: expected input to be a float of any shape but it is ${input?.dtype ?? "missing"}`);
    }
    return [{ shape: input.shape, dtype: to }];
  },
  gradient(graph, { inputs: [{ dtype }] }, [outputGradient]) {
    // The gradients of weights are f32 although the weights that were read are f16.
    if (outputGradient!.spec.dtype === dtype) return [outputGradient];
    return cast.apply(graph, [outputGradient!], { to: dtype as CastAttributes["to"] });
  },
  reference: () => ([x, y]) => {
    for (let i = 0; i < y.length; i++) y[i] = x[i];
  },
  webgpu: (spec, limits) => [together([spec], limits)],
  webgpuTogether: {
    most: ({ maxStorageBuffersPerShaderStage }) =>
      Math.max(1, Math.min(MOST_TOGETHER, Math.floor(maxStorageBuffersPerShaderStage / BUFFERS))),
    webgpu: together,
  },
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
